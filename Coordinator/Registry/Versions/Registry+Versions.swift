internal import AuditSink
internal import Contract
package import Database
package import Rights
internal import ServiceKit
package import StrictJSON

extension Registry {
    /// How many versions of a server are kept.
    private static let mostVersions = 50

    // MARK: Looking

    /// The versions in use, by alias: those with `search` in a name, a title, a description or a category, of `category`;
    /// nil leaves nothing out.
    package func inUse(
        search: String? = nil,
        category: String? = nil,
        for _: Permit<Right.ReadServers>
    ) async throws -> [ServerVersion] {
        let filter = search == nil ? "" : "AND instr(words, ?)"
        let arguments = search.map { [SQLValue.text($0.lowercased())] } ?? []
        let all = try await database.read { view in
            try view.rows(
                "\(ServerVersion.select) WHERE is_latest = 1 AND status <> 'deleted' \(filter) ORDER BY alias",
                arguments
            ).map { try ServerVersion($0) }
        }
        guard let category else { return all }
        return all.filter { $0.entry.categories.contains { $0.utf8.elementsEqual(category.utf8) } }
    }

    /// All versions of a server, the newest first; throws a `Refused`, `unknown_server`.
    package func versions(of alias: String, for _: Permit<Right.ReadServers>) async throws -> [ServerVersion] {
        let versions = try await database.read { view in
            try view.rows(
                "\(ServerVersion.select) WHERE alias = ? ORDER BY updated_at DESC, id DESC",
                [.text(alias)]
            ).map { try ServerVersion($0) }
        }
        guard !versions.isEmpty else { throw Refused.unknownServer }
        return versions
    }

    /// What is said of servers that are about to go, by alias, as `view` has it.
    package func deprecated(in view: SQLSnapshot) throws -> [JSONText: String] {
        try deprecations.value(at: try revisions.current(in: view).entries) {
            let rows = try view.rows(
                "SELECT alias, status_message FROM server_version WHERE is_latest = 1 AND status = 'deprecated'"
            )
            return try Dictionary(
                rows.map { (JSONText(try $0.text("alias")), try $0.optionalText("status_message") ?? "") },
                uniquingKeysWith: { first, _ in first }
            )
        }
    }

    // MARK: Changing

    /// Says of the version in use that it is about to go, or that it is not.
    ///
    /// - Parameters:
    ///   - alias: the server.
    ///   - message: what its users are told, one line; nil: it is not about to go.
    ///   - expectation: what is believed of it; nil: whatever it is.
    ///   - permit: the administrator.
    /// - Returns: the version.
    /// - Throws: `Refused`: `unknown_server`, `invalid_request`.
    package func deprecate(
        _ alias: String,
        message: String?,
        expecting expectation: Expectation? = nil,
        by permit: Permit<Right.EditServers>
    ) async throws -> ServerVersion {
        if let message { try Self.checkMessage(message) }
        let wall = clock.wall()
        let now = Int(wall / 1_000_000)
        return try await database.write { transaction in
            let who = try log.standing(permit, at: now, in: transaction).sub
            let former = try versionInUse(alias, in: transaction)
            try expectation?.check(former.tag)
            try mark(alias, message, at: now, in: transaction)
            try revisions.raiseEntries(in: transaction)
            let version = try versionInUse(alias, in: transaction)
            try state(
                "servers/\(alias)/status",
                before: former.official.bytes,
                after: version.official.bytes,
                by: who,
                at: wall,
                in: transaction
            )
            return version
        }
    }

    /// Stores what is said of the version in use; nil: it is not about to go.
    func mark(_ alias: String, _ message: String?, at now: Int, in transaction: SQLTransaction) throws {
        let status: ServerVersion.Status = message == nil ? .active : .deprecated
        try transaction.execute(
            """
            UPDATE server_version SET status = ?, status_message = ?, status_at = ?3, updated_at = ?3
            WHERE alias = ?4 AND is_latest = 1
            """,
            [.text(status.rawValue), .text(message), .integer(now), .text(alias)]
        )
    }

    private static func checkMessage(_ message: String) throws {
        let isLine = !message.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F }
        guard isLine, (1...500).contains(message.unicodeScalars.count) else {
            throw Refused.malformed(
                ShapeError("message", "must be 1 to 500 characters on one line"),
                code: "invalid_request"
            )
        }
    }

    /// Puts a version into use that was in use before; throws `Refused`: `unknown_server`, `unknown_server_version`,
    /// `registry_full`, `precondition_failed`.
    package func use(
        _ version: String,
        of alias: String,
        expecting expectation: Expectation? = nil,
        by permit: Permit<Right.EditServers>
    ) async throws -> ServerVersion {
        let wall = clock.wall()
        return try await database.write { transaction in
            let who = try log.standing(permit, at: Int(wall / 1_000_000), in: transaction).sub
            let former = try versionInUse(alias, in: transaction)
            try expectation?.check(former.tag)
            let row = try transaction.first(
                "SELECT * FROM server_version WHERE alias = ? AND version = ?",
                [.text(alias), .text(version)]
            )
            guard let row else { throw Refused.unknownServerVersion }
            let entry = try RegistryEntry(try JSONValue(parsing: try row.blob("entry"), limits: RegistryEntry.limits))
            let choice = try row.optionalBlob("choice").map { bytes in
                try ObjectReader.read(try JSONValue(parsing: bytes), EntryChoice.init(members:))
            }
            let origin = EntryOrigin(source: try row.text("source"), choice: choice)
            try put(entry, of: origin, by: who, at: wall, in: transaction)
            return try versionInUse(alias, in: transaction)
        }
    }

    func versionInUse(_ alias: String, in view: some SQLReading) throws -> ServerVersion {
        let row = try view.first(
            "\(ServerVersion.select) WHERE alias = ? AND is_latest = 1 AND status <> 'deleted'",
            [.text(alias)]
        )
        guard let row else { throw Refused.unknownServer }
        return try ServerVersion(row)
    }

    // MARK: With the entry

    /// Keeps the entry that has come into use as a version.
    func keepVersion(
        _ entry: RegistryEntry,
        of origin: EntryOrigin,
        by who: String,
        at now: Int,
        in transaction: SQLTransaction
    ) throws {
        let alias = entry.server.alias
        let listed = try listedName(of: entry, in: transaction)
        try transaction.execute("UPDATE server_version SET is_latest = 0 WHERE alias = ?", [.text(alias)])
        try transaction.execute(
            """
            INSERT INTO server_version
                (alias, listed, version, words, entry, source, choice, status, status_at, published_at, published_by,
                 updated_at, is_latest)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'active', ?8, ?8, ?9, ?8, 1)
            ON CONFLICT (alias, version) DO UPDATE SET
                listed = excluded.listed, words = excluded.words, entry = excluded.entry, source = excluded.source,
                choice = excluded.choice, status = 'active', status_message = NULL, updated_at = excluded.updated_at,
                status_at = CASE WHEN status = 'active' THEN status_at ELSE excluded.status_at END, is_latest = 1
            """,
            [
                .text(alias), .text(listed), .text(entry.summary.version), .text(entry.words),
                .blob(entry.json.bytes), .text(origin.source), origin.choice.map { .blob($0.json.bytes) } ?? .null,
                .integer(now), .text(who),
            ]
        )
        try transaction.execute(
            """
            DELETE FROM server_version WHERE id IN (
                SELECT id FROM server_version WHERE alias = ? ORDER BY updated_at DESC, id DESC
                LIMIT -1 OFFSET \(Self.mostVersions)
            )
            """,
            [.text(alias)]
        )
    }

    /// The versions of a server that has left the registry stay, as deleted ones.
    func keepDeleted(_ alias: String, at now: Int, in transaction: SQLTransaction) throws {
        try transaction.execute(
            """
            UPDATE server_version SET status = 'deleted', status_message = NULL, status_at = ?1, updated_at = ?1
            WHERE alias = ?2
            """,
            [.integer(now), .text(alias)]
        )
    }

    /// The name of the entry; where another alias in use is listed under it, one that is the alias's own.
    private func listedName(of entry: RegistryEntry, in transaction: SQLTransaction) throws -> String {
        let key: [SQLValue] = [.text(entry.summary.name), .text(entry.server.alias)]
        let other = try transaction.first(
            "SELECT 1 FROM server_version WHERE listed = ? AND alias <> ? AND status <> 'deleted'",
            key
        )
        guard other == nil else { return RegistryEntry.ownNames + entry.server.alias }
        // A server that is gone gives its name up, and with it what was known of it.
        try transaction.execute("DELETE FROM server_version WHERE listed = ? AND alias <> ?", key)
        return entry.summary.name
    }
}
