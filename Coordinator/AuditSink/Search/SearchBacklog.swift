internal import AuditLog
package import Database
internal import Errors

/// The uploads that an earlier release has stored without what finds them; new ones are stored with it.
///
/// * To be finished before anything is searched: what is in the backlog is not found.
/// * Durability: each step is one transaction, so a start that was interrupted goes on where it was.
/// * It is written also where room is short: some hundred bytes for each upload.
package struct SearchBacklog: Sendable {
    /// So many uploads are read at a time, at most 8 MiB each and 150 KiB mostly.
    private static let stride = 32

    private let database: SQLDatabase

    /// The backlog of this database.
    package init(database: SQLDatabase) {
        self.database = database
    }

    /// How many uploads are left.
    package func count() async throws -> Int {
        try await database.read { view in try Self.count(in: view) }
    }

    /// Takes the next uploads; returns how many are left.
    package func step() async throws -> Int {
        let entries = try await database.read { view in
            var entries: [(batch: Int, marks: BatchMarks)] = []
            var reader = RecordReader()
            try view.each(
                """
                SELECT id, first, next, records FROM search_backlog JOIN agent_batch ON id = batch
                ORDER BY batch LIMIT ?
                """,
                [.integer(Self.stride)]
            ) { row in
                let batch = try StoredBatch(row)
                var marks = BatchMarks()
                try batch.each(in: batch.first..<batch.next) { marks.note(try reader.readStored($1), in: $1) }
                entries.append((batch.id, marks))
                return true
            }
            return entries
        }
        return try await database.write(lane: .governing) { transaction in
            for (batch, marks) in entries {
                // Another writer that has taken it meanwhile has written it, too.
                let isLeft = try transaction.execute("DELETE FROM search_backlog WHERE batch = ?", [.integer(batch)])
                if isLeft == 1 { try marks.insert(batch: batch, in: transaction) }
            }
            return try Self.count(in: transaction)
        }
    }

    /// Refuses a search that would not find everything.
    static func requireFinished(in view: some SQLReading) throws {
        guard try view.first("SELECT batch FROM search_backlog LIMIT 1") == nil else {
            throw AuditSinkError(
                .report,
                "Records of an earlier release cannot be found yet.",
                next: "Start the coordinator with `doorward-coordinator serve`, which makes them quick to find."
            )
        }
    }

    private static func count(in view: some SQLReading) throws -> Int {
        try view.first("SELECT COUNT(*) AS uploads FROM search_backlog")?.integer("uploads") ?? 0
    }
}
