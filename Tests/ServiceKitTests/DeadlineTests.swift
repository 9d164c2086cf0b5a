import Kits
import Synchronization
import Testing

@testable import ServiceKit

@Suite("Work with a deadline")
struct DeadlineTests {
    /// Work that ends when it is told to, or is cancelled if it heeds that.
    private final class Work: Sendable {
        let signal = Signal()
        let wasCancelled = Mutex(false)

        func run() async -> Int {
            await signal.wait(after: 0)
            if Task.isCancelled { wasCancelled.withLock { $0 = true } }
            return 7
        }
    }

    @Test("Work that is done in time is not cancelled, and nothing sleeps on")
    func inTime() async {
        let (clock, work) = (TestClock(), Work())
        async let answer = Deadline.cancelling(after: .seconds(5), clock: clock) { await work.run() }
        await clock.sleeps()
        work.signal.notify()
        #expect(await answer == 7)
        #expect(!work.wasCancelled.withLock { $0 })
    }

    @Test("Work that is late is cancelled, and waited for")
    func late() async {
        let (clock, work) = (TestClock(), Work())
        async let answer = Deadline.cancelling(after: .seconds(5), clock: clock) { await work.run() }
        await clock.sleeps()
        clock.advance(by: .seconds(5))
        #expect(await answer == 7)
        #expect(work.wasCancelled.withLock { $0 })
    }

    @Test("Work that cannot be made to end is left to itself")
    func left() async {
        let (clock, work) = (TestClock(), Work())
        async let answer = Deadline.leaving(after: .seconds(5), clock: clock) { await work.run() }
        await clock.sleeps()
        clock.advance(by: .seconds(5))
        #expect(await answer == nil)
        #expect(!work.wasCancelled.withLock { $0 })
        work.signal.notify()
    }

    @Test("A caller that is cancelled waits all the same, for no longer than the time")
    func cancelledCaller() async {
        let (clock, work) = (TestClock(), Work())
        let caller = Task { await Deadline.leaving(after: .seconds(5), clock: clock) { await work.run() } }
        caller.cancel()
        await clock.sleeps()
        work.signal.notify()
        #expect(await caller.value == 7)
    }
}

@Suite("Pauses between tries")
struct BackoffTests {
    @Test("They double up to the longest, and begin anew after a success")
    func doubling() {
        var backoff = Backoff(first: .seconds(1), longest: .seconds(5))
        #expect((0..<5).map { _ in backoff.failed(chance: 1) } == [1, 2, 4, 5, 5].map { .seconds($0) })
        #expect(backoff.failures == 5)
        backoff.reset()
        #expect(backoff.failed(chance: 1) == .seconds(1))
    }

    @Test("Chance takes up to half of a pause, whatever it is", arguments: [(-1.0, 1), (0, 1), (0.5, 1.5), (9, 2)])
    func chance(_ chance: Double, _ seconds: Double) {
        #expect(Backoff.spread(.seconds(2), chance: chance) == .seconds(seconds))
    }

    @Test("A thousand failures overflow nothing")
    func many() {
        var backoff = Backoff()
        for _ in 0..<1000 { #expect(backoff.failed(chance: 1) <= .seconds(30)) }
    }
}

@Suite("One at a time for each name")
struct KeyedMutexTests {
    private final class Seen: Sendable {
        private let numbers = Mutex<[Int]>([])

        var all: [Int] { numbers.withLock { $0 } }

        func add(_ number: Int) { numbers.withLock { $0.append(number) } }
    }

    @Test("Callers of one name come in their order, those of another at once")
    func order() async {
        let (mutex, release, holds, seen) = (KeyedMutex(), Signal(), Signal(), Seen())
        @Sendable func first() async {
            await mutex.withLock("a") {
                holds.notify()
                await release.wait(after: 0)
                seen.add(0)
            }
        }
        @Sendable func later(_ number: Int) async {
            await mutex.withLock("a") { seen.add(number) }
        }
        var callers = [Task { await first() }]
        await holds.wait(after: 0)
        for number in 1...3 {
            callers.append(Task { await later(number) })
            while mutex.waiting("a") < number { await Task.yield() }
        }
        await mutex.withLock("b") { seen.add(9) }
        #expect(seen.all == [9])
        release.notify()
        for caller in callers { await caller.value }
        #expect(seen.all == [9, 0, 1, 2, 3])
        #expect(mutex.waiting("a") == 0)
    }

    @Test("A caller that fails lets the next one in")
    func failure() async {
        struct Stop: Error {}
        let mutex = KeyedMutex()
        await #expect(throws: Stop.self) { try await mutex.withLock("a") { throw Stop() } }
        #expect(await mutex.withLock("a") { 1 } == 1)
    }
}
