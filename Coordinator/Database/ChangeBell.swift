internal import Synchronization

/// Tells everyone who waits that something which agents are told about has changed.
package final class ChangeBell: Sendable {
    private struct State {
        var strokes = 0
        var isClosed = false
        var nextWaiter = 0
        var waiting: [Int: CheckedContinuation<Void, Never>] = [:]
    }

    private let state = Mutex(State())

    /// A bell that nobody waits for yet.
    package init() {}

    /// How often it has rung.
    ///
    /// Read it before looking, so that a change after the look is not missed.
    package var strokes: Int { state.withLock { $0.strokes } }

    /// Wakes everyone.
    package func ring() {
        wake { $0.strokes += 1 }
    }

    /// Wakes everyone for good: nobody waits any more.
    ///
    /// For the end of the program.
    package func close() {
        wake { $0.isClosed = true }
    }

    /// Waits until the bell has rung more often than `strokes`, it is closed, or the task is cancelled.
    package func wait(after strokes: Int) async {
        let waiter = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    // Looked at again under the lock: it may have rung, or the task been cancelled, since.
                    guard state.strokes == strokes, !state.isClosed, !Task.isCancelled else { return true }
                    state.waiting[waiter] = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiting.removeValue(forKey: waiter) }?.resume()
        }
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
