internal import AuditLog
package import AuditSink
internal import Contract
package import Database
package import People
internal import Policy
package import PolicyFile
package import Rights
package import ServiceKit
package import StrictJSON
internal import TransparencyLog

/// Where policies are checked, put in force and signed.
///
/// What it gives out was committed before. A policy is in force from the commit on, with its file, its bundle and its
/// leaves of the organisation's log; agents are told by the changes.
package final class PolicyStore: Sendable {
    let database: SQLDatabase
    let log: OrgLog
    let revisions: Revisions
    let clock: MachineClock
    let people: People
    private let cache = RevisionCached<AppliedPolicy>()
    let bench = PolicyWorker()
    let records: RecordedCalls

    /// The policies in `database`.
    package init(database: SQLDatabase, log: OrgLog, revisions: Revisions, clock: MachineClock, people: People) {
        self.database = database
        self.log = log
        self.revisions = revisions
        self.clock = clock
        self.people = people
        records = RecordedCalls(database: database)
    }

    // MARK: Looking

    /// The policy in force; before any was applied the empty file at version 0.
    package func current() async throws -> AppliedPolicy {
        try await database.read { view in try self.current(in: view) }
    }

    /// The same for a caller that may see it.
    package func current(for _: Permit<Right.ReadPolicy>) async throws -> AppliedPolicy { try await current() }

    /// The policy in force as `view` has it; read from the database once for each change.
    package func current(in view: SQLSnapshot) throws -> AppliedPolicy {
        try cache.value(at: try revisions.current(in: view).bundle) {
            try Self.newest(in: view).map { try $0.policy() } ?? .none
        }
    }

    /// The roles that the policy names, with who has them.
    package func roles(for _: Permit<Right.ReadPeople>) async throws -> JSONValue { try await current().roles }

    /// Everything that is wrong with a file, or else its rules that change nothing; nothing is changed.
    package func check(
        _ file: [UInt8],
        for _: Permit<Right.CheckPolicy>
    ) async throws -> (problems: [PolicyProblem], warnings: [PolicyProblem]) {
        await bench.work {
            do throws(PolicyRefusal) {
                return ([], try PolicyFile(parsing: file).warnings)
            } catch {
                return (error.problems, [])
            }
        }
    }

    // MARK: Changing

    /// Puts a file in force.
    ///
    /// - Parameters:
    ///   - bytes: the file, kept byte by byte.
    ///   - expectation: what is believed to be in force; compared in the transaction that changes it, so of two who
    ///     change the same policy at once one is refused.
    ///   - reason: why, in the words of that person.
    ///   - permit: the person who applies it.
    /// - Returns: the policy with its new version.
    /// - Throws: `Refused`: `precondition_required`, `policy_refused` with `problems`, `precondition_failed`.
    package func apply(
        _ bytes: [UInt8],
        expecting expectation: Expectation?,
        why reason: ChangeReason? = nil,
        by permit: Permit<Right.EditPolicy>
    ) async throws -> AppliedPolicy {
        try await put(bytes, expecting: expectation, why: reason, rolledBackTo: nil, by: permit)
    }

    func put(
        _ bytes: [UInt8],
        expecting expectation: Expectation?,
        why reason: ChangeReason?,
        rolledBackTo former: Int?,
        by permit: Permit<Right.EditPolicy>
    ) async throws -> AppliedPolicy {
        guard let expectation else { throw Refused.preconditionRequired }
        // Before the file is judged (RFC 9110 section 13.2.1), and once more in the transaction.
        try await database.read { view in _ = try Self.check(expectation, in: view) }
        let file = try await parsed(bytes)
        return try await database.write { transaction in
            let permit = try self.log.standing(permit, at: self.clock.seconds, in: transaction)
            let present = try Self.check(expectation, in: transaction)
            let applied = try self.sign(file, version: (present?.version ?? 0) + 1, in: transaction)
            try self.store(applied, by: permit.sub, why: reason, rolledBackTo: former, in: transaction)
            try self.log.state(
                "policy",
                before: present.map { StatedText($0.file) },
                after: StatedText(bytes),
                by: permit.sub,
                at: self.clock.wall(),
                in: transaction
            )
            if let reason {
                // The words are in the database, where they can be changed; their digest is in the log.
                try self.log.state(
                    JSONText("policy/\(applied.version)/why"),
                    before: nil,
                    after: StatedText(Array(reason.text.utf8)),
                    by: permit.sub,
                    at: self.clock.wall(),
                    in: transaction
                )
            }
            return applied
        }
    }

    /// The policy in force, if it is what was expected.
    private static func check(_ expectation: Expectation, in view: some SQLReading) throws -> StoredPolicy? {
        let present = try newest(in: view)
        let tag = AppliedPolicy.tag(version: present?.version ?? 0, file: present?.file ?? PolicyFile.empty.bytes)
        guard expectation.holds(tag) else { throw Refused.preconditionFailed }
        return present
    }

    private func sign(_ file: PolicyFile, version: Int, in transaction: SQLTransaction) throws -> AppliedPolicy {
        let pseudonyms = try file.people.map { ($0, try people.pseudonym(of: $0, in: transaction)) }
        let rules: PolicyRules
        do {
            rules = try file.rules(pseudonyms: Dictionary(uniqueKeysWithValues: pseudonyms))
        } catch {
            throw Refused.policyRefused(error)
        }
        let signed = try SignedBundle(version: version, rules: rules.json, key: log.key, now: clock.seconds)
        return AppliedPolicy(
            version: version,
            file: file,
            rules: rules,
            digest: signed.digest,
            note: signed.note,
            signedAt: signed.signedAt,
            expiresAt: signed.expiresAt
        )
    }

    private func store(
        _ policy: AppliedPolicy,
        by who: String,
        why reason: ChangeReason?,
        rolledBackTo former: Int?,
        in transaction: SQLTransaction
    ) throws {
        try transaction.execute(
            """
            INSERT INTO policy
                (version, file, media_type, rules, digest, applied_by, applied_at, note, signed_at, expires_at, why,
                rolled_back_to)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                .integer(policy.version), .blob(policy.file.bytes), .text(policy.mediaType),
                .blob(try policy.rules.json.canonicalBytes()), .text(policy.digest), .text(who),
                .integer(policy.signedAt), .blob(Array((policy.note ?? "").utf8)), .integer(policy.signedAt),
                .integer(policy.expiresAt), .text(reason?.text), .integer(former),
            ]
        )
        try announce(version: policy.version, digest: policy.digest, expiresAt: policy.expiresAt, in: transaction)
    }

    private func announce(version: Int, digest: String, expiresAt: Int, in transaction: SQLTransaction) throws {
        guard let hash = Hash(base64URL: digest) else { throw PolicyStoreError.damaged("a digest") }
        try revisions.raiseBundle(in: transaction)
        let body = OrgLeaf.Body.policyBundle(version: version, digest: hash, expires: Int64(expiresAt) * 1_000_000)
        try log.append(body, at: clock.wall(), in: transaction)
    }

    // MARK: Keeping it in force

    /// Signs the bundle again where half of its time is over: the same version and digest, a later end.
    ///
    /// To be asked at the start and every hour or so.
    ///
    /// - Returns: whether it was signed again.
    @discardableResult
    package func renewIfDue() async throws -> Bool {
        let now = clock.seconds
        guard try await database.read({ view in try Self.newest(in: view)?.isDue(at: now) ?? false }) else {
            return false
        }
        return try await database.write { transaction in
            guard let stored = try Self.newest(in: transaction), stored.isDue(at: now) else { return false }
            let rules = try JSONValue(canonical: stored.rules, limits: .bundle)
            let signed = try SignedBundle(version: stored.version, rules: rules, key: self.log.key, now: now)
            guard signed.digest.utf8.elementsEqual(stored.digest.utf8) else { throw PolicyStoreError.damaged("rules") }
            try transaction.execute(
                "UPDATE policy SET note = ?, signed_at = ?, expires_at = ? WHERE version = ?",
                [
                    .blob(Array(signed.note.utf8)), .integer(signed.signedAt), .integer(signed.expiresAt),
                    .integer(stored.version),
                ]
            )
            try self.announce(
                version: stored.version,
                digest: stored.digest,
                expiresAt: signed.expiresAt,
                in: transaction
            )
            return true
        }
    }

    private static func newest(in view: some SQLReading) throws -> StoredPolicy? {
        try view.first("SELECT * FROM policy ORDER BY version DESC LIMIT 1").map { try StoredPolicy($0) }
    }
}

extension MachineClock {
    /// Whole seconds since 1970.
    var seconds: Int { Int(wall() / 1_000_000) }
}
