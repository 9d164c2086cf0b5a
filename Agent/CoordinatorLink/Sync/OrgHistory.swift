internal import TransparencyLog

/// Two signed states of one log; nothing shown so far proves that the second extends the first.
struct OrgContradiction: Error, Sendable, Equatable {
    let seen: OrgHead
    let shown: OrgHead
}

/// Why a state is not taken.
enum OrgRefusal: Error, Sendable, Equatable {
    /// It is older than what was seen: a lagging replica, a cache, or a coordinator that was set back.
    case stale(OrgContradiction)
    /// Nothing proves that it extends what was seen: the proof was lost on the way, or does not exist.
    case unproven(OrgContradiction)
    /// A new epoch is proven, and it is not known yet whether it holds the newest state that was seen: ask about that one.
    case again
    /// Both cannot be true, and a holder of both can prove that to anybody.
    case contradiction(OrgContradiction)
}

/// Watches that the organisation's log only ever grows; pure.
///
/// States come with answers to the sync, each with the proof that it extends the one that was asked about, and with the
/// receipts of uploads, without such a proof. The two are kept apart and asked about in turn, until they meet.
///
/// A restart of the log, which the coordinator signs, begins a new epoch. States of another epoch contradict nothing, and
/// epochs rise only: once a state of a later one is taken, those before are older than what was seen.
struct OrgHistory: Sendable {
    /// The newest state that is proven to extend all others but `claimed`.
    private(set) var proven: OrgHead?
    /// The newest state that came with a receipt, or one that is proven to extend it.
    private(set) var claimed: OrgHead?
    private var asksClaimed = false
    /// Whether the next question is about the newest state, to see whether a restart has lost it.
    private(set) var asksNewest = false

    /// A history that goes on from a state seen before.
    init(proven: OrgHead?) {
        self.proven = proven
    }

    /// The newest state that was seen.
    var newest: OrgHead? {
        guard let claimed, claimed.checkpoint.size > proven?.checkpoint.size ?? 0 else { return proven ?? claimed }
        return claimed
    }

    /// The epoch that was seen.
    var epoch: Int { newest?.epoch ?? 0 }

    /// The state that the next answer is to extend; nil for a log that was not seen yet.
    mutating func question() -> OrgHead? {
        if asksNewest { return newest }
        asksClaimed = claimed != nil && !asksClaimed
        return asksClaimed ? claimed : proven
    }

    /// The next question is about the newest state.
    mutating func askNewest() { asksNewest = true }

    /// An answer shows a state that must extend the one that was asked about.
    ///
    /// - Parameters:
    ///   - head: The state.
    ///   - question: The one that was asked about.
    ///   - proof: The hashes that prove the one to extend the other.
    ///   - isRestart: Whether the beginning of the state's epoch was shown and proven.
    /// - Returns: The newest state of the epoch before, if a new one has begun in which it was not found.
    /// - Throws: `OrgRefusal`; then nothing has changed.
    @discardableResult
    mutating func answered(
        _ head: OrgHead,
        to question: OrgHead?,
        proof: [Hash],
        isRestart: Bool = false
    ) throws(OrgRefusal) -> OrgHead? {
        if let newest, head.epoch != newest.epoch {
            let both = OrgContradiction(seen: newest, shown: head)
            guard head.epoch > newest.epoch else { throw .stale(both) }
            guard isRestart else { throw .unproven(both) }
            guard question == newest else { throw .again }
            self = OrgHistory(proven: head)
            return Self.isProven(newest, head, proof) ? nil : newest
        }
        asksNewest = false
        try meet(head, proven)
        try meet(head, claimed)
        if let question {
            let both = OrgContradiction(seen: question, shown: head)
            guard head.checkpoint.size >= question.checkpoint.size else { throw .stale(both) }
            guard Self.isProven(question, head, proof) else {
                // The proof may be that of an older question.
                throw head.checkpoint.size < newest?.checkpoint.size ?? 0 ? .stale(both) : .unproven(both)
            }
        }
        if let claimed, question == claimed {
            self.claimed = proven == nil || head.checkpoint == proven?.checkpoint ? nil : head
            proven = proven ?? head
        } else {
            // Of an answer to an older question only the proof counts.
            if head.checkpoint.size >= proven?.checkpoint.size ?? 0 { proven = head }
            if claimed?.checkpoint == head.checkpoint { claimed = nil }
        }
        return nil
    }

    /// A receipt shows a state.
    mutating func claimed(_ head: OrgHead) throws(OrgRefusal) {
        if let newest, head.epoch != newest.epoch {
            let both = OrgContradiction(seen: newest, shown: head)
            // The beginning of a new epoch comes with an answer to the sync.
            throw head.epoch < newest.epoch ? .stale(both) : .unproven(both)
        }
        try meet(head, proven)
        try meet(head, claimed)
        guard head.checkpoint.size > proven?.checkpoint.size ?? 0 else { return }
        if head.checkpoint.size > claimed?.checkpoint.size ?? 0 { claimed = head }
    }

    private static func isProven(_ old: OrgHead, _ new: OrgHead, _ proof: [Hash]) -> Bool {
        old.checkpoint == new.checkpoint
            || MerkleProof.isConsistent(
                from: (old.checkpoint.size, old.checkpoint.root),
                to: (new.checkpoint.size, new.checkpoint.root),
                proof: proof
            )
    }

    /// Two states of one size have one root.
    private func meet(_ head: OrgHead, _ other: OrgHead?) throws(OrgRefusal) {
        guard let other, other.checkpoint.size == head.checkpoint.size else { return }
        guard other.checkpoint.root == head.checkpoint.root else {
            throw .contradiction(OrgContradiction(seen: other, shown: head))
        }
    }
}
