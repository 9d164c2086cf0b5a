internal import Synchronization

/// Admits one caller at a time to what belongs to a server: its item in the keyring, its intent.
///
/// In the order of arrival. The caller that is admitted has deadlines of its own, so no caller waits without end.
final class KeyedMutex: Sendable {
    /// Who waits for each name; a name that is there is taken.
    private let queues = Mutex<[String: [CheckedContinuation<Void, Never>]]>([:])

    /// Runs `body` when no other caller is at `name`.
    func pass<Value: Sendable>(_ name: String, _ body: () async throws -> Value) async rethrows -> Value {
        await enter(name)
        defer { leave(name) }
        return try await body()
    }

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
