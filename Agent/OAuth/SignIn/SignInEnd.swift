internal import Synchronization

/// How a sign-in ended, for all who wait for it: each may stop waiting, and nothing of it is left behind.
final class SignInEnd: Sendable {
    private typealias Waiting = CheckedContinuation<Result<Void, OAuthError>?, Never>

    private struct State {
        var result: Result<Void, OAuthError>?
        var last = 0
        var waiting: [Int: Waiting] = [:]
        /// Those who stopped waiting before they began.
        var gone: Set<Int> = []
    }

    private let state = Mutex(State())

    func set(_ result: Result<Void, OAuthError>) {
        let waiting = state.withLock { state in
            state.result = result
            defer { state.waiting = [:] }
            return state.waiting.values
        }
        for each in waiting { each.resume(returning: result) }
    }

    /// The end; nil where the task that waits was cancelled before.
    func wait() async -> Result<Void, OAuthError>? {
        let number = state.withLock { state in
            state.last += 1
            return state.last
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: Waiting) in
                let known: Result<Void, OAuthError>?? = state.withLock { state in
                    if let result = state.result { return .some(result) }
                    if state.gone.remove(number) != nil { return .some(nil) }
                    state.waiting[number] = continuation
                    return nil
                }
                if let known { continuation.resume(returning: known) }
            }
        } onCancel: {
            let waiting = state.withLock { state -> Waiting? in
                guard state.result == nil else { return nil }
                let waiting = state.waiting.removeValue(forKey: number)
                if waiting == nil { state.gone.insert(number) }
                return waiting
            }
            waiting?.resume(returning: nil)
        }
    }
}
