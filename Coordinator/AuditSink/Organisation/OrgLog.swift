package import AuditLog
package import Bytes
package import Contract
package import Database
internal import Errors
internal import StrictJSON
internal import Synchronization
internal import TransparencyLog

/// The organisation's log: what the coordinator has said and done, in an order that cannot be changed afterwards.
///
/// Each leaf is appended inside of the transaction whose change it states, so there is never the one without the other.
/// A checkpoint that was signed for a change that is then taken back never leaves the process: no caller is answered
/// before the commit.
package final class OrgLog: Sendable {
    package let key: CoordinatorKey
    private let random: Mutex<RandomPool>

    /// The log that `key` signs; the salts of its leaves come from `random`.
    package init(key: CoordinatorKey, random: RandomPool = RandomPool()) {
        self.key = key
        self.random = Mutex(random)
    }

    // MARK: Writing

    /// Appends a leaf and signs the log's new state.
    ///
    /// - Parameters:
    ///   - body: what the leaf says.
    ///   - time: when, in microseconds since 1970.
    ///   - transaction: the change that the leaf states.
    /// - Returns: the leaf's position, counted from 0.
    /// - Throws: `LogError` for a leaf that no reader could read again, `AuditSinkError` if the stored head is
    ///   damaged, and what the database throws.
    @discardableResult
    package func append(_ body: OrgLeaf.Body, at time: Int64, in transaction: SQLTransaction) throws -> Int {
        try append(body, at: time, epoch: nil, in: transaction).position
    }

    /// A leaf that was appended, with its proof for the state that it made.
    struct Appended {
        let position: Int
        let proven: ProvenLeaf
        /// The signed checkpoint of that state.
        let note: [UInt8]
    }

    /// The same, as the first leaf of a new epoch if one is named.
    @discardableResult
    func append(_ body: OrgLeaf.Body, at time: Int64, epoch: Int?, in transaction: SQLTransaction) throws -> Appended {
        let leaf = try random.withLock { random in try OrgLeaf(body, at: time, random: &random) }
        let head = try stored(in: transaction)
        let epoch = epoch ?? head?.epoch ?? 0
        var frontier = head?.frontier ?? MerkleFrontier()
        let position = Int(frontier.size)
        // RFC 6962 section 2.1.1: what the path of the last leaf has beside it are the complete subtrees before it.
        let proof = frontier.peaks.reversed().map(\.bytes)
        var closed: [(level: Int, index: UInt64, hash: Hash)] = []
        frontier.append(hash: .leaf(leaf.bytes)) { closed.append(($0, $1, $2)) }

        try transaction.execute(
            "INSERT INTO org_leaf (position, kind, subject, leaf) VALUES (?, ?, ?, ?)",
            [.integer(position), .text(leaf.kind), .text(leaf.subject), .blob(leaf.bytes)]
        )
        try index(body, at: position, time: time, in: transaction)
        for node in closed {
            try transaction.execute(
                "INSERT INTO org_node (level, position, hash) VALUES (?, ?, ?)",
                [.integer(node.level), .integer(Int(node.index)), .blob(node.hash.bytes)]
            )
        }
        let note = try sign(frontier, epoch: epoch)
        try transaction.execute(
            "INSERT OR REPLACE INTO org_head (id, size, peaks, epoch, note) VALUES (1, ?, ?, ?, ?)",
            [.integer(position + 1), .blob(frontier.packedPeaks), .integer(epoch), .blob(note)]
        )
        let proven = ProvenLeaf(leaf: leaf.bytes, index: position, proof: proof)
        return Appended(position: position, proven: proven, note: note)
    }

    private func sign(_ frontier: MerkleFrontier, epoch: Int) throws -> [UInt8] {
        let checkpoint = Checkpoint(origin: key.names.audit(epoch: epoch), size: frontier.size, root: frontier.root)
        return try checkpoint.signed(by: key.signing).bytes
    }

    // MARK: Reading

    /// The newest state; before the first leaf the signed checkpoint of the empty tree.
    package func head(in view: some SQLReading) throws -> OrgHead {
        if let head = try stored(in: view) { return head }
        return OrgHead(frontier: MerkleFrontier(), epoch: 0, note: try sign(MerkleFrontier(), epoch: 0))
    }

    /// The leaf at `position` with its proof for the newest state, which travels beside it.
    package func proven(_ position: Int, in view: some SQLReading) throws -> ProvenLeaf {
        let size = try head(in: view).size
        let proof = try MerkleProof.inclusion(of: UInt64(position), size: size, in: OrgNodes(size: size, view: view))
        return ProvenLeaf(leaf: try Self.leaf(at: position, in: view), index: position, proof: proof.map(\.bytes))
    }

    /// The proof that the newest state extends the one of `old` leaves; nil if the log is not that long.
    ///
    /// A machine that knows a longer log than there is has seen a coordinator that was since set back.
    package func consistency(from old: Int, in view: some SQLReading) throws -> [[UInt8]]? {
        let size = try head(in: view).size
        guard old >= 0, UInt64(old) <= size else { return nil }
        let nodes = OrgNodes(size: size, view: view)
        return try MerkleProof.consistency(from: UInt64(old), to: size, in: nodes).map(\.bytes)
    }

    /// The positions of the leaves of this kind about this subject, oldest first.
    ///
    /// The subject of keys is the agent, of a bundle its version, of a change its author, of a restart its epoch.
    package func positions(kind: String, subject: String, in view: some SQLReading) throws -> [Int] {
        let rows = try view.rows(
            "SELECT position FROM org_leaf WHERE kind = ? AND subject = ? ORDER BY position",
            [.text(kind), .text(subject)]
        )
        return try rows.map { try $0.integer("position") }
    }

    /// Refuses a log that this coordinator has not signed, or whose parts do not belong together.
    ///
    /// To be asked once before anything is appended: a wrong key file or half of a backup would otherwise make the
    /// coordinator sign a second history.
    package func check(in view: some SQLReading) throws {
        let count = try view.first("SELECT COUNT(*) AS leaves FROM org_leaf")?.integer("leaves") ?? 0
        guard let head = try stored(in: view) else {
            guard count == 0 else { throw AuditSinkError.damaged("there are leaves without a head") }
            return
        }
        let note = try Note(parsing: head.note)
        let origin = key.names.audit(epoch: head.epoch)
        guard note.isSigned(name: origin, key: key.publicKey) else {
            throw AuditSinkError(
                .foreign,
                "The organisation's log was signed by another key, or under another URL.",
                next: "Give the coordinator the key and the URL that belong to this database."
            )
        }
        let checkpoint = try Checkpoint(parsing: note.text)
        let root = try OrgNodes(size: head.size, view: view).root(size: head.size)
        guard checkpoint.origin == origin, checkpoint.size == head.size, checkpoint.root == head.frontier.root,
            root == checkpoint.root,
            count == Int(head.size)
        else { throw AuditSinkError.damaged("the head of the organisation's log is not that of its leaves") }
    }

    static func leaf(at position: Int, in view: some SQLReading) throws -> [UInt8] {
        let row = try view.first("SELECT leaf FROM org_leaf WHERE position = ?", [.integer(position)])
        guard let row else { throw AuditSinkError.damaged("leaf \(position) of the organisation's log is missing") }
        return try row.blob("leaf")
    }

    private func stored(in view: some SQLReading) throws -> OrgHead? {
        guard let row = try view.first("SELECT size, peaks, epoch, note FROM org_head") else { return nil }
        let frontier = try MerkleFrontier(size: try row.integer("size"), packedPeaks: try row.blob("peaks"))
        return OrgHead(frontier: frontier, epoch: try row.integer("epoch"), note: try row.blob("note"))
    }
}

extension OrgLeaf {
    /// What the leaf is about, by which readers look for it; an agent's checkpoint is found through its batch.
    fileprivate var subject: String? {
        switch body {
        case .keyEnrol(let enrolment): enrolment.agent.string
        case .keyRevoke(let agent, _, _): agent.string
        case .policyBundle(let version, _, _): String(version)
        case .agentCheckpoint: nil
        case .adminChange(let change): change.who.string
        case .logRestart(let restart): String(restart.epoch)
        case .logSeen(let agent, _): agent.string
        }
    }
}
