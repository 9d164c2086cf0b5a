import NIOCore
import Testing

@testable import StdioShim

@Suite("What becomes of a request without an answer")
struct RequestMachineTests {
    private static let call = RequestMachine.Kind(isRepeatable: false, isListening: false, isModern: false)
    private static let list = RequestMachine.Kind(isRepeatable: true, isListening: false, isModern: false)
    private static let modernCall = RequestMachine.Kind(isRepeatable: false, isListening: false, isModern: true)
    private static let listening = RequestMachine.Kind(isRepeatable: true, isListening: true, isModern: true)
    private let event = Array("7".utf8)

    private func failed(
        _ machine: inout RequestMachine,
        isSent: Bool,
        lastEvent: [UInt8]? = nil,
        at seconds: Int64 = 0
    ) -> RequestMachine.Step {
        machine.failed(
            isSent: isSent,
            lastEvent: lastEvent,
            now: .uptimeNanoseconds(UInt64(seconds) * 1_000_000_000),
            patience: .seconds(10)
        )
    }

    private func answer(_ status: Int, isStream: Bool = false, lastEvent: [UInt8]? = nil) -> AgentRequest.Answer {
        AgentRequest.Answer(status: status, isStream: isStream, lastEvent: lastEvent)
    }

    @Test("A call that may have been heard is never sent again")
    func once() {
        for kind in [Self.call, Self.modernCall] {
            var machine = RequestMachine(kind)
            #expect(failed(&machine, isSent: true) == .fail(.lost))
            machine = RequestMachine(kind)
            #expect(machine.ended(answer(200, isStream: true), hasSession: true) == .fail(.lost))
            machine = RequestMachine(kind)
            #expect(machine.stopped() == nil)
        }
        // At 2026-07-28 there is no event to go on behind.
        var machine = RequestMachine(Self.modernCall)
        #expect(failed(&machine, isSent: true, lastEvent: event) == .fail(.lost))
    }

    @Test("A list is asked for again, and not without end")
    func again() {
        var machine = RequestMachine(Self.list)
        for _ in 0..<3 {
            guard case .send = failed(&machine, isSent: true) else {
                Issue.record("it must be sent again")
                return
            }
        }
        #expect(failed(&machine, isSent: true) == .fail(.lost))
    }

    @Test("What has not left waits for the agent, as long as its patience lasts")
    func patience() {
        var machine = RequestMachine(Self.call)
        for second in 0..<10 {
            guard case .send = failed(&machine, isSent: false, at: Int64(second)) else {
                Issue.record("it must wait")
                return
            }
        }
        #expect(failed(&machine, isSent: false, at: 10) == .fail(.noAgent))
        // The next outage is another one.
        machine.reached()
        guard case .send = failed(&machine, isSent: false, at: 11) else {
            Issue.record("it must wait")
            return
        }
    }

    @Test("A stream of the handshake era is taken up behind its last event, also by a call")
    func resumption() {
        var machine = RequestMachine(Self.call)
        guard case .resume = failed(&machine, isSent: true, lastEvent: event) else {
            Issue.record("it must be taken up again")
            return
        }
        #expect(machine.isResuming)
        // An agent that does not know the stream any more has nothing to say, and the call is not repeated.
        #expect(machine.ended(answer(400), hasSession: true) == .fail(.lost))
        machine = RequestMachine(Self.call)
        _ = failed(&machine, isSent: true, lastEvent: event)
        #expect(machine.ended(answer(404), hasSession: true) == .fail(.lost))
    }

    @Test("A stream that breaks off at the same event again and again is given up")
    func noProgress() {
        var machine = RequestMachine(Self.call)
        for _ in 0..<5 {
            guard case .resume = machine.ended(answer(200, isStream: true, lastEvent: event), hasSession: true) else {
                Issue.record("it must be taken up again")
                return
            }
        }
        #expect(machine.ended(answer(200, isStream: true, lastEvent: event), hasSession: true) == .fail(.lost))
    }

    @Test("A session that is not known is begun anew, twice at most, and the request sent then")
    func renewal() {
        var machine = RequestMachine(Self.call)
        #expect(machine.ended(answer(404), hasSession: true) == .renewSession)
        #expect(machine.ended(answer(404), hasSession: true) == .renewSession)
        #expect(machine.ended(answer(404), hasSession: true) == .fail(.silent(status: 404)))
        machine = RequestMachine(Self.call)
        #expect(machine.ended(answer(404), hasSession: false) == .fail(.silent(status: 404)))
        machine = RequestMachine(Self.modernCall)
        #expect(machine.ended(answer(404), hasSession: true) == .fail(.silent(status: 404)))
    }

    @Test("A subscription goes on for as long as its client listens")
    func listening() {
        var machine = RequestMachine(Self.listening)
        for second in 0..<100 {
            guard case .send = failed(&machine, isSent: second % 2 == 0, at: Int64(second * 10)) else {
                Issue.record("it must be sent again")
                return
            }
        }
    }
}
