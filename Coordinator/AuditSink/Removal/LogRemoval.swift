internal import AuditLog
internal import AuditReport
internal import Contract
package import Database
package import Rights
package import ServiceKit
internal import StrictJSON
internal import TransparencyLog

/// Makes room: removes the records of a machine that is shut out, and leaves everything by which others are proven.
///
/// What stays is what c2sp.org/tlog-tiles has stay where a log is pruned: the notes of every upload, the hashes over
/// 256 records and more, and the organisation's log whole. The index below which records are gone only ever rises, and
/// the organisation's log has the leaf that says so from the same commit on.
///
/// * Durability: from the answer on no report shows the records, and every report of that time tells of the removal.
/// * Idempotence: a log whose records are gone already gets the answer that it got then.
/// * The bytes go behind: `sweep` takes a little at a time, wherever it was interrupted.
package struct LogRemoval: Sendable {
    private let database: SQLDatabase
    private let log: OrgLog
    private let clock: MachineClock

    /// The removal of records from `database`, stated in `log`.
    package init(database: SQLDatabase, log: OrgLog, clock: MachineClock) {
        self.database = database
        self.log = log
        self.clock = clock
    }

    /// What was removed.
    package struct Outcome: Sendable, Equatable {
        /// The records below this number are gone.
        package let below: Int
        /// What they took.
        package let bytes: Int
    }

    /// Removes the records of a machine's log.
    ///
    /// - Parameters:
    ///   - agent: the machine; its key is revoked or its log forked, so that nothing is added while it is cut.
    ///   - permit: the owner who does it.
    /// - Returns: what is gone.
    /// - Throws: `Refused`: `unknown_agent`, `log_in_use`.
    package func remove(_ agent: String, by permit: Permit<Right.RemoveRecords>) async throws -> Outcome {
        let wall = clock.wall()
        return try await database.write { transaction in
            let sub = try log.standing(permit, at: Int(wall / 1_000_000), in: transaction).sub
            let stored = try shutOut(agent, in: transaction)
            if let row = try transaction.first(
                "SELECT below, bytes FROM agent_cut WHERE agent_id = ?",
                [.text(agent)]
            ) {
                return Outcome(below: try row.integer("below"), bytes: try row.integer("bytes"))
            }
            guard let stored else { throw Refused.nothingStored }
            let below = Int(stored.size)
            let position = try log.state(
                JSONText(RecordRemoval.subject(agent: agent, below: below)),
                // The state that the records are proven by, should they turn up somewhere else.
                before: StatedText(stored.note),
                after: nil,
                by: sub,
                at: wall,
                in: transaction
            )
            let outcome = Outcome(below: below, bytes: try bytes(of: agent, in: transaction))
            try transaction.execute(
                """
                INSERT INTO agent_cut (agent_id, below, bytes, org_position, earliest, latest)
                SELECT ?, ?, ?, ?, MIN(earliest), MAX(latest)
                FROM agent_batch JOIN search_time ON batch = id WHERE agent_id = ?
                """,
                [
                    .text(agent), .integer(below), .integer(outcome.bytes), .integer(position), .text(agent),
                ]
            )
            return outcome
        }
    }

    /// The state of a log that takes no more; nil where it never had a record.
    private func shutOut(_ id: String, in view: some SQLReading) throws -> StoredLog? {
        guard let agent = try StoredAgent.find(id, in: view) else { throw Refused.unknownLog }
        let stored = try StoredLog.find(id, in: view)
        guard agent.isRevoked || stored?.isLocked == true else { throw Refused.logInUse(id) }
        return stored
    }

    private func bytes(of agent: String, in view: some SQLReading) throws -> Int {
        let row = try view.first(
            "SELECT COALESCE(SUM(length(records)), 0) AS bytes FROM agent_batch WHERE agent_id = ?",
            [.text(agent)]
        )
        return try row?.integer("bytes") ?? 0
    }

    // MARK: Copying

    /// The most bytes of a piece, beside the one upload that there is at least.
    private static let piece = 4 << 20

    /// A stretch of a machine's records, to be kept somewhere else before they are removed.
    package struct Piece: Sendable {
        /// The records with their line feeds, the exact bytes that were hashed.
        package let records: [UInt8]
        /// The number behind the last of them.
        package let next: Int
    }

    /// The records of a machine from this number on, which begins an upload; empty behind the last.
    ///
    /// - Throws: `Refused`: `unknown_agent`, `records_removed`.
    package func records(
        _ agent: String,
        from first: Int,
        for _: Permit<Right.MakeReports>
    ) async throws -> Piece {
        try await database.read { view in
            guard try StoredAgent.find(agent, in: view) != nil else { throw Refused.unknownLog }
            let cut = try view.first("SELECT below FROM agent_cut WHERE agent_id = ?", [.text(agent)])
            if let below = try cut?.integer("below"), first < below { throw Refused.recordsRemoved(below: below) }
            var records: [UInt8] = []
            var next = first
            try StoredBatch.each(of: agent, holding: first..<Int.max, in: view) { batch in
                records += batch.records(from: max(first, batch.first))
                next = batch.next
                return records.count < Self.piece
            }
            return Piece(records: records, next: next)
        }
    }

    // MARK: Sweeping

    /// What one step takes at most: the writer is busy for as long.
    private static let mostBatches = 64
    private static let mostBytes = 16 << 20

    /// Takes the next removed records out of the file; returns whether there are more.
    package func sweep() async throws -> Bool {
        let next = try await database.read { view -> (agent: String, below: Int, swept: Int)? in
            try view.first("SELECT agent_id, below, swept FROM agent_cut WHERE swept < below LIMIT 1").map { row in
                (try row.text("agent_id"), try row.integer("below"), try row.integer("swept"))
            }
        }
        guard let next else { return false }
        try await database.write(lane: .governing) { transaction in
            let batches = try transaction.rows(
                """
                SELECT id, next, length(records) AS bytes FROM agent_batch
                WHERE agent_id = ? AND next > ? AND next <= ? ORDER BY next LIMIT ?
                """,
                [.text(next.agent), .integer(next.swept), .integer(next.below), .integer(Self.mostBatches)]
            )
            var (freed, swept) = (0, next.below)
            for batch in batches {
                let id = try batch.integer("id")
                try transaction.execute("UPDATE agent_batch SET records = x'' WHERE id = ?", [.integer(id)])
                try transaction.execute("DELETE FROM search_time WHERE batch = ?", [.integer(id)])
                try transaction.execute("DELETE FROM search_server WHERE batch = ?", [.integer(id)])
                freed += try batch.integer("bytes")
                swept = try batch.integer("next")
                if freed >= Self.mostBytes { break }
            }
            try transaction.execute(
                "UPDATE agent_log SET bytes = MAX(bytes - ?, 0) WHERE agent_id = ?",
                [.integer(freed), .text(next.agent)]
            )
            try transaction.execute(
                "UPDATE agent_cut SET swept = ? WHERE agent_id = ?",
                [.integer(swept), .text(next.agent)]
            )
        }
        return true
    }
}
