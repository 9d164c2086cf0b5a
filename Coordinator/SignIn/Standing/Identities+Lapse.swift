internal import Database
internal import People
internal import Policy
internal import StrictJSON

/// A person's identity about which the provider is to be asked.
struct DueIdentity: Sendable {
    let sub: String
    let subject: String
    let refreshToken: String
}

extension Identities {
    /// For how long a sign-in counts where nothing can be asked, in seconds.
    static let usualAbsence = 12 * 3600
    /// For so long a person stays where the provider cannot be asked; in seconds.
    package static let patience = 3600

    /// The people about whom the provider is to be asked now: those who have a browser, a machine or a token here.
    func due(atMost count: Int) async throws -> [DueIdentity] {
        let now = clock.seconds
        let rows = try await database.read { [settings] view in
            try view.rows(
                """
                SELECT identity.sub, identity.subject, identity.refresh FROM identity
                JOIN person ON person.sub = identity.sub
                WHERE issuer = ? AND lapsed_at IS NULL AND refresh IS NOT NULL AND asked_at <= ? AND role IS NOT NULL AND (
                    EXISTS (SELECT 1 FROM agent WHERE agent.sub = identity.sub AND revoked_at IS NULL)
                    OR EXISTS (SELECT 1 FROM browser_session WHERE browser_session.sub = identity.sub AND expires_at > ?)
                    OR EXISTS (SELECT 1 FROM token WHERE token.sub = identity.sub AND expires_at > ?)
                ) ORDER BY asked_at LIMIT ?
                """,
                [
                    .text(settings.issuer), .integer(now - settings.question), .integer(now), .integer(now),
                    .integer(count),
                ]
            )
        }
        var due: [DueIdentity] = []
        for row in rows {
            let (sub, subject) = (try row.text("sub"), try row.text("subject"))
            guard let token = seal.open(try row.blob("refresh"), of: "\(settings.issuer)\n\(subject)") else {
                // Sealed with another key: nobody can be asked about this person.
                try await lapse(sub, why: "not to be asked about")
                continue
            }
            due.append(DueIdentity(sub: sub, subject: subject, refreshToken: token))
        }
        return due
    }

    /// Stores that the provider was asked, and what it has said about the person if it has said anything.
    ///
    /// - Parameters:
    ///   - due: about whom.
    ///   - identity: what it has said; nil: it had no time, and is asked again after a while.
    ///   - refreshToken: what to ask with next; nil where it is the same.
    /// - Throws: what the database throws.
    func answered(_ due: DueIdentity, _ identity: ProvenIdentity?, refreshToken: String?) async throws {
        let token = refreshToken ?? due.refreshToken
        let sealed = try seal.seal(token, of: "\(settings.issuer)\n\(due.subject)")
        try await database.write { transaction in
            try transaction.execute(
                "UPDATE identity SET asked_at = ?, refresh = ? WHERE sub = ? AND issuer = ? AND subject = ?",
                [
                    .integer(clock.seconds), .blob(sealed), .text(due.sub), .text(settings.issuer),
                    .text(due.subject),
                ]
            )
            guard let identity, let person = try people.person(sub: due.sub, in: transaction), person.role != nil else {
                return
            }
            var current = person
            if person.email != identity.email.text, try people.rename(person, to: identity.email, in: transaction) {
                current = try people.person(sub: due.sub, in: transaction) ?? person
            }
            _ = try confirm(identity, current, refresh: sealed, in: transaction)
        }
    }

    /// How often machines are told anew who their person is, in seconds: what they hold says it for a day.
    private static let news = 8 * 3600

    /// Has machines told anew whose people are still named.
    ///
    /// - Parameter count: how many people in one turn.
    /// - Returns: whether there were as many.
    /// - Throws: what the database throws.
    func tellMachines(atMost count: Int) async throws -> Bool {
        let due = "SELECT sub FROM identity WHERE issuer = ? AND lapsed_at IS NULL AND told_at <= ? LIMIT ?"
        let values: [SQLValue] = [.text(settings.issuer), .integer(clock.seconds - Self.news), .integer(count)]
        let subs = try await database.read { view in try view.rows(due, values).map { try $0.text("sub") } }
        guard !subs.isEmpty else { return false }
        try await database.write { transaction in for sub in subs { try tell(sub, in: transaction) } }
        return subs.count == count
    }

    /// Shuts a person out until the next sign-in: the provider says that it is none of its people any more.
    func lapse(_ sub: String, why: String) async throws {
        try await database.write { transaction in try lapse(sub, why: why, in: transaction) }
    }

    /// Shuts everybody out about whom nothing was heard for too long.
    ///
    /// - Returns: how many these are.
    func lapseOverdue() async throws -> Int {
        let now = clock.seconds
        // Nobody goes whom nobody has asked about: a clock that was set forward would put everybody out. Where nothing can be
        // asked a sign-in is all that is known; else the settings may want one now and then all the same.
        let overdue = """
            SELECT sub FROM identity WHERE issuer = ? AND lapsed_at IS NULL AND (
                CASE WHEN refresh IS NULL THEN confirmed_at <= ? ELSE confirmed_at <= ? AND asked_at > confirmed_at END
                OR signed_in_at <= ?
            )
            """
        let values: [SQLValue] = [
            .text(settings.issuer), .integer(now - (settings.longestAbsence ?? Self.usualAbsence)),
            .integer(now - Self.patience), .integer(settings.longestAbsence.map { now - $0 } ?? -1),
        ]
        // Looked for without a turn to write: as a rule there is nobody.
        guard try await !database.read({ view in try view.rows(overdue, values) }).isEmpty else { return 0 }
        return try await database.write { transaction in
            let subs = try transaction.rows(overdue, values).map { try $0.text("sub") }
            for sub in subs { try lapse(sub, why: "not confirmed", in: transaction) }
            return subs.count
        }
    }

    private func lapse(_ sub: String, why: String, in transaction: SQLTransaction) throws {
        let changed = try transaction.execute(
            "UPDATE identity SET lapsed_at = ?, refresh = NULL WHERE sub = ? AND lapsed_at IS NULL",
            [.integer(clock.seconds), .text(sub)]
        )
        guard changed == 1 else { return }
        try transaction.execute(
            "DELETE FROM browser_session WHERE sub = ? AND how = 'provider'",
            [.text(sub)]
        )
        try state("people/\(sub)/standing", ["is": "confirmed"], ["is": .text(why)], in: transaction)
        // The machines hear of it at once.
        try revisions.raisePerson(sub: sub, in: transaction)
    }
}
