internal import AuditLog
internal import ServiceKit

/// A signed state of the organisation's log, as the coordinator handed it out.
struct OrgHead: Sendable, Equatable {
    let checkpoint: Checkpoint
    /// The whole note: what proves to others that it was said.
    let note: String

    /// Reads a note that the coordinator must have signed as a state of its log.
    init(_ note: String, origin: String, key: VerifyingKey) throws(LinkError) {
        guard let parsed = try? Note(parsing: Array(note.utf8)), parsed.isSigned(name: origin, key: key),
            let checkpoint = try? Checkpoint(parsing: parsed.text), checkpoint.origin.utf8.elementsEqual(origin.utf8)
        else { throw LinkError(.untrusted, "the state of the organisation's log is not signed by the coordinator") }
        self.checkpoint = checkpoint
        self.note = note
    }
}

/// Two signed states of one log that cannot both be true: whoever holds both can prove it to anybody.
struct OrgContradiction: Error, Sendable, Equatable {
    let seen: OrgHead
    let shown: OrgHead
}

/// Watches that the organisation's log only ever grows; pure.
///
/// States come with answers to the sync, each with the proof that it extends the one that was asked about, and with the
/// receipts of uploads, without such a proof. The two are kept apart and asked about in turn, until they meet.
struct OrgHistory: Sendable {
    /// The newest state that is proven to extend all others but `claimed`.
    private(set) var proven: OrgHead?
    /// The newest state that came with a receipt, or one that is proven to extend it.
    private(set) var claimed: OrgHead?
    private var asksClaimed = false

    /// A history that goes on from a state seen before.
    init(proven: OrgHead?) {
        self.proven = proven
    }

    /// The state that the next answer is to extend; nil for a log of which nothing was seen.
    mutating func question() -> OrgHead? {
        asksClaimed = claimed != nil && !asksClaimed
        return asksClaimed ? claimed : proven
    }

    /// An answer shows a state that must extend the one that was asked about.
    mutating func answered(
        _ head: OrgHead,
        to question: OrgHead?,
        proof: [Hash]
    ) throws(OrgContradiction) {
        if let question {
            let isConsistent = MerkleProof.isConsistent(
                from: (question.checkpoint.size, question.checkpoint.root),
                to: (head.checkpoint.size, head.checkpoint.root),
                proof: proof
            )
            guard isConsistent else { throw OrgContradiction(seen: question, shown: head) }
        }
        if let claimed, question == claimed {
            try meet(head, proven)
            self.claimed = head.checkpoint == proven?.checkpoint ? nil : head
        } else {
            try meet(head, claimed)
            proven = head
            if claimed?.checkpoint == head.checkpoint { claimed = nil }
        }
    }

    /// A receipt shows a state.
    mutating func claimed(_ head: OrgHead) throws(OrgContradiction) {
        try meet(head, proven)
        try meet(head, claimed)
        guard head.checkpoint.size > proven?.checkpoint.size ?? 0 else { return }
        if head.checkpoint.size > claimed?.checkpoint.size ?? 0 { claimed = head }
    }

    /// Two states of one size have one root.
    private func meet(_ head: OrgHead, _ other: OrgHead?) throws(OrgContradiction) {
        guard let other, other.checkpoint.size == head.checkpoint.size else { return }
        guard other.checkpoint.root == head.checkpoint.root else {
            throw OrgContradiction(seen: other, shown: head)
        }
    }
}
