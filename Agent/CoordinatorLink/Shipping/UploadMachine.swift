internal import ServiceKit
internal import TransparencyLog

/// The agent's side of the upload of its log; pure: it is told what happened and says what to do next.
///
/// Whatever is lost, repeated or late on the way, and whichever side crashes, each record is countersigned once and in
/// order:
/// * It signs nothing before it knows what the coordinator has. A checkpoint signed on an old state of the folder would
///   contradict an earlier one, and the agent would be locked for it.
/// * An upload whose answer did not come is repeated as it was, which the coordinator answers with the receipt that it
///   has; it does not grow meanwhile.
/// * The coordinator's size only ever leads to questions. What is adopted was signed by this agent.
struct UploadMachine: Sendable {
    /// Why nothing is uploaded any more, until an administrator has looked at it.
    enum Halt: Sendable, Equatable {
        /// The coordinator holds a checkpoint of this agent that contradicts its log, or says so.
        case forked
        /// The coordinator does not take this machine's key; the code.
        case refused(String)
        /// The coordinator does not take what was sent; the code.
        case rejected(String)
        /// The coordinator has lost records that it countersigned, and they are not here any more.
        case lost
    }

    enum Action: Sendable, Equatable {
        /// Nothing is to be done before this time, or before something is recorded.
        case wait(until: Duration?)
        /// Ask what the coordinator has.
        case ask
        /// Compute the right edge of the own log at this one's size, from the edge on.
        case compare(MerkleFrontier)
        /// This edge is countersigned.
        case adopt(MerkleFrontier)
        /// The log went back in time: go on behind this edge.
        case goOn(behind: MerkleFrontier)
        /// Upload the records from the edge on: at most so many, or to exactly this size.
        case upload(from: MerkleFrontier, to: UInt64)
    }

    private enum Phase: Sendable, Equatable {
        /// It is not known what the coordinator has.
        case unknown
        case comparing(MerkleFrontier)
        case adopting(MerkleFrontier)
        case behind(MerkleFrontier)
        case ready
        case halted(Halt)
    }

    /// The right edge of what is countersigned.
    private(set) var edge: MerkleFrontier
    private var phase = Phase.unknown
    /// The size of an upload that may or may not have arrived.
    private var unsure: UInt64?
    private var backoff = Backoff()
    /// Nothing is tried before this time.
    private var pause: Duration?
    /// Whether the coordinator asked for that: then a nudge does not make it shorter.
    private var isAskedFor = false
    /// Since when the coordinator takes nothing for now.
    private(set) var deferredSince: Duration?
    /// When the oldest record that waits was first seen.
    private var waitingSince: Duration?
    /// How many durable records end the last wait that `next` asked for, before its time is up.
    private(set) var awaited: UInt64 = 0

    /// The most records of an upload.
    ///
    /// What an upload costs beside its records, both sides' signatures, waits for the disk and the way there and back, is
    /// as much as that of some hundred records.
    static let batch: UInt64 = 2048
    /// The longest that a record waits for others to go with it.
    static let linger = Duration.seconds(1)
    /// How long it rests once it has halted, before it looks whether an administrator has seen to it.
    static let rest = Duration.seconds(300)

    /// A machine for a log that is countersigned up to `edge`.
    init(edge: MerkleFrontier) {
        self.edge = edge
    }

    /// Why it has halted; nil while it has not.
    var halt: Halt? {
        if case .halted(let why) = phase { why } else { nil }
    }

    /// What is to be done.
    ///
    /// - Parameters:
    ///   - now: The time, by any clock that does not go back.
    ///   - durable: Behind the last record that can be uploaded.
    ///   - isUrgent: Whether one of them is not to wait for others.
    /// - Returns: One action; its outcome is told before the next is asked for.
    mutating func next(now: Duration, durable: UInt64, isUrgent: Bool) -> Action {
        awaited = .max
        if let pause, now < pause { return .wait(until: pause) }
        switch phase {
        case .halted:
            phase = .unknown
            return .ask
        case .unknown: return .ask
        case .comparing(let known): return .compare(known)
        case .adopting(let edge): return .adopt(edge)
        case .behind(let edge): return .goOn(behind: edge)
        case .ready: break
        }
        guard durable > edge.size else {
            waitingSince = nil
            awaited = edge.size + 1
            return .wait(until: nil)
        }
        let due = (waitingSince ?? now) + Self.linger
        waitingSince = waitingSince ?? now
        if let unsure { return .upload(from: edge, to: unsure) }
        guard isUrgent || durable - edge.size >= Self.batch || now >= due else {
            awaited = edge.size + Self.batch
            return .wait(until: due)
        }
        return .upload(from: edge, to: min(durable, edge.size + Self.batch))
    }
}

// MARK: - What happened

extension UploadMachine {
    /// The coordinator said what it has, and that was verified; `recorded` is behind the last record here.
    mutating func known(_ known: MerkleFrontier, recorded: UInt64, now: Duration) {
        pause = nil
        unsure = nil
        if known.size == edge.size {
            guard known.root == edge.root else { return halt(.forked, now: now) }
            phase = .ready
        } else if known.size < edge.size {
            // It has lost what it countersigned; the records may still be here.
            phase = .adopting(known)
        } else {
            phase = known.size <= recorded ? .comparing(known) : .behind(known)
        }
    }

    /// The own log was computed up to the size that was asked for.
    mutating func compared(_ own: MerkleFrontier) {
        guard case .comparing(let known) = phase else { return }
        // Its records are another's: those here were written on an old state of the folder, and are not signed yet.
        phase = known == own ? .adopting(known) : .behind(known)
    }

    /// The edge was adopted: durably.
    mutating func adopted(_ edge: MerkleFrontier) {
        self.edge = edge
        phase = .ready
        waitingSince = nil
    }

    /// The edge could not be adopted, since the records behind it are not here.
    mutating func cannotAdopt(now: Duration) {
        halt(.lost, now: now)
    }

    /// An upload was countersigned, and that was verified.
    mutating func uploaded(_ edge: MerkleFrontier) {
        backoff.reset()
        pause = nil
        unsure = nil
        deferredSince = nil
        isAskedFor = false
        phase = .adopting(edge)
    }

    /// The coordinator has another size than was thought.
    mutating func conflicted(now: Duration, chance: Double) {
        unsure = nil
        phase = .unknown
        // Once is usual after a lost answer; again and again it is not.
        let wait = backoff.failed(chance: chance)
        if backoff.failures > 1 { pause = now + wait }
    }

    /// An upload went out and no answer came that says what became of it.
    mutating func lost(to size: UInt64, now: Duration, chance: Double) {
        unsure = size
        isAskedFor = false
        pause = now + backoff.failed(chance: chance)
    }

    /// The coordinator takes nothing for now.
    ///
    /// - Parameters:
    ///   - size: Of the upload that it did not take; nil for a question.
    ///   - wait: How long it wants to be left alone, if it says so.
    ///   - now: The time.
    ///   - chance: Between 0 and 1: of many machines that are asked for the same, not all come back at once.
    mutating func deferred(to size: UInt64?, wait: Duration?, now: Duration, chance: Double) {
        if let size { unsure = size }
        deferredSince = deferredSince ?? now
        let asked = wait ?? .zero
        pause = now + max(backoff.failed(chance: chance), asked + asked / 4 * min(max(chance, 0), 1))
        isAskedFor = true
    }

    /// Something else did not work, and nothing was sent, or only a question.
    mutating func failed(now: Duration, chance: Double) {
        isAskedFor = false
        pause = now + backoff.failed(chance: chance)
    }

    mutating func halt(_ why: Halt, now: Duration) {
        phase = .halted(why)
        unsure = nil
        pause = now + Self.rest
    }

    /// The folder may have gone back in time while this process slept in it: nothing is signed before the coordinator
    /// was asked.
    mutating func doubt() {
        switch phase {
        case .halted: break
        case .unknown, .comparing, .adopting, .behind, .ready:
            phase = .unknown
            unsure = nil
        }
    }

    /// A user asks for the state of the upload: it is asked for again, whatever came of it before.
    mutating func lookAgain() {
        pause = nil
        if halt != nil { phase = .unknown }
    }

    /// There is reason to think that it works now.
    mutating func retry() {
        switch halt {
        case nil: if !isAskedFor { pause = nil }
        // Anybody on the way can have said it: the next answer says whether the coordinator does.
        case .refused: lookAgain()
        case .forked, .rejected, .lost: break
        }
    }
}
