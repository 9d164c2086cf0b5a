internal import Database
internal import TransparencyLog

/// The state of one agent's log.
struct StoredLog: Sendable {
    let frontier: MerkleFrontier
    /// The agent's newest checkpoint with the coordinator's signature.
    let note: [UInt8]
    let isLocked: Bool
    /// What its batches take.
    let bytes: Int

    var size: UInt64 { frontier.size }

    /// The state of this agent's log; nil before its first upload.
    static func find(_ agent: String, in view: some SQLReading) throws -> StoredLog? {
        let row = try view.first(
            "SELECT size, peaks, note, locked_at, bytes FROM agent_log WHERE agent_id = ?",
            [.text(agent)]
        )
        guard let row else { return nil }
        return StoredLog(
            frontier: try MerkleFrontier(size: try row.integer("size"), packedPeaks: try row.blob("peaks")),
            note: try row.blob("note"),
            isLocked: try row.optionalInteger("locked_at") != nil,
            bytes: try row.integer("bytes")
        )
    }
}
