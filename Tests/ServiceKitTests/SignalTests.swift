import ServiceKit
import Testing

@Suite("A signal")
struct SignalTests {
    @Test("It wakes everyone who waits, and who had not seen it yet")
    func wakes() async {
        let signal = Signal()
        let before = signal.version
        signal.notify()
        #expect(await signal.wait(after: before, atMost: .seconds(100)) == before + 1)
        let waiting = (0..<3).map { _ in Task { await signal.wait(after: before + 1, atMost: .seconds(100)) } }
        signal.notify()
        for waiter in waiting { #expect(await waiter.value == before + 2) }
    }

    @Test("A wait ends with its time, with its task and with the signal")
    func ends() async {
        let signal = Signal()
        let start = ContinuousClock.now
        #expect(await signal.wait(after: 0, atMost: .milliseconds(30)) == 0)
        #expect(ContinuousClock.now - start >= .milliseconds(25))
        let cancelled = Task { await signal.wait(after: 0) }
        cancelled.cancel()
        await cancelled.value
        let waiting = Task { await signal.wait(after: 0) }
        signal.close()
        await waiting.value
        await signal.wait(after: 0)
    }
}
