import Synchronization

/// A clock that goes on when a test says so, and wakes at once whoever sleeps by it.
package final class TestClock: Clock {
    /// A time of this clock, since it was made.
    package struct Instant: InstantProtocol {
        package let sinceStart: Duration

        package func advanced(by duration: Duration) -> Instant { Instant(sinceStart: sinceStart + duration) }

        package func duration(to other: Instant) -> Duration { other.sinceStart - sinceStart }

        package static func < (one: Instant, other: Instant) -> Bool { one.sinceStart < other.sinceStart }
    }

    private struct Sleeper {
        let number: Int
        let end: Instant
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var now = Instant(sinceStart: .zero)
        var number = 0
        var sleepers: [Sleeper] = []
        var cancelled: Set<Int> = []
        /// Tests that wait for sleepers, with how many they wait for.
        var watchers: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    /// What a task that wants to sleep gets at once, if anything, and the tests that waited for it to sleep.
    private typealias Step = (outcome: Result<Void, any Error>?, watchers: [CheckedContinuation<Void, Never>])

    private let state = Mutex(State())

    /// A clock at its start.
    package init() {}

    package var now: Instant { state.withLock { $0.now } }

    package var minimumResolution: Duration { .nanoseconds(1) }

    package func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        let number = state.withLock { state in
            state.number += 1
            return state.number
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let (outcome, watchers) = state.withLock { state -> Step in
                    if state.cancelled.remove(number) != nil { return (.failure(CancellationError()), []) }
                    guard deadline > state.now else { return (.success(()), []) }
                    state.sleepers.append(Sleeper(number: number, end: deadline, continuation: continuation))
                    let watching = state.watchers
                    state.watchers = watching.filter { $0.count > state.sleepers.count }
                    return (nil, watching.filter { $0.count <= state.sleepers.count }.map(\.continuation))
                }
                if let outcome { continuation.resume(with: outcome) }
                for watcher in watchers { watcher.resume() }
            }
        } onCancel: {
            let sleeper = state.withLock { state -> Sleeper? in
                guard let index = state.sleepers.firstIndex(where: { $0.number == number }) else {
                    state.cancelled.insert(number)
                    return nil
                }
                return state.sleepers.remove(at: index)
            }
            sleeper?.continuation.resume(throwing: CancellationError())
        }
    }

    /// Lets time pass, and wakes those whose time has come in their order.
    package func advance(by duration: Duration) {
        let woken = state.withLock { state in
            state.now = state.now.advanced(by: duration)
            let now = state.now
            defer { state.sleepers.removeAll { $0.end <= now } }
            return state.sleepers.filter { $0.end <= now }.sorted { $0.end < $1.end }
        }
        for sleeper in woken { sleeper.continuation.resume() }
    }

    /// Waits until so many tasks sleep by this clock.
    package func sleeps(_ count: Int = 1) async {
        await withCheckedContinuation { continuation in
            let isSo = state.withLock { state in
                guard state.sleepers.count < count else { return true }
                state.watchers.append((count, continuation))
                return false
            }
            if isSo { continuation.resume() }
        }
    }
}
