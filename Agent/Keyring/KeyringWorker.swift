internal import CLibSecret
internal import Dispatch
internal import Glibc
internal import Synchronization

/// The one thread on which the keyring is spoken to, with a deadline around every conversation.
///
/// A call waits for an answer as long as the keyring likes. A conversation that lasts too long is cancelled, which GLib
/// and libsecret notice nearly everywhere. Where it does not, the caller is told in time all the same, the thread is left to
/// itself and another one takes its place; when too many hang, callers are told at once.
final class KeyringWorker: Sendable {
    /// What a conversation came to, or why there was none.
    struct Outcome<Value: Sendable>: Sendable {
        let value: Value?
        /// A message that is safe to show; empty where there is a value.
        let failure: String
    }

    private struct State {
        var lane = Lane()
        /// Threads that hang.
        var abandoned = 0
    }

    private static let mostAbandoned = 3
    /// How long after its deadline a conversation may take to notice.
    private static let grace = 0.5
    private static let noFiles = "too many files are open to ask it"
    /// As many files as a conversation opens at once, and some that others may open meanwhile.
    private static let fewFiles = 16

    private let state = Mutex(State())
    private let line: KeyringLine
    private let deadline: Duration

    /// A worker whose conversations end after `deadline`, the time that they wait for others included.
    init(_ line: KeyringLine = KeyringLine(), deadline: Duration) {
        self.line = line
        self.deadline = deadline
    }

    /// Runs a conversation on the worker's thread.
    ///
    /// - Parameter body: speaks to the keyring.
    /// - Returns: what `body` returned, or why it could not be asked.
    func run<Value: Sendable>(_ body: @escaping @Sendable (KeyringSession) -> Value) async -> Outcome<Value> {
        guard let lane = usableLane() else { return Outcome(value: nil, failure: KeyringFailure.silence) }
        let turn = Turn()
        return await withCheckedContinuation { continuation in
            let once = Once(continuation)
            lane.queue.async { [self] in
                // The callers that waited in vain for those before have gone.
                guard turn.begin() else { return }
                once.resume(converse(turn, body))
                if turn.end() { state.withLock { $0.abandoned -= 1 } }
            }
            let timer = DispatchQueue.global()
            timer.asyncAfter(deadline: .now() + deadline.seconds) { turn.cancel() }
            timer.asyncAfter(deadline: .now() + deadline.seconds + Self.grace) { [self] in
                if turn.abandon() { leave(lane) }
                once.resume(Outcome(value: nil, failure: KeyringFailure.silence))
            }
        }
    }

    private func usableLane() -> Lane? {
        state.withLock { $0.abandoned > Self.mostAbandoned ? nil : $0.lane }
    }

    /// Gives up a thread that hangs in spite of being cancelled.
    private func leave(_ lane: Lane) {
        state.withLock { state in
            state.abandoned += 1
            if state.lane === lane { state.lane = Lane() }
        }
    }

    private func converse<Value>(_ turn: Turn, _ body: (KeyringSession) -> Value) -> Outcome<Value> {
        guard Self.hasRoomForFiles() else { return Outcome(value: nil, failure: Self.noFiles) }
        do throws(KeyringFailure) {
            var link = try line.link(turn.cancellable)
            var value = body(KeyringSession(link: link, cancellable: turn.cancellable))
            for _ in 0..<2 where link.isStale && !turn.isCancelled {
                // Again, from the beginning and with another session.
                line.drop(link)
                link = try line.link(turn.cancellable)
                value = body(KeyringSession(link: link, cancellable: turn.cancellable))
            }
            // A keyring that hung, or lost this session, may answer on a new one.
            if turn.isCancelled || link.isDoubtful { line.drop(link) }
            return Outcome(value: value, failure: "")
        } catch {
            return Outcome(value: nil, failure: error.words)
        }
    }

    /// Whether a few files can be opened: GLib ends the whole process where it cannot make a pipe for its own loop.
    private static func hasRoomForFiles() -> Bool {
        var opened: [Int32] = []
        defer { for each in opened { close(each) } }
        for _ in 0..<fewFiles {
            let file = open("/dev/null", O_RDONLY | O_CLOEXEC)
            guard file >= 0 else { return false }
            opened.append(file)
        }
        return true
    }

    /// A queue that has one thread at a time; of no class of service, since an ordinary user may not raise a thread's and
    /// libdispatch would write that into the system's log.
    private final class Lane: Sendable {
        let queue = DispatchQueue(label: "doorward.keyring")
    }

    /// A continuation that the first of two resumes.
    private final class Once<Value: Sendable>: Sendable {
        private let continuation: Mutex<CheckedContinuation<Outcome<Value>, Never>?>

        init(_ continuation: CheckedContinuation<Outcome<Value>, Never>) {
            self.continuation = Mutex(continuation)
        }

        func resume(_ outcome: Outcome<Value>) {
            let continuation = continuation.withLock { continuation in
                defer { continuation = nil }
                return continuation
            }
            continuation?.resume(returning: outcome)
        }
    }
}

/// The life of one conversation, which another thread may end.
///
/// Unchecked: `GCancellable` is made to be cancelled from any thread, its pointer never changes, and the rest is guarded by
/// `phase`.
private final class Turn: @unchecked Sendable {
    private enum Phase {
        case waiting, running, abandoned, over
    }

    let cancellable: UnsafeMutablePointer<GCancellable>
    private let phase = Mutex(Phase.waiting)

    init() {
        guard let cancellable = g_cancellable_new() else { fatalError("out of memory") }
        self.cancellable = cancellable
    }

    deinit { dw_unref(cancellable) }

    func cancel() { g_cancellable_cancel(cancellable) }

    var isCancelled: Bool { g_cancellable_is_cancelled(cancellable) != 0 }

    /// Whether a caller still waits for the answer.
    func begin() -> Bool {
        phase.withLock { phase in
            guard phase == .waiting, g_cancellable_is_cancelled(cancellable) == 0 else {
                phase = .over
                return false
            }
            phase = .running
            return true
        }
    }

    /// Whether it was abandoned before it ended.
    func end() -> Bool {
        phase.withLock { phase in
            defer { phase = .over }
            return phase == .abandoned
        }
    }

    /// Whether it is running and has to be left to itself.
    func abandon() -> Bool {
        phase.withLock { phase in
            let isRunning = phase == .running
            phase = isRunning ? .abandoned : .over
            return isRunning
        }
    }
}

extension Duration {
    fileprivate var seconds: Double {
        let parts = components
        return Double(parts.seconds) + Double(parts.attoseconds) / 1e18
    }
}
