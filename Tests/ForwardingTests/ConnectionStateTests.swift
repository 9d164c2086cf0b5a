import Testing

@testable import Forwarding

@Suite("What a connection may do, and until when")
struct ConnectionStateTests {
    private static let second: Int64 = 1_000_000_000
    private static let start: Int64 = 100 * second

    private func opened() -> ClientConnection.StateMachine {
        let bounds = ClientConnection.StateMachine.Bounds(
            head: 10 * Self.second,
            body: 30 * Self.second,
            reader: 60 * Self.second
        )
        var state = ClientConnection.StateMachine(bounds, now: Self.start)
        state.opened()
        return state
    }

    /// What becomes of it at its deadline; nil where it comes too early or has no deadline.
    private func overdue(_ state: inout ClientConnection.StateMachine, isRequestBegun: Bool = false)
        -> ClientConnection.StateMachine.Overdue?
    {
        guard state.deadline < .max else { return nil }
        return state.deadlinePassed(state.deadline, isRequestBegun: isRequestBegun)
    }

    // MARK: Slow senders

    @Test("A head has its time from its first byte on, however many bytes come meanwhile")
    func head() {
        var state = opened()
        for moment in stride(from: Self.start, to: Self.start + 10 * Self.second, by: 20_000_000) {
            state.wait(for: .head, moment)
            #expect(state.deadline == Self.start + 10 * Self.second)
        }
        let action = overdue(&state, isRequestBegun: true)
        #expect(action == .refuseRequest)
    }

    @Test("The time of a head is not counted for the next one")
    func nextHead() {
        var state = opened()
        state.wait(for: .head, Self.start)
        state.requestTaken(Self.start + Self.second)
        #expect(state.deadline == .max)
        let isAnswered = state.answered(Self.start + 20 * Self.second)
        #expect(isAnswered)
        state.wait(for: .head, Self.start + 20 * Self.second)
        #expect(state.deadline == Self.start + 30 * Self.second)
    }

    @Test("A body may take any time, and rest for so long only")
    func body() {
        var state = opened()
        for step in 0..<1000 as Range<Int64> {
            let moment = Self.start + step * 29 * Self.second
            state.wait(for: .body, moment)
            #expect(state.deadline == moment + 30 * Self.second)
        }
        let action = overdue(&state, isRequestBegun: true)
        #expect(action == .refuseRequest)
    }

    @Test("A connection that rests between two requests rests for as long as it likes")
    func rest() {
        var state = opened()
        state.wait(for: .request(isDraining: false), Self.start)
        #expect(state.deadline == .max)
    }

    @Test("The rest of an answer that the client has long had may take a moment")
    func draining() {
        var state = opened()
        state.wait(for: .request(isDraining: true), Self.start)
        #expect(state.deadline == Self.start + 5 * Self.second)
        let action = overdue(&state)
        #expect(action == .stopDraining)
        #expect(state.deadline == .max)
    }

    // MARK: Slow readers

    @Test("A client that does not read what it was sent has a minute, whatever else there is to wait for")
    func reader() {
        var state = opened()
        state.requestTaken(Self.start)
        state.wait(until: Self.start + 3600 * Self.second)
        state.writable(false, Self.start)
        #expect(!state.isWritable)
        #expect(state.deadline == Self.start + 60 * Self.second)
        // That a server has been silent meanwhile is no reason to close it earlier.
        state.wait(until: .max)
        let action = overdue(&state)
        #expect(action == .close)
    }

    @Test("A client that reads on is waited for as before")
    func readsOn() {
        var state = opened()
        state.requestTaken(Self.start)
        state.wait(until: Self.start + 90 * Self.second)
        state.writable(false, Self.start)
        state.writable(true, Self.start + 59 * Self.second)
        #expect(state.deadline == Self.start + 90 * Self.second)
        let action = overdue(&state)
        #expect(action == .call)
    }

    @Test("A server that was silent while its client did not read is no reason to close the connection")
    func silence() {
        var state = opened()
        state.requestTaken(Self.start)
        state.wait(until: Self.start + 10 * Self.second)
        state.writable(false, Self.start + Self.second)
        let first = overdue(&state)
        #expect(first == .call)
        let second = overdue(&state)
        #expect(second == .close)
    }

    // MARK: Many requests at once

    @Test("While one request is answered, so much is read of the next ones and no more")
    func pipelining() {
        let most = ClientConnection.StateMachine.mostPipelined
        var state = opened()
        #expect(!state.isTooMuch(100 * most))
        state.requestTaken(Self.start)
        #expect(!state.isTooMuch(most))
        #expect(state.isTooMuch(most + 1))
        var isChange = state.holdReading(true)
        #expect(isChange)
        isChange = state.holdReading(true)
        #expect(!isChange)
        let isAnswered = state.answered(Self.start)
        #expect(isAnswered)
        #expect(!state.isTooMuch(most + 1))
        isChange = state.holdReading(false)
        #expect(isChange)
    }

    @Test("Nothing more is read of a client that does not read")
    func pipeliningUnread() {
        var state = opened()
        state.writable(false, Self.start)
        #expect(state.isTooMuch(ClientConnection.StateMachine.mostPipelined + 1))
    }

    @Test("What is read in one turn of the loop is looked at once")
    func turns() {
        var state = opened()
        var isFirst = state.received()
        #expect(isFirst)
        isFirst = state.received()
        #expect(!isFirst)
        var isDue = state.takeJudging()
        #expect(isDue)
        isDue = state.takeJudging()
        #expect(!isDue)
        isFirst = state.received()
        #expect(isFirst)
    }

    @Test("An answer that is given at once does not begin the next request within the one before")
    func reentrance() {
        var state = opened()
        var isBegun = state.beginProcessing()
        #expect(isBegun)
        state.requestTaken(Self.start)
        let isAnswered = state.answered(Self.start)
        #expect(isAnswered)
        isBegun = state.beginProcessing()
        #expect(!isBegun)
        state.endProcessing()
        isBegun = state.beginProcessing()
        #expect(isBegun)
    }

    // MARK: Beginning and end

    @Test("Before the peer is known, and after the last answer, no byte is looked at")
    func phases() {
        let bounds = ClientConnection.StateMachine.Bounds(head: 1, body: 1, reader: 1)
        var state = ClientConnection.StateMachine(bounds, now: Self.start)
        #expect(!state.takesBytes)
        state.opened()
        #expect(state.takesBytes)
        state.requestTaken(Self.start)
        #expect(state.takesBytes)
        state.ends(Self.start)
        #expect(!state.takesBytes)
        state.closed()
        #expect(!state.takesBytes)
    }

    @Test("The last answer may be read for two seconds, and no request follows it")
    func lastAnswer() {
        var state = opened()
        state.refusedEarly()
        state.ends(Self.start)
        #expect(state.deadline == Self.start + 2 * Self.second)
        let isAnswered = state.answered(Self.start)
        #expect(!isAnswered)
        let action = overdue(&state)
        #expect(action == .close)
    }

    @Test("A connection that has ended waits for nothing")
    func ended() {
        var state = opened()
        state.wait(for: .head, Self.start)
        state.closed()
        let first = overdue(&state)
        #expect(first == .nothing)
        let second = overdue(&state)
        #expect(second == nil)
    }
}
