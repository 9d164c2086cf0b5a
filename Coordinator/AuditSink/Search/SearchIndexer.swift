internal import AuditLog
package import Database
internal import StrictJSON

/// Fills the search tables behind the intake, which then has to write nothing but the log.
///
/// What is not filled in yet is found all the same, by looking into it: falling behind costs time and nothing else.
package struct SearchIndexer: Sendable {
    /// So many batches are read at a time, at most 8 MiB each and 150 KiB mostly.
    private static let stride = 32

    private let database: SQLDatabase

    /// The indexer of the batches in this database; there should be one.
    package init(database: SQLDatabase) {
        self.database = database
    }

    /// Takes the next batches; returns whether there are more of them.
    ///
    /// While room is short it takes none: what is not written is looked into.
    package func step() async throws -> Bool {
        guard database.room == .ample else { return false }
        let work = try await database.read { view in try Work(in: view) }
        guard let last = work.entries.last?.batch else { return false }
        return try await database.write { transaction in
            // Compared and set: a second indexer's work is thrown away, not written twice.
            let isNext = try transaction.execute(
                "UPDATE search_progress SET through = ? WHERE through = ?",
                [.integer(last), .integer(work.through)]
            )
            guard isNext == 1 else { return true }
            for entry in work.entries { try entry.insert(in: transaction) }
            return work.entries.count == Self.stride
        }
    }

    private struct Work: Sendable {
        let through: Int
        let entries: [Entry]

        init(in view: SQLSnapshot) throws {
            through = try SearchIndexer.through(in: view)
            var entries: [Entry] = []
            try view.each(
                "SELECT id, first, next, records FROM agent_batch WHERE id > ? ORDER BY id LIMIT ?",
                [.integer(through), .integer(SearchIndexer.stride)]
            ) { row in
                entries.append(try Entry(try StoredBatch(row)))
                return true
            }
            self.entries = entries
        }
    }

    /// Written of a batch about more servers than are listed: whatever is searched for, it is looked into.
    static let anyServer: JSONText = ""

    /// What is written of one batch.
    private struct Entry: Sendable {
        /// More than an organisation has, mostly; a batch has 256 records of an agent, or some thousand short ones.
        private static let mostServers = 64

        let batch: Int
        private let earliest: Int64
        private let latest: Int64
        /// Whether its records were removed: nothing is found in it.
        private let isEmpty: Bool
        private let servers: Set<JSONText>

        init(_ batch: StoredBatch) throws {
            guard !batch.records.isEmpty else {
                (self.batch, earliest, latest, servers, isEmpty) = (batch.id, 0, 0, [], true)
                return
            }
            isEmpty = false
            var reader = RecordReader()
            let marks = try batch.lines.map { try RecordMarks($0, &reader) }
            guard let earliest = marks.map(\.time).min(), let latest = marks.map(\.time).max() else {
                throw AuditSinkError.damaged("a batch without records")
            }
            self.batch = batch.id
            self.earliest = earliest
            self.latest = latest
            servers = Set(marks.compactMap(\.server))
        }

        func insert(in transaction: SQLTransaction) throws {
            guard !isEmpty else { return }
            try transaction.execute(
                "INSERT INTO search_time (batch, earliest, latest) VALUES (?, ?, ?)",
                [.integer(batch), .integer(Int(earliest)), .integer(Int(latest))]
            )
            // Somebody who makes names up could otherwise have more written of a batch than there is in it.
            for server in servers.count <= Self.mostServers ? servers : [SearchIndexer.anyServer] {
                // SQLite takes a name up to its first NUL, here as in the search, so two can be the same: then more is
                // looked into than need be, and nothing is missed.
                try transaction.execute(
                    "INSERT INTO search_server (server, batch) VALUES (?, ?) ON CONFLICT DO NOTHING",
                    [.text(server.string), .integer(batch)]
                )
            }
        }
    }

    /// The last batch that is found through the tables.
    static func through(in view: some SQLReading) throws -> Int {
        guard let row = try view.first("SELECT through FROM search_progress") else {
            throw AuditSinkError.damaged("how far the search tables reach")
        }
        return try row.integer("through")
    }
}
