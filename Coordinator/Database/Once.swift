internal import Synchronization

/// Carries the answer of a change from the writer's thread to the task that waits for its commit.
final class Once<Answer: Sendable>: Sendable {
    private let answer = Mutex<Answer?>(nil)

    func set(_ value: Answer) {
        answer.withLock { $0 = value }
    }

    func result(_ failure: (any Error)?) -> Result<Answer, any Error> {
        if let failure { return .failure(failure) }
        guard let answer = answer.withLock({ $0 }) else {
            preconditionFailure("A change without a failure has run to its end.")
        }
        return .success(answer)
    }
}
