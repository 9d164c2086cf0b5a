package import AuditSink
internal import Contract
package import Database
package import People
internal import Policy
internal import Rights
package import ServiceKit
internal import StrictJSON

/// Who people are at the identity provider, and since when that was last said.
package struct Identities: Sendable {
    let database: SQLDatabase
    let log: OrgLog
    let people: People
    let sessions: BrowserSessions
    let revisions: Revisions
    let clock: MachineClock
    let settings: ProviderSettings
    let seal: TokenSeal

    /// The identities in `database`.
    package init(
        database: SQLDatabase,
        log: OrgLog,
        people: People,
        sessions: BrowserSessions,
        revisions: Revisions,
        clock: MachineClock,
        settings: ProviderSettings,
        seal: TokenSeal
    ) {
        self.database = database
        self.log = log
        self.people = people
        self.sessions = sessions
        self.revisions = revisions
        self.clock = clock
        self.settings = settings
        self.seal = seal
    }

    // MARK: Arriving

    /// Signs a browser in as the person whom the provider has named.
    ///
    /// - Parameters:
    ///   - arrival: what came of the sign-in.
    ///   - request: the browser's.
    /// - Returns: the session.
    /// - Throws: `Refused`: `not_admitted`.
    package func arrive(_ arrival: ProviderSignIn.Arrival, by request: BrowserRequest) async throws -> OpenedSession {
        let identity = arrival.identity
        let refresh = try arrival.refreshToken.map { try seal.seal($0, of: identity.owner) }
        // Whoever can make room gets in where there is room for nothing else; this may be an administrator.
        return try await database.write(lane: .governing) { transaction in
            let known = try stored(identity, in: transaction)
            let person =
                try known.map { try self.person($0, identity, in: transaction) } ?? admit(identity, in: transaction)
            let current = try confirm(identity, person, refresh: refresh, isNew: known == nil, in: transaction)
            try noteSignIn(of: current, provenAt: arrival.provenAt, in: transaction)
            let opened = try sessions.open(
                for: current,
                by: .provider,
                provenAt: arrival.provenAt ?? clock.seconds - BrowserSessions.recent,
                idToken: try seal.seal(arrival.idToken, of: current.sub),
                over: request,
                in: transaction
            )
            guard let opened else { throw Refused.wasRemoved }
            return opened
        }
    }

    /// Stores that a person has signed in now, and has proven itself at `provenAt`: a rule can ask how long ago that was, so
    /// the person's machines hear of it.
    private func noteSignIn(of person: Person, provenAt: Int?, in transaction: SQLTransaction) throws {
        try transaction.execute(
            "UPDATE identity SET signed_in_at = ? WHERE sub = ?",
            [.integer(clock.seconds), .text(person.sub)]
        )
        guard let provenAt = provenAt.map({ min($0, clock.seconds) }) else { return }
        let changed = try transaction.execute(
            "UPDATE person SET signed_in_at = ? WHERE sub = ? AND COALESCE(signed_in_at, 0) < ?",
            [.integer(provenAt), .text(person.sub), .integer(provenAt)]
        )
        if changed == 1 { try revisions.raisePerson(sub: person.sub, in: transaction) }
    }

    /// The pseudonym that an identity has already.
    private func stored(_ identity: ProvenIdentity, in view: some SQLReading) throws -> String? {
        let row = try view.first(
            "SELECT sub FROM identity WHERE issuer = ? AND subject = ?",
            [.text(identity.issuer), .text(identity.subject)]
        )
        return try row?.text("sub")
    }

    /// The person of an identity that has been here before, under the address of today.
    private func person(_ sub: String, _ identity: ProvenIdentity, in transaction: SQLTransaction) throws -> Person {
        guard let person = try people.person(sub: sub, in: transaction), person.removedAt == nil, person.role != nil
        else { throw Refused.wasRemoved }
        guard person.email != identity.email.text else { return person }
        guard try people.rename(person, to: identity.email, in: transaction) else {
            throw Refused.addressTaken(identity.email.text)
        }
        return try people.person(sub: sub, in: transaction) ?? person
    }

    /// The person of an identity that comes for the first time.
    private func admit(_ identity: ProvenIdentity, in transaction: SQLTransaction) throws -> Person {
        let person = try people.person(email: identity.email, in: transaction)
        if let person {
            // Nobody comes back whom an administrator has sent away, and nobody inherits an address with all that it opens.
            guard person.removedAt == nil else { throw Refused.wasRemoved }
            let row = try transaction.first("SELECT issuer FROM identity WHERE sub = ?", [.text(person.sub)])
            if let row, try row.text("issuer") == identity.issuer { throw Refused.otherIdentity(identity.email.text) }
            // Of another provider, which is asked no more.
            try transaction.execute("DELETE FROM identity WHERE sub = ?", [.text(person.sub)])
            if person.role != nil { return person }
        }
        guard settings.admitsNewcomers || settings.role(of: identity.groups) != nil else {
            throw Refused.notInvited(identity.email.text)
        }
        return try people.admit(identity.email, in: transaction)
    }

    // MARK: Leaving

    /// The ID token that a session had; nil where it cannot be opened.
    func idToken(_ sealed: [UInt8], of session: BrowserSession) -> String? {
        seal.open(sealed, of: session.caller.sub)
    }

    // MARK: Confirming

    /// Stores that the provider has named a person just now, with the groups and the role that come of it.
    func confirm(
        _ identity: ProvenIdentity,
        _ person: Person,
        refresh: [UInt8]?,
        isNew: Bool = false,
        in transaction: SQLTransaction
    ) throws -> Person {
        let now = clock.seconds
        let former = try transaction.first("SELECT lapsed_at FROM identity WHERE sub = ?", [.text(person.sub)])
        let hadLapsed = try former?.optionalInteger("lapsed_at") != nil
        try transaction.execute(
            """
            INSERT INTO identity (issuer, subject, sub, refresh, confirmed_at, asked_at, lapsed_at)
            VALUES (?, ?, ?, ?, ?, ?, NULL)
            ON CONFLICT (issuer, subject) DO UPDATE SET refresh = excluded.refresh,
                confirmed_at = excluded.confirmed_at, asked_at = excluded.asked_at, lapsed_at = NULL
            """,
            [
                .text(identity.issuer), .text(identity.subject), .text(person.sub),
                refresh.map { .blob($0) } ?? .null, .integer(now), .integer(now),
            ]
        )
        let followed = try people.follow(settings.role(of: identity.groups), of: person, in: transaction)
        let haveChanged = try replace(groups: identity.groups, of: person.sub, in: transaction)
        if isNew || hadLapsed || haveChanged || followed != person { try tell(person.sub, in: transaction) }
        return followed
    }

    /// Has a person's machines told anew who the person is.
    func tell(_ sub: String, in transaction: SQLTransaction) throws {
        try revisions.raisePerson(sub: sub, in: transaction)
        try transaction.execute(
            "UPDATE identity SET told_at = ? WHERE sub = ?",
            [.integer(clock.seconds), .text(sub)]
        )
    }

    /// Stores the groups that the provider names; whether they are others than before.
    private func replace(groups: [JSONText], of sub: String, in transaction: SQLTransaction) throws -> Bool {
        let former = try transaction.rows(
            "SELECT name FROM group_member WHERE sub = ? AND source = 'provider' ORDER BY name",
            [.text(sub)]
        )
        .map { JSONText(try $0.text("name")) }.sorted()
        let present = Set(groups).sorted()
        guard present != former else { return false }
        try transaction.execute("DELETE FROM group_member WHERE sub = ? AND source = 'provider'", [.text(sub)])
        for group in present {
            try transaction.execute(
                "INSERT INTO group_member (name, sub, source) VALUES (?, ?, 'provider')",
                [.text(group.string), .text(sub)]
            )
        }
        try state("people/\(sub)/groups", Self.stated(former), Self.stated(present), in: transaction)
        return true
    }

    private static func stated(_ groups: [JSONText]) -> JSONValue? {
        groups.isEmpty ? nil : ["groups": .array(groups.map { .string($0) })]
    }

    /// Writes into the organisation's log what the provider has changed.
    func state(_ what: String, _ before: JSONValue?, _ after: JSONValue?, in transaction: SQLTransaction) throws {
        try log.state(
            JSONText(what),
            before: try before.map { StatedText(try $0.canonicalBytes()) },
            after: try after.map { StatedText(try $0.canonicalBytes()) },
            by: People.provider,
            at: clock.wall(),
            in: transaction
        )
    }
}

extension ProvenIdentity {
    /// What its sealed tokens are tied to.
    var owner: String { "\(issuer)\n\(subject)" }
}
