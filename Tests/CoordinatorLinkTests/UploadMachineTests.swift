import AgentState
import Testing
import TransparencyLog

@testable import CoordinatorLink

@Suite("What is uploaded when")
struct UploadMachineTests {
    private var machine = UploadMachine(edge: MerkleFrontier())

    init() { machine.known(MerkleFrontier(), recorded: 0, now: .zero) }

    @Test("The first record ends a wait, then a full upload or a second does")
    mutating func waits() {
        #expect(machine.next(now: .zero, durable: 0, isUrgent: false) == .wait(until: nil))
        #expect(machine.awaited == 1)
        #expect(machine.next(now: .seconds(5), durable: 1, isUrgent: false) == .wait(until: .seconds(6)))
        #expect(machine.awaited == UploadMachine.batch)
        let full = UploadMachine.Action.upload(from: MerkleFrontier(), to: UploadMachine.batch)
        #expect(machine.next(now: .seconds(5), durable: UploadMachine.batch + 9, isUrgent: false) == full)
        #expect(machine.next(now: .seconds(6), durable: 2, isUrgent: false) == .upload(from: MerkleFrontier(), to: 2))
    }

    @Test("While it has to wait for the coordinator, no number of records ends that")
    mutating func pauses() {
        machine.deferred(to: nil, wait: .seconds(10), now: .zero, chance: 0)
        #expect(machine.next(now: .zero, durable: 9000, isUrgent: true) == .wait(until: .seconds(10)))
        #expect(machine.awaited == .max)
    }
}
