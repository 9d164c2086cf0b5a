import Foundation
import Synchronization
import Testing

@testable import Spool

@Suite("The signal of a thread")
struct ThreadSignalTests {
    @Test("A wait ends with its time, not before, and says nothing to the next")
    func time() {
        let signal = ThreadSignal()
        for _ in 0..<3 {
            let start = ContinuousClock.now
            signal.wait(atMost: .milliseconds(30))
            #expect(ContinuousClock.now - start >= .milliseconds(29))
        }
    }

    @Test("What was signalled before the wait ends it at once, and once")
    func before() {
        let signal = ThreadSignal()
        signal.signal()
        signal.signal()
        let start = ContinuousClock.now
        signal.wait()
        signal.wait(atMost: .milliseconds(30))
        #expect(ContinuousClock.now - start >= .milliseconds(29))
    }

    @Test("A thread that waits is woken, however long it wanted to wait")
    func wakes() {
        let (signal, answer) = (ThreadSignal(), ThreadSignal())
        let rounds = Atomic(0)
        Thread.detachNewThread {
            for _ in 0..<1000 {
                signal.wait(atMost: .seconds(600))
                rounds.add(1, ordering: .relaxed)
                answer.signal()
            }
        }
        for _ in 0..<1000 {
            signal.signal()
            answer.wait(atMost: .seconds(10))
        }
        #expect(rounds.load(ordering: .relaxed) == 1000)
    }
}
