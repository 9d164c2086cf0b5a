internal import Synchronization

/// Admits one caller at a time to each name, in the order of arrival.
///
/// Its holder may suspend. It has no deadline, and a task that waits here is not woken when it is cancelled: who holds it
/// has deadlines of its own, so no caller waits without end. It cannot be taken twice by the same caller.
package final class KeyedMutex: Sendable {
    /// Who waits for each name; a name that is there is taken.
    private let queues = Mutex<[String: [CheckedContinuation<Void, Never>]]>([:])

    /// No name is taken.
    package init() {}

    /// Runs `body` when no other caller is at `name`.
    package func withLock<Value: Sendable>(_ name: String, _ body: () async throws -> Value) async rethrows -> Value {
        await enter(name)
        defer { leave(name) }
        return try await body()
    }

    /// How many wait for a name.
    func waiting(_ name: String) -> Int { queues.withLock { $0[name]?.count ?? 0 } }

    private func enter(_ name: String) async {
        await withCheckedContinuation { continuation in
            let isFree = queues.withLock { queues in
                guard queues[name] != nil else {
                    queues[name] = []
                    return true
                }
                queues[name]?.append(continuation)
                return false
            }
            if isFree { continuation.resume() }
        }
    }

    private func leave(_ name: String) {
        let next = queues.withLock { queues -> CheckedContinuation<Void, Never>? in
            guard let queue = queues[name], !queue.isEmpty else {
                queues[name] = nil
                return nil
            }
            return queues[name]?.removeFirst()
        }
        next?.resume()
    }
}
