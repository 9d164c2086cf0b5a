internal import AuditLog
package import AuditSink
package import Contract
package import Database
package import Rights
package import ServiceKit
internal import StrictJSON
internal import TransparencyLog

/// The MCP servers that the organisation knows.
///
/// Each change is stored, stated in the organisation's log and announced to the agents, all in one transaction.
package struct Registry: Sendable {
    let database: SQLDatabase
    let log: OrgLog
    let revisions: Revisions
    let clock: MachineClock
    private let cache = RevisionCached<[RegistryEntry]>()
    let deprecations = RevisionCached<[JSONText: String]>()

    /// What all servers together may take in the document that agents get, so that agents can read it.
    static let largestDocument = 900 << 10
    /// What that document contains for each and an entry may leave out, at most.
    private static let spelledOut = 256

    /// The registry in `database`.
    package init(database: SQLDatabase, log: OrgLog, revisions: Revisions, clock: MachineClock) {
        self.database = database
        self.log = log
        self.revisions = revisions
        self.clock = clock
    }

    // MARK: Reading

    /// All entries, by alias.
    package func entries(for _: Permit<Right.ReadServers>) async throws -> [RegistryEntry] {
        try await database.read { view in try entries(in: view) }
    }

    /// All entries as `view` has them, by alias.
    ///
    /// They are parsed once for each change, not for each agent that asks. What a transaction sees may still be taken
    /// back, so only what is committed is kept.
    package func entries(in view: SQLSnapshot) throws -> [RegistryEntry] {
        try cache.value(at: try revisions.current(in: view).entries) { try Self.parsed(in: view) }
    }

    /// What agents are told of the server of this alias; nil where there is none.
    package func entry(_ alias: String, in transaction: SQLTransaction) throws -> ServerEntry? {
        guard let bytes = try stored(alias, in: transaction) else { return nil }
        return try RegistryEntry(try JSONValue(parsing: bytes, limits: RegistryEntry.limits)).server
    }

    private static func parsed(in view: some SQLReading) throws -> [RegistryEntry] {
        try view.rows("SELECT entry FROM server ORDER BY alias").map { row in
            try RegistryEntry(try JSONValue(parsing: try row.blob("entry"), limits: RegistryEntry.limits))
        }
    }

    // MARK: Changing

    /// Reads an entry that a client sent; throws a `Refused` that names the member which is wrong.
    package static func entry(parsing body: [UInt8]) throws -> RegistryEntry {
        let json: JSONValue
        do {
            json = try JSONValue(parsing: body, limits: RegistryEntry.limits)
        } catch {
            throw Refused.malformed(
                ShapeError("", error.description),
                code: "invalid_entry"
            )
        }
        do {
            let entry = try RegistryEntry(json)
            try entry.refuseUnusable()
            return entry
        } catch let error as ShapeError {
            throw Refused.malformed(error, code: "invalid_entry")
        }
    }

    /// Adds a server.
    ///
    /// - Parameters:
    ///   - entry: what it is.
    ///   - permit: the person who adds it.
    /// - Throws: `Refused`: `alias_taken`, `registry_full`.
    package func add(_ entry: RegistryEntry, by permit: Permit<Right.EditServers>) async throws {
        let wall = clock.wall()
        try await database.write { transaction in
            let permit = try log.standing(permit, at: Int(wall / 1_000_000), in: transaction)
            let alias = entry.server.alias
            guard try stored(alias, in: transaction) == nil else { throw Refused.aliasTaken(alias) }
            try put(entry, by: permit.sub, at: wall, in: transaction)
        }
    }

    /// Takes a server away; throws a `Refused`: `unknown_server` if no server has this alias, `precondition_failed` if it is
    /// not what is believed.
    package func remove(
        _ alias: String,
        expecting expectation: Expectation? = nil,
        by permit: Permit<Right.EditServers>
    ) async throws {
        let wall = clock.wall()
        try await database.write { transaction in
            let permit = try log.standing(permit, at: Int(wall / 1_000_000), in: transaction)
            guard let bytes = try stored(alias, in: transaction) else { throw Refused.unknownServer }
            if let expectation { try expectation.check(versionInUse(alias, in: transaction).tag) }
            try transaction.execute("DELETE FROM server WHERE alias = ?", [.text(alias)])
            try keepDeleted(alias, at: Int(wall / 1_000_000), in: transaction)
            try revisions.raiseEntries(in: transaction)
            try state("servers/\(alias)", before: bytes, after: nil, by: permit.sub, at: wall, in: transaction)
        }
    }

    /// Stores an entry in place of the one of its alias, states it in the log and has agents told of it.
    ///
    /// - Parameters:
    ///   - entry: what is stored.
    ///   - origin: what it was made of.
    ///   - who: the pseudonym of the administrator.
    ///   - wall: the time in microseconds since 1970.
    ///   - transaction: in which it is stored.
    /// - Throws: `Refused`: `registry_full`.
    func put(
        _ entry: RegistryEntry,
        of origin: EntryOrigin = EntryOrigin(),
        by who: String,
        at wall: Int64,
        in transaction: SQLTransaction
    ) throws {
        let alias = entry.server.alias
        let bytes = entry.json.bytes
        let former = try stored(alias, in: transaction)
        try checkRoom(for: bytes, replacing: former ?? [], in: transaction)
        try transaction.execute(
            """
            INSERT INTO server (alias, entry, created_at, updated_at, name, source, choice) VALUES (?, ?, ?3, ?3, ?, ?, ?)
            ON CONFLICT (alias) DO UPDATE SET
                entry = excluded.entry, updated_at = excluded.updated_at, name = excluded.name, source = excluded.source,
                choice = excluded.choice
            """,
            [
                .text(alias), .blob(bytes), .integer(Int(wall / 1_000_000)), .text(entry.summary.name),
                .text(origin.source), origin.choice.map { .blob($0.json.bytes) } ?? .null,
            ]
        )
        try keepVersion(entry, of: origin, by: who, at: Int(wall / 1_000_000), in: transaction)
        try revisions.raiseEntries(in: transaction)
        try state("servers/\(alias)", before: former, after: bytes, by: who, at: wall, in: transaction)
    }

    /// What the entry in use was made of.
    func origin(of alias: String, in view: some SQLReading) throws -> EntryOrigin {
        guard let row = try view.first("SELECT source, choice FROM server WHERE alias = ?", [.text(alias)]) else {
            return EntryOrigin()
        }
        let choice = try row.optionalBlob("choice").map { bytes in
            try ObjectReader.read(try JSONValue(parsing: bytes), EntryChoice.init(members:))
        }
        return EntryOrigin(source: try row.text("source"), choice: choice)
    }

    func stored(_ alias: String, in view: some SQLReading) throws -> [UInt8]? {
        try view.first("SELECT entry FROM server WHERE alias = ?", [.text(alias)])?.blob("entry")
    }

    /// What agents read of an entry is part of it, but for the names of what it leaves out.
    private func checkRoom(for bytes: [UInt8], replacing former: [UInt8], in transaction: SQLTransaction) throws {
        let row = try transaction.first(
            "SELECT COUNT(*) AS entries, COALESCE(SUM(LENGTH(entry)), 0) AS bytes FROM server"
        )
        guard let row else { throw Refused.registryFull }
        let size =
            try row.integer("bytes") + bytes.count - former.count + (try row.integer("entries") + 1) * Self.spelledOut
        guard size <= Self.largestDocument else { throw Refused.registryFull }
    }

    /// States a change in the organisation's log.
    func state(
        _ what: String,
        before: [UInt8]?,
        after: [UInt8]?,
        by who: String,
        at wall: Int64,
        in transaction: SQLTransaction
    ) throws {
        try log.state(
            JSONText(what),
            before: before.map { StatedText($0) },
            after: after.map { StatedText($0) },
            by: who,
            at: wall,
            in: transaction
        )
    }
}
