internal import AuditLog
package import AuditSink
internal import Contract
package import Database
package import Policy
package import Rights
package import ServiceKit
internal import StrictJSON
internal import TransparencyLog

/// The people of the organisation, and what lets them in: invitations for their machines, tokens for their scripts.
///
/// No secret is stored: of invitations and tokens there is a SHA-256 of 128 random bits or more.
package struct People: Sendable {
    let database: SQLDatabase
    let log: OrgLog
    let revisions: Revisions
    let clock: MachineClock
    let random: Randomness
    /// The certificate of the coordinator's own CA (DER), which invitations carry.
    let authority: [UInt8]?

    /// The people in `database`.
    package init(
        database: SQLDatabase,
        log: OrgLog,
        revisions: Revisions,
        clock: MachineClock,
        random: Randomness = .system,
        authority: [UInt8]? = nil
    ) {
        self.database = database
        self.log = log
        self.revisions = revisions
        self.clock = clock
        self.random = random
        self.authority = authority
    }

    // MARK: Looking

    /// All people, by e-mail address.
    package func users(for _: Permit<Right.ReadPeople>) async throws -> [Person] {
        try await database.read { view in
            try view.rows("SELECT * FROM person WHERE removed_at IS NULL ORDER BY email").map { try Person($0) }
        }
    }

    /// Which people are asked for; nil: any.
    package struct Filter: Sendable, Equatable {
        package var role: Role?
        /// A part of the e-mail address.
        package var email: String?
        package var isLocked: Bool?

        /// Everybody.
        package init() {}

        fileprivate var conditions: [Listing.Condition] {
            var conditions = [Listing.Condition("removed_at IS NULL")]
            if let role { conditions.append(.init("role = ?", .text(role.rawValue))) }
            if let email { conditions.append(.init("instr(email, lower(?)) > 0", .text(email))) }
            if let isLocked { conditions.append(.init("(locked_at IS NOT NULL) = ?", .integer(isLocked ? 1 : 0))) }
            return conditions
        }
    }

    private static let byAddress = Listing("SELECT * FROM person", by: [.init("email", "email")])

    /// The people that fit, by e-mail address.
    package func users(
        _ filter: Filter,
        _ page: PageRequest,
        for _: Permit<Right.ReadPeople>
    ) async throws -> Page<Person> {
        try await database.read { view in
            try Self.byAddress.page(page, where: filter.conditions, in: view) { try Person($0) }
        }
    }

    /// One person, by pseudonym or e-mail address; throws a `Refused`, `unknown_user`.
    package func user(_ id: String, for _: Permit<Right.ReadPeople>) async throws -> Person {
        let found = try await database.read { view in try person(id: id, in: view) }
        guard let found, found.removedAt == nil else { throw Refused.unknownUser }
        return found
    }

    /// The person of this pseudonym.
    package func person(sub: String, in view: some SQLReading) throws -> Person? {
        try view.first("SELECT * FROM person WHERE sub = ?", [.text(sub)]).map { try Person($0) }
    }

    /// The person of this address.
    package func person(email: EmailAddress, in view: some SQLReading) throws -> Person? {
        try view.first("SELECT * FROM person WHERE email = ?", [.text(email.text)]).map { try Person($0) }
    }

    /// The person of this pseudonym or address, also one who was removed.
    func person(id: String, in view: some SQLReading) throws -> Person? {
        guard let email = EmailAddress(id) else { return try person(sub: id, in: view) }
        return try person(email: email, in: view)
    }

    // MARK: Adding

    /// The pseudonym of the person with this address; a new person gets one, and no role.
    ///
    /// For policies, which may name people before they come.
    package func pseudonym(of email: EmailAddress, in transaction: SQLTransaction) throws -> String {
        try known(email, in: transaction).sub
    }

    func known(_ email: EmailAddress, in transaction: SQLTransaction) throws -> Person {
        if let person = try person(email: email, in: transaction) { return person }
        let person = Person(
            sub: random.sub(),
            email: email.text,
            role: nil,
            createdAt: clock.seconds,
            removedAt: nil,
            lock: nil
        )
        try transaction.execute(
            "INSERT INTO person (sub, email, role, created_at) VALUES (?, ?, NULL, ?)",
            [.text(person.sub), .text(person.email), .integer(person.createdAt)]
        )
        return person
    }

    /// Gives a person a higher role; a lower one changes nothing.
    ///
    /// So an invitation for a second machine never takes anything away.
    func raise(
        _ person: Person,
        to role: Role,
        by who: String,
        from origin: Origin,
        in transaction: SQLTransaction
    ) throws -> Person {
        guard person.role.map({ $0 < role }) ?? true else { return person }
        return try store(role, of: person, by: who, from: origin, in: transaction)
    }

    /// Stores the role of a person, and who gave it with what; a person who was removed is there again.
    ///
    /// The same role again is no change, but from then on it counts as given by this caller.
    func store(
        _ role: Role,
        of person: Person,
        by who: String,
        from origin: Origin,
        in transaction: SQLTransaction
    ) throws -> Person {
        try transaction.execute(
            """
            UPDATE person SET role = ?, removed_at = NULL, role_by = ?, role_machine = ?, role_token = ?, given_role = NULL
            WHERE sub = ?
            """,
            [.text(role.rawValue), .text(who), .text(origin.machine), .text(origin.token), .text(person.sub)]
        )
        guard role != person.role else { return person }
        try state(
            "people/\(person.sub)",
            before: person.role.map { ["role": .text($0.rawValue)] },
            after: ["role": .text(role.rawValue)],
            by: who,
            in: transaction
        )
        return Person(
            sub: person.sub,
            email: person.email,
            role: role,
            createdAt: person.createdAt,
            removedAt: nil,
            lock: person.lock
        )
    }

    /// Writes into the organisation's log that something has changed.
    func state(
        _ what: String,
        before: JSONValue?,
        after: JSONValue?,
        by who: String,
        in transaction: SQLTransaction
    ) throws {
        try log.state(
            JSONText(what),
            before: try before.map { StatedText(try $0.canonicalBytes()) },
            after: try after.map { StatedText(try $0.canonicalBytes()) },
            by: who,
            at: clock.wall(),
            in: transaction
        )
    }
}

extension Person {
    init(_ row: SQLRow) throws {
        sub = try row.text("sub")
        email = try row.text("email")
        role = try row.optionalText("role").flatMap { Role(rawValue: $0) }
        createdAt = try row.integer("created_at")
        removedAt = try row.optionalInteger("removed_at")
        lock = try Lock(row)
    }
}

extension MachineClock {
    /// Whole seconds since 1970.
    var seconds: Int { Int(wall() / 1_000_000) }
}
