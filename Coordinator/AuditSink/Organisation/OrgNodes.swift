internal import Database
internal import TransparencyLog

/// The tree of the organisation's log as one view of the database has it.
struct OrgNodes<View: SQLReading>: MerkleNodes {
    let size: UInt64
    let view: View

    func hash(level: Int, index: UInt64) throws -> Hash {
        guard level > 0 else { return .leaf(try OrgLog.leaf(at: Int(index), in: view)) }
        let row = try view.first(
            "SELECT hash FROM org_node WHERE level = ? AND position = ?",
            [.integer(level), .integer(Int(index))]
        )
        guard let bytes = try row?.blob("hash"), let hash = Hash(bytes) else {
            throw AuditSinkError.damaged("a hash of the organisation's log is missing")
        }
        return hash
    }
}
