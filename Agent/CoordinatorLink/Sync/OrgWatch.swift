package import AgentState
internal import AuditLog
internal import Contract
internal import Errors
internal import ServiceKit
internal import Synchronization
internal import TransparencyLog

/// Remembers the newest state of the organisation's log, and keeps both sides of a contradiction.
///
/// Every agent does this, so that a coordinator cannot show one history to one agent and another to the next.
package final class OrgWatch: Sendable {
    private struct State {
        var history: OrgHistory
        /// The coordinator has contradicted itself.
        var isContradicted: Bool
        /// Two states are kept that nothing proves to go together.
        var isUnproven: Bool
        /// A state of an earlier epoch that the coordinator has still to hear of.
        var unreported: OrgHead?
    }

    private let path: String
    private let evidence: OrgEvidenceFolder
    private let origin: String
    private let key: VerifyingKey
    private let state: Mutex<State>

    private static func path(_ home: AgentHome) -> String { home.path(.organisation) }

    /// The start of a new enrolment: what was seen under an earlier one is over, contradictions too.
    static func begin(with head: OrgHead, home: AgentHome) throws {
        try DurableFile.write(Array(head.note.utf8), to: path(home))
    }

    /// The watch of a membership, which goes on where it was.
    package init(_ membership: Membership, home: AgentHome) throws {
        path = Self.path(home)
        origin = membership.origin
        key = membership.coordinatorKey
        evidence = OrgEvidenceFolder(membership, home: home)
        // A damaged file is forgotten, and the state is seen anew: a process that can write here could take the file
        // away as well.
        let bytes = try DurableFile.read(path, maxBytes: 64 << 10)
        let proven = bytes.flatMap { bytes in
            try? OrgHead(
                String(decoding: bytes, as: UTF8.self),
                origin: membership.origin,
                key: membership.coordinatorKey
            )
        }
        state = Mutex(
            State(
                history: OrgHistory(proven: proven),
                isContradicted: try evidence.load(.contradiction) != nil,
                isUnproven: try evidence.load(.unproven) != nil,
                unreported: try evidence.unreported()
            )
        )
    }

    /// Whether the coordinator has contradicted itself: then nothing more is taken from it, until the user enrols anew or
    /// an administrator restarts the log.
    package var isBroken: Bool { state.withLock { $0.isContradicted } }

    /// The state that the next answer has to extend.
    func question() -> OrgHead? { state.withLock { $0.history.question() } }

    /// Whether an answer was not taken only because another question has to be asked first.
    var asksAgain: Bool { state.withLock { $0.history.asksNewest } }

    /// The epoch of the newest state that was seen.
    var epoch: Int { state.withLock { $0.history.epoch } }

    /// The signed state of an earlier epoch that the coordinator has still to hear of.
    var unreported: OrgHead? { state.withLock { $0.unreported } }

    /// The coordinator has answered a question that told it of this state.
    func reported(_ head: OrgHead) {
        state.withLock { state in
            guard state.unreported == head else { return }
            evidence.reported()
            state.unreported = nil
        }
    }

    /// Takes the state in an answer; on return it is remembered durably.
    ///
    /// - Parameters:
    ///   - note: The signed state.
    ///   - question: The one that was asked about.
    ///   - proof: That the one extends the other.
    ///   - restart: The leaf that begins the state's epoch, where that is a new one.
    /// - Returns: The restart of the log that was learned of.
    /// - Throws: `LinkError`: `.stale` for one that is older than what was seen, `.unproven` for one that was damaged on
    ///   the way, `.untrusted` for one that nothing proves to go on from what was seen, with the evidence kept. Nothing
    ///   has changed then.
    @discardableResult
    func answered(
        _ note: String,
        to question: OrgHead?,
        proof: [Hash],
        restart: ProvenLeaf? = nil
    ) throws -> OrgLeaf.LogRestart? {
        let head: OrgHead
        do {
            head = try OrgHead(note, origin: origin, key: key)
        } catch {
            throw LinkError(.unproven, error.message)
        }
        let proven = try restart.map { restart throws(LinkError) in (restart, try OrgRestart(restart, in: head)) }
        return try state.withLock { state in
            var history = state.history
            let before = history
            let lost: OrgHead?
            do throws(OrgRefusal) {
                lost = try history.answered(head, to: question, proof: proof, isRestart: proven != nil)
            } catch {
                throw refused(error, &state)
            }
            let isNewEpoch = before.newest != nil && head.epoch != before.epoch
            guard !state.isContradicted || isNewEpoch else { throw broken }
            // In this order: a crash in between finds the old state again, and does the same once more.
            if let lost, let proven { try evidence.keep(lost: lost, restart: proven.0, in: head) }
            if history.proven != before.proven, let note = history.proven?.note {
                try DurableFile.write(Array(note.utf8), to: path)
            }
            state.history = history
            if state.isUnproven { evidence.forget(.unproven) }
            state.isUnproven = false
            guard isNewEpoch else { return nil }
            evidence.close(in: head.epoch)
            state.isContradicted = false
            state.unreported = lost ?? state.unreported
            return proven?.1.leaf
        }
    }

    /// Compares the state in an answer that is not taken for another reason; nothing is remembered but a contradiction.
    ///
    /// - Throws: `.untrusted` where nothing proves that the state goes on from what was seen, with the evidence kept.
    func compared(_ note: String, to question: OrgHead?, proof: [Hash]) throws {
        let head = try OrgHead(note, origin: origin, key: key)
        try state.withLock { state in
            var history = state.history
            guard history.newest == nil || head.epoch <= history.epoch else { return }
            do throws(OrgRefusal) {
                try history.answered(head, to: question, proof: proof)
            } catch .stale {
                return
            } catch {
                throw refused(error, &state)
            }
        }
    }

    /// Takes the state in a receipt; throws `LinkError` as `answered` does.
    func claimed(_ note: String) throws {
        try claimed(try OrgHead(note, origin: origin, key: key))
    }

    /// The same of a state whose signature was checked.
    func claimed(_ head: OrgHead) throws(LinkError) {
        try state.withLock { state throws(LinkError) in
            do throws(OrgRefusal) {
                try state.history.claimed(head)
            } catch .unproven {
                // The next answer to the sync tells how it was restarted.
                throw LinkError(.unproven, "the coordinator's log was restarted, and it is not known yet how")
            } catch {
                throw refused(error, &state)
            }
        }
    }

    private func refused(_ refusal: OrgRefusal, _ state: inout State) -> LinkError {
        switch refusal {
        case .stale(let both):
            return LinkError(
                .stale,
                both.shown.epoch < both.seen.epoch
                    ? "the coordinator shows its log as it was before its restart"
                    : "the coordinator shows its log with \(both.shown.checkpoint.size) leaves, and has shown it with "
                        + "\(both.seen.checkpoint.size)",
                next: Self.waitOrRestart
            )
        case .unproven(let both):
            state.isUnproven = true
            // A disk that does not take the evidence changes nothing about what it proves to this machine.
            try? evidence.keep(both, as: .unproven)
            return LinkError(
                .untrusted,
                "nothing proves that the coordinator's log of \(both.shown.words) goes on from that of "
                    + "\(both.seen.words), which it has signed before; both are kept in \(evidence.path)",
                next: Self.waitOrRestart
            )
        case .again:
            state.history.askNewest()
            return LinkError(.unproven, "the coordinator's log was restarted; it is asked what it still holds of it")
        case .contradiction(let both):
            state.isContradicted = true
            try? evidence.keep(both, as: .contradiction)
            return broken
        }
    }

    private static let waitOrRestart =
        "Wait; if it stays so after a restore of the coordinator, ask an administrator for `doorward-coordinator restart-log`."

    private var broken: LinkError {
        LinkError(
            .untrusted,
            "the coordinator shows two histories of its log; both are kept in \(evidence.path)",
            next: "Send the files in \(evidence.path) to the coordinator's auditor."
        )
    }
}
