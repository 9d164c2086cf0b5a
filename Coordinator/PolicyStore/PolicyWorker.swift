internal import Dispatch

/// Where files are read and tested: one at a time, on a thread of its own.
///
/// A large file takes a while. Among the threads that answer requests, one for each processor, a few of them would hold
/// up everything else.
final class PolicyWorker: Sendable {
    private let queue = DispatchQueue(label: "doorward.policy")

    /// Does `body` when its turn comes.
    func work<Answer: Sendable>(_ body: @escaping @Sendable () -> Answer) async -> Answer {
        await withCheckedContinuation { continuation in
            queue.async { continuation.resume(returning: body()) }
        }
    }
}
