internal import Synchronization

/// Wakes tasks that wait for something to happen, and counts how often it has.
///
/// A waiting task names the version that it saw last, so what happens between a look and the wait is not missed.
package final class Signal: Sendable {
    private struct State {
        var version = 0
        var isClosed = false
        var nextWaiter = 0
        var waiting: [Int: CheckedContinuation<Void, Never>] = [:]
    }

    private let state = Mutex(State())

    /// A signal that no task waits for yet.
    package init() {}

    /// How often it was given.
    ///
    /// Read it before looking, so that a change after the look is not missed.
    package var version: Int { state.withLock { $0.version } }

    /// Wakes everyone.
    package func notify() {
        wake { $0.version += 1 }
    }

    /// Wakes all tasks for good: no task waits any more.
    ///
    /// For the end of the program.
    package func close() {
        wake { $0.isClosed = true }
    }

    /// Waits until the version differs from the one named, the signal is closed, or the task is cancelled.
    package func wait(after version: Int) async {
        let waiter = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    // Looked at again under the lock: it may have been given, or the task been cancelled, since.
                    guard state.version == version, !state.isClosed, !Task.isCancelled else { return true }
                    state.waiting[waiter] = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiting.removeValue(forKey: waiter) }?.resume()
        }
    }

    /// The same, and no longer than `time`.
    ///
    /// - Returns: the version by then, to wait after next.
    @discardableResult
    package func wait(after version: Int, atMost time: Duration) async -> Int {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await Task.sleep(for: time) }
            group.addTask { await self.wait(after: version) }
            await group.next()
            group.cancelAll()
        }
        return self.version
    }

    private func wake(_ change: (inout sending State) -> Void) {
        let waiting = state.withLock { state in
            change(&state)
            defer { state.waiting = [:] }
            return Array(state.waiting.values)
        }
        for continuation in waiting { continuation.resume() }
    }
}
