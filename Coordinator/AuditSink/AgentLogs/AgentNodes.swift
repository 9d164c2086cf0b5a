internal import Database
internal import TransparencyLog

/// The tree of one agent's log as one view of the database has it.
///
/// The hashes over 256 leaves and more are kept; what is below is made of the records, a block of 256 at a time. A proof
/// needs one or two blocks, so the last ones are held.
final class AgentNodes<View: SQLReading>: MerkleNodes {
    /// Subtrees of this level and above are kept.
    static var keptLevel: Int { 8 }
    private static var blockLength: Int { 1 << keptLevel }
    /// 16 KiB each.
    private static var mostBlocks: Int { 16 }

    let size: UInt64
    private let agent: String
    private let view: View
    private var blocks: [UInt64: MerkleTree] = [:]

    init(agent: String, size: UInt64, view: View) {
        self.agent = agent
        self.size = size
        self.view = view
    }

    func hash(level: Int, index: UInt64) throws -> Hash {
        guard level < Self.keptLevel else { return try kept(level: level, index: index) }
        let perBlock = UInt64(Self.blockLength >> level)
        return try block(index / perBlock).hash(level: level, index: index % perBlock)
    }

    private func kept(level: Int, index: UInt64) throws -> Hash {
        let row = try view.first(
            "SELECT hash FROM agent_node WHERE agent_id = ? AND level = ? AND position = ?",
            [.text(agent), .integer(level), .integer(Int(index))]
        )
        guard let bytes = try row?.blob("hash"), let hash = Hash(bytes) else {
            throw AuditSinkError.damaged("a hash of the log of agent \(agent) is missing")
        }
        return hash
    }

    private func block(_ number: UInt64) throws -> MerkleTree {
        if let block = blocks[number] { return block }
        let first = Int(number) * Self.blockLength
        let range = first..<min(first + Self.blockLength, Int(size))
        var block = MerkleTree()
        try StoredBatch.each(of: agent, holding: range, in: view) { batch in
            batch.each(in: range) { block.append($1) }
            return true
        }
        guard block.size == UInt64(range.count) else {
            throw AuditSinkError.damaged("records of the log of agent \(agent) are missing")
        }
        if blocks.count == Self.mostBlocks { blocks = [:] }
        blocks[number] = block
        return block
    }
}
