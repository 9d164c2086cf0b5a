internal import AuditLog
internal import Database
internal import ServiceKit
internal import TransparencyLog

extension AgentLogIntake {
    /// Keeps both statements and what came with the second, and locks the agent's log.
    ///
    /// The second statement gets its place in the organisation's log under an origin of its own, `.../fork-1`, so the
    /// agent cannot say later that it was made up.
    func keepFork(
        _ upload: CheckedUpload,
        against stored: StoredLog,
        in transaction: SQLTransaction
    ) throws {
        let now = clock.wall()
        let branch = Checkpoint(
            origin: "\(upload.checkpoint.origin)/fork-1",
            size: upload.checkpoint.size,
            root: upload.checkpoint.root
        )
        let position = try log.append(.agentCheckpoint(branch), at: now, in: transaction)
        try transaction.execute(
            """
            INSERT INTO agent_fork (agent_id, stored_size, stored_note, note, first, records, org_position, seen_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                .text(upload.agent.id), .integer(Int(stored.size)), .blob(stored.note),
                .blob(upload.note.bytes), .integer(upload.old), .stretch(upload.records), .integer(position),
                .integer(Int(now / 1_000_000)),
            ]
        )
        try transaction.execute(
            "UPDATE agent_log SET locked_at = ? WHERE agent_id = ?",
            [.integer(Int(now / 1_000_000)), .text(upload.agent.id)]
        )
    }
}
