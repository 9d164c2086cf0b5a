internal import CLibSecret
internal import Dispatch
internal import Synchronization

/// The one thread on which the keyring is spoken to, with a deadline around every conversation.
///
/// libsecret waits for an answer as long as the keyring likes. A conversation that lasts too long is cancelled, which
/// libsecret notices; should the thread hang all the same, callers are told in time and do not wait behind it.
final class KeyringWorker: Sendable {
    /// What a conversation came to, or why there was none.
    struct Outcome<Value: Sendable>: Sendable {
        let value: Value?
        /// In words that are safe to show; empty where there is a value.
        let failure: String
    }

    private let queue = DispatchQueue(label: "doorward.keyring", qos: .userInitiated)
    private let deadline: Duration

    init(deadline: Duration) {
        self.deadline = deadline
    }

    /// Runs a conversation.
    ///
    /// - Parameters:
    ///   - time: how long it may take, from now on, waiting for others included; the worker's own deadline without it.
    ///   - body: speaks to the keyring, on the worker's thread.
    /// - Returns: what `body` returned, or why it could not be asked.
    func run<Value: Sendable>(
        within time: Duration? = nil,
        _ body: @escaping @Sendable (KeyringSession) -> Value
    ) async -> Outcome<Value> {
        let time = time ?? deadline
        let cancellation = Cancellation()
        return await withCheckedContinuation { continuation in
            let once = Once(continuation)
            queue.async {
                // Whoever waited in vain for those before has gone.
                guard !cancellation.isCancelled else { return }
                once.resume(Self.converse(cancellation, body))
            }
            let timer = DispatchQueue.global()
            timer.asyncAfter(deadline: .now() + time.seconds) { cancellation.cancel() }
            // What is cancelled ends at once, unless the thread hangs.
            timer.asyncAfter(deadline: .now() + time.seconds + 0.5) {
                once.resume(Outcome(value: nil, failure: "it does not answer"))
            }
        }
    }

    private static func converse<Value>(
        _ cancellation: Cancellation,
        _ body: (KeyringSession) -> Value
    ) -> Outcome<Value> {
        var error: UnsafeMutablePointer<GError>?
        guard let connection = dw_connect(cancellation.handle, &error) else {
            return Outcome(value: nil, failure: KeyringSession.take(error)?.words ?? "there is no session bus")
        }
        defer { dw_disconnect(connection) }
        guard let service = dw_open(connection, cancellation.handle, &error) else {
            return Outcome(value: nil, failure: KeyringSession.take(error)?.words ?? "there is no keyring")
        }
        defer { dw_unref(service) }
        return Outcome(value: body(KeyringSession(service: service, cancellable: cancellation.handle)), failure: "")
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

/// Ends a conversation from another thread.
///
/// Unchecked: `GCancellable` is made to be cancelled from any thread, and the pointer never changes.
private final class Cancellation: @unchecked Sendable {
    let handle: UnsafeMutablePointer<GCancellable>

    init() {
        guard let handle = g_cancellable_new() else { fatalError("out of memory") }
        self.handle = handle
    }

    deinit { dw_unref(handle) }

    func cancel() { g_cancellable_cancel(handle) }

    var isCancelled: Bool { g_cancellable_is_cancelled(handle) != 0 }
}

extension Duration {
    fileprivate var seconds: Double {
        let parts = components
        return Double(parts.seconds) + Double(parts.attoseconds) / 1e18
    }
}
