internal import AuditLog
package import Contract
package import Database
package import ServiceKit
internal import StrictJSON
internal import TransparencyLog

/// Takes the agents' records in, so that from the answer on they are the coordinator's to keep.
///
/// * Durability: the receipt is given after the commit.
/// * Idempotence: an upload of what is stored already gets the receipt of what is stored.
/// * Concurrency: of two uploads that begin at the same size one is stored; the other is told the new size.
/// * Retries: the agent's; an error means that nothing of the upload is stored, but for a fork, which is kept.
///
/// Why these and no other rules: `old` and the root are compared before anything is signed, so the coordinator signs
/// one history of each agent only (c2sp.org/tlog-witness).
package struct AgentLogIntake: Sendable {
    private let database: SQLDatabase
    let log: OrgLog
    let clock: MachineClock
    private let limits: UploadLimits
    private let pace: UploadPace
    private let agents = KnownAgents()

    /// The intake that stores into `database` and writes its leaves to `log`.
    package init(database: SQLDatabase, log: OrgLog, clock: MachineClock, limits: UploadLimits = .usual) {
        self.database = database
        self.log = log
        self.clock = clock
        self.limits = limits
        pace = UploadPace(bytesPerMinute: limits.bytesPerMinute)
    }

    /// Takes an upload, the body of `POST /v1/agent-log`, of the agent that signed the request.
    ///
    /// - Throws: `Refused`; `log_conflict` says in `size` where the next upload has to begin, `no_room`, `upload_pace`
    ///   and `upload_quota` that nothing is wrong with the upload and it can be sent again later.
    package func take(_ body: [UInt8], from agent: String) async throws -> LogReceipt {
        guard database.room == .ample else { throw Refused.noRoom }
        let turn: UploadPace.Turn
        switch pace.enter(agent, bytes: body.count, now: clock.boot()) {
        case .turn(let given): turn = given
        case .later(let seconds): throw Refused.uploadPace(limits.bytesPerMinute, seconds: seconds)
        }
        defer { withExtendedLifetime(turn) {} }
        let agent = try await agents.find(agent, in: database)
        let upload = try await CheckedUpload.check(body, of: agent, origin: log.key.names.agent(agent.id))
        let outcome = try await database.write(lane: .records, weight: upload.records.count) { transaction in
            try store(upload, in: transaction)
        }
        switch outcome {
        case .stored(let receipt): return receipt
        case .conflict(let size): throw Refused.conflict(size: size)
        case .forked: throw Refused.forked
        }
    }

    /// What became of an upload; a fork is committed too, so it cannot be an error of the transaction.
    enum Outcome: Sendable {
        case stored(LogReceipt)
        case conflict(size: Int)
        case forked
    }

    func store(_ upload: CheckedUpload, in transaction: SQLTransaction) throws -> Outcome {
        // Looked at again: the order of the commits decides what was signed before a key was revoked.
        let agent = upload.agent
        guard try StoredAgent.isRevoked(agent.id, in: transaction) == false else {
            throw try log.revocation(of: agent.id, in: transaction)
        }
        let stored = try StoredLog.find(agent.id, in: transaction)
        if stored?.isLocked == true { return .forked }
        let size = stored?.size ?? 0

        if let stored, upload.checkpoint.size <= size {
            let nodes = AgentNodes(agent: agent.id, size: size, view: transaction)
            guard try nodes.root(size: upload.checkpoint.size) == upload.checkpoint.root else {
                try keepFork(upload, against: stored, in: transaction)
                return .forked
            }
            guard let receipt = try receipt(agent.id, size: Int(upload.checkpoint.size), in: transaction) else {
                // It agrees with what is stored, but no upload has ended there.
                return .conflict(size: Int(size))
            }
            return .stored(receipt)
        }
        guard upload.old == Int(size) else { return .conflict(size: Int(size)) }
        let bytes = (stored?.bytes ?? 0) + upload.records.count + UploadLimits.around
        guard bytes <= limits.storedBytes else {
            throw Refused.uploadQuota(limits.storedBytes, stored: stored?.bytes ?? 0)
        }

        var frontier = stored?.frontier ?? MerkleFrontier()
        var closed: [(level: Int, index: UInt64, hash: Hash)] = []
        for leaf in upload.leaves {
            frontier.append(hash: leaf) { level, index, hash in
                if level >= AgentNodes<SQLTransaction>.keptLevel { closed.append((level, index, hash)) }
            }
        }
        guard frontier.root == upload.checkpoint.root else {
            guard let stored else { throw Refused.malformedUpload("The checkpoint's root is not that of the records.") }
            try keepFork(upload, against: stored, in: transaction)
            return .forked
        }
        for node in closed {
            try transaction.execute(
                "INSERT INTO agent_node (agent_id, level, position, hash) VALUES (?, ?, ?, ?)",
                [.text(agent.id), .integer(node.level), .integer(Int(node.index)), .blob(node.hash.bytes)]
            )
        }
        return .stored(try keep(upload, frontier, bytes: bytes, in: transaction))
    }

    private func keep(
        _ upload: CheckedUpload,
        _ frontier: MerkleFrontier,
        bytes: Int,
        in transaction: SQLTransaction
    ) throws -> LogReceipt {
        let now = clock.wall()
        let leaf = try log.append(.agentCheckpoint(upload.checkpoint), at: now, epoch: nil, in: transaction)
        let signature = try upload.note.cosignature(
            name: log.key.names.audit,
            key: log.key.signing,
            time: UInt64(max(now, 0) / 1_000_000)
        )
        let note = upload.note.adding(signature).bytes
        let batch = try transaction.insert(
            """
            INSERT INTO agent_batch (agent_id, first, next, records, note, org_position) VALUES (?, ?, ?, ?, ?, ?)
            """,
            [
                .text(upload.agent.id), .integer(upload.old), .integer(Int(frontier.size)), .stretch(upload.records),
                .blob(note), .integer(leaf.position),
            ]
        )
        try upload.marks.insert(batch: batch, in: transaction)
        try upload.tallies.add(of: upload.agent.sub, now: Int(now / 1_000_000), in: transaction)
        try transaction.execute(
            """
            INSERT INTO agent_log (agent_id, size, peaks, note, bytes) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT (agent_id) DO UPDATE SET
                size = excluded.size, peaks = excluded.peaks, note = excluded.note, bytes = excluded.bytes
            """,
            [
                .text(upload.agent.id), .integer(Int(frontier.size)), .blob(frontier.packedPeaks), .blob(note),
                .integer(bytes),
            ]
        )
        return LogReceipt(
            size: Int(frontier.size),
            cosignature: String(signature.line.dropLast()),
            orgCheckpoint: String(decoding: leaf.note, as: UTF8.self),
            leaf: leaf.proven
        )
    }

    // MARK: Receipts

    /// The receipt of the upload that ended at `size`, with the newest state of the organisation's log.
    private func receipt(_ agent: String, size: Int, in transaction: SQLTransaction) throws -> LogReceipt? {
        let row = try transaction.first(
            "SELECT note, org_position FROM agent_batch WHERE agent_id = ? AND next = ?",
            [.text(agent), .integer(size)]
        )
        guard let row else { return nil }
        guard let signature = try Note(parsing: try row.blob("note")).signatures.last else { return nil }
        return LogReceipt(
            size: size,
            cosignature: String(signature.line.dropLast()),
            orgCheckpoint: try log.head(in: transaction).checkpoint,
            leaf: try log.proven(try row.integer("org_position"), in: transaction)
        )
    }
}
