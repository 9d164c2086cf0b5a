internal import AgentState
internal import AuditLog
internal import Contract
internal import Errors
internal import ServiceKit
internal import TransparencyLog

/// What the coordinator says about this agent's log, verified; pure.
struct UploadProofs: Sendable {
    /// A state of this log that the agent itself has signed.
    struct Known: Sendable, Equatable {
        /// The right edge of that tree.
        let edge: MerkleFrontier
    }

    private let names: LogNames
    /// The origin of this agent's log.
    let origin: String
    private let agentKey: VerifyingKey
    private let coordinatorKey: VerifyingKey

    init(_ membership: Membership) {
        names = membership.names
        origin = membership.logOrigin
        agentKey = membership.publicKey
        coordinatorKey = membership.coordinatorKey
    }

    /// Checks the answer to a question about the state.
    ///
    /// The coordinator cannot make up a log of this agent: it must show the agent's own signature under the root, and
    /// the peaks must lead to it.
    func known(_ state: LogState) throws(LinkError) -> Known {
        guard let edge = MerkleFrontier(size: UInt64(state.size), peaks: state.peaks.compactMap { Hash($0) }) else {
            throw Self.refused("its peaks do not fit its size")
        }
        guard let text = state.checkpoint else {
            guard state.size == 0 else { throw Self.refused("it has no checkpoint") }
            return Known(edge: edge)
        }
        guard let note = try? Note(parsing: Array(text.utf8)), note.isSigned(name: origin, key: agentKey),
            let checkpoint = try? Checkpoint(parsing: note.text), checkpoint.origin.utf8.elementsEqual(origin.utf8)
        else { throw Self.refused("this machine did not sign its checkpoint") }
        guard note.cosignatureTime(name: names.audit, key: coordinatorKey) != nil else {
            throw Self.refused("the coordinator did not countersign its checkpoint")
        }
        guard checkpoint.size == edge.size, checkpoint.root == edge.root else {
            throw Self.refused("its peaks are not those of its checkpoint")
        }
        return Known(edge: edge)
    }

    /// Checks a receipt for the checkpoint that was uploaded; returns the state of the organisation's log in it.
    func check(_ receipt: LogReceipt, for note: Note, _ checkpoint: Checkpoint) throws(LinkError) -> OrgHead {
        guard receipt.size == Int(checkpoint.size) else { throw Self.refused("it is for another size") }
        guard let signature = Note.Signature(line: Array(receipt.cosignature.utf8)),
            note.adding(signature).cosignatureTime(name: names.audit, key: coordinatorKey) != nil
        else { throw Self.refused("the coordinator did not countersign it") }
        let head = try OrgHead(receipt.orgCheckpoint, origin: names.audit, key: coordinatorKey)
        guard let leaf = try? OrgLeaf(parsing: receipt.leaf.leaf), leaf.body == .agentCheckpoint(checkpoint) else {
            throw Self.refused("its leaf is not about this log")
        }
        try Self.checkInclusion(receipt.leaf, leaf, in: head)
        return head
    }

    /// Checks that a leaf is in the organisation's log.
    static func checkInclusion(_ proven: ProvenLeaf, _ leaf: OrgLeaf, in head: OrgHead) throws(LinkError) {
        let isIncluded = MerkleProof.isIncluded(
            leaf.hash,
            at: UInt64(max(proven.index, 0)),
            size: head.checkpoint.size,
            root: head.checkpoint.root,
            proof: proven.proof.compactMap { Hash($0) }
        )
        guard isIncluded else { throw refused("its leaf does not stand in the organisation's log") }
    }

    private static func refused(_ why: String) -> LinkError {
        LinkError(.untrusted, "the coordinator's answer about this machine's log is not proven: \(why)")
    }
}
