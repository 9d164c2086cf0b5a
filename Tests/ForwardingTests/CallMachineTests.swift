import AuditLog
import MCP
import StrictJSON
import Testing
import Upstreams
import Wire

@testable import Forwarding

@Suite("The life of a call")
struct CallMachineTests {
    private static let call = CallKind.request(.toolsCall, .modern)
    private static let ready = CredentialState.ready(id: "c", header: Array("Bearer x".utf8))

    private func begun(_ kind: CallKind = call, isStale: Bool = false) -> CallMachine {
        var machine = CallMachine()
        _ = machine.begin(kind, server: "github", isStale: isStale)
        return machine
    }

    private func refusal(_ action: CallAction) -> (code: JSONRPCErrorCode, reason: JSONText, outcome: Outcome.Kind)? {
        guard case .refuse(let refusal, let outcome) = action else { return nil }
        return (refusal.code, refusal.reason, outcome)
    }

    @Test("A JSON answer is judged when it is whole, and the connection let go after it")
    func json() {
        var machine = CallMachine()
        #expect(machine.begin(Self.call, server: "github", isStale: false) == .send)
        #expect(machine.head(ResponseSummary(status: 200, contentType: .json)) == .none)
        #expect(machine.state == .collecting)
        #expect(machine.ended() == .judge)
        machine.abandoned()
        #expect(!machine.isActive)
    }

    @Test("Events: the head waits until there is one, and after the response the rest is drained")
    func events() {
        var machine = begun()
        #expect(machine.head(ResponseSummary(status: 200, contentType: .eventStream)) == .none)
        #expect(machine.state == .events(isCommitted: false))
        machine.committed()
        #expect(machine.state == .events(isCommitted: true))
        machine.answered()
        #expect(machine.state == .draining)
        #expect(!machine.isUnanswered)
        #expect(machine.ended() == .release)
        #expect(machine.state == .idle)
    }

    @Test("Nothing leaves before the begin record is written, and nothing at all if it cannot be")
    func recording() {
        for (isStale, action) in [(false, CallAction.send), (true, .renew(isRejected: false))] {
            var machine = CallMachine()
            machine.hold(Self.call, server: "github", isStale: isStale)
            #expect(machine.isUnanswered)
            #expect(machine.head(ResponseSummary(status: 200, contentType: .json)) == .none)
            #expect(machine.timedOut() == .none)
            var other = machine
            #expect(machine.recorded() == action)
            #expect(machine.recorded() == .none)
            #expect(machine.notRecorded(.notRecorded) == .none)
            let refused = refusal(other.notRecorded(.notRecorded))
            #expect(refused?.code == .notRecorded)
            #expect(refused?.outcome == .notSent)
            #expect(!other.isActive)
        }
    }

    @Test("A stale credential is renewed before anything leaves")
    func stale() {
        var machine = CallMachine()
        #expect(machine.begin(Self.call, server: "github", isStale: true) == .renew(isRejected: false))
        #expect(machine.renewed(Self.ready) == .send)
        // It was renewed a moment ago, so a 401 now is the user's to deal with.
        let action = machine.head(ResponseSummary(status: 401, contentType: .absent))
        #expect(refusal(action)?.code == .userMustAct)
    }

    @Test(
        "A renewal that fails ends a call that was never sent",
        arguments: [
            (CredentialState.Refusal.needsSignIn, JSONRPCErrorCode.userMustAct, "needs_sign_in" as JSONText),
            (.locked, .userMustAct, "locked"), (.unavailable, .serverDown, "sign_in_unavailable"),
        ]
    )
    func failedRenewal(why: CredentialState.Refusal, code: JSONRPCErrorCode, reason: JSONText) {
        var machine = begun(isStale: true)
        let found = refusal(machine.renewed(.refused(why)))
        #expect(found?.code == code)
        #expect(found?.reason == reason)
        #expect(found?.outcome == .notSent)
        #expect(machine.state == .idle)
    }

    @Test("A 401 is answered by one renewal, and the second one by the user")
    func unauthorized() {
        var machine = begun()
        #expect(machine.head(ResponseSummary(status: 401, contentType: .json)) == .none)
        #expect(machine.ended() == .renew(isRejected: true))
        #expect(machine.renewed(Self.ready) == .send)
        let found = refusal(machine.head(ResponseSummary(status: 401, contentType: .json)))
        #expect(found?.code == .userMustAct)
        #expect(found?.reason == "needs_sign_in")
        #expect(found?.outcome == .upstreamError)
    }

    @Test("A server that wants no credential and says 401 needs the user")
    func unauthorizedWithout() {
        var machine = begun()
        _ = machine.head(ResponseSummary(status: 401, contentType: .absent))
        _ = machine.ended()
        #expect(refusal(machine.renewed(.notNeeded))?.code == .userMustAct)
    }

    @Test("A connection that is lost in the middle of a 401 renews all the same")
    func lostUnauthorized() {
        var machine = begun()
        _ = machine.head(ResponseSummary(status: 401, contentType: .absent))
        #expect(machine.failed(.afterSending(UpstreamError(.closed, "closed"))) == .renew(isRejected: true))
    }

    @Test("What goes wrong is an error: alone as long as nothing has gone out, the last event after that")
    func failures() {
        let closed = UpstreamFailure.afterSending(UpstreamError(.closed, "closed"))
        var machine = begun()
        let unsent = refusal(machine.failed(.notSent(UpstreamError(.connect, "no"))))
        #expect(unsent?.code == .serverDown)
        #expect(unsent?.reason == "unreachable")
        #expect(unsent?.outcome == .notSent)

        machine = begun()
        let foreign = refusal(machine.failed(.notSent(UpstreamError(.foreignServer, "no"))))
        #expect(foreign?.code == .serverDown)
        #expect(foreign?.reason == "foreign_server")
        #expect(foreign?.outcome == .notSent)

        machine = begun()
        #expect(refusal(machine.failed(.notSent(UpstreamError(.noRoom, "no"))))?.reason == "busy")

        machine = begun()
        #expect(refusal(machine.failed(closed))?.outcome == .upstreamError)
        machine = begun()
        #expect(refusal(machine.failed(.afterSending(UpstreamError(.malformedResponse, "bad"))))?.code == .badAnswer)

        machine = begun()
        _ = machine.head(ResponseSummary(status: 200, contentType: .eventStream))
        #expect(refusal(machine.failed(closed))?.code == .serverDown)
        machine = begun()
        _ = machine.head(ResponseSummary(status: 200, contentType: .eventStream))
        machine.committed()
        guard case .endStreamWith(let last, .upstreamError) = machine.failed(closed) else {
            Issue.record("no last event")
            return
        }
        #expect(last.code == .serverDown)
        #expect(machine.state == .idle)
    }

    @Test("Silence ends a call wherever it is")
    func timeouts() {
        var machine = begun()
        #expect(refusal(machine.timedOut())?.reason == "timeout")
        machine = begun(isStale: true)
        #expect(refusal(machine.timedOut())?.outcome == .notSent)
        machine = begun()
        _ = machine.head(ResponseSummary(status: 200, contentType: .eventStream))
        machine.committed()
        guard case .endStreamWith(_, .timeout) = machine.timedOut() else {
            Issue.record("no last event")
            return
        }
        #expect(machine.timedOut() == .none)
    }

    @Test("Too large an answer")
    func tooLarge() {
        var machine = begun()
        _ = machine.head(ResponseSummary(status: 200, contentType: .json))
        let found = refusal(machine.tooLarge())
        #expect(found?.code == .badAnswer)
        #expect(found?.outcome == .tooLarge)
        machine = begun()
        _ = machine.head(ResponseSummary(status: 200, contentType: .eventStream))
        machine.committed()
        guard case .endStreamWith(_, .tooLarge) = machine.tooLarge() else {
            Issue.record("no last event")
            return
        }
    }

    @Test("What answers no request is cut; what can be taken up again is broken off, and the call goes on")
    func broken() {
        let closed = UpstreamFailure.afterSending(UpstreamError(.closed, "closed"))
        var machine = begun(.stream)
        _ = machine.head(ResponseSummary(status: 200, contentType: .eventStream))
        #expect(machine.failed(closed) == .cut(.upstreamError))
        for isCommitted in [true, false] {
            machine = begun()
            _ = machine.head(ResponseSummary(status: 200, contentType: .eventStream))
            if isCommitted { machine.committed() }
            var other = machine
            #expect(machine.failed(closed, canResume: true) == .suspend)
            #expect(other.timedOut(canResume: true) == .suspend)
            #expect(!machine.isActive)
        }
    }

    @Test("A client that is gone hears of nothing any more")
    func abandoned() {
        var machine = begun()
        machine.abandoned()
        #expect(machine.head(ResponseSummary(status: 200, contentType: .json)) == .none)
        #expect(machine.ended() == .none)
        #expect(machine.renewed(Self.ready) == .none)
        #expect(machine.failed(.afterSending(UpstreamError(.closed, ""))) == .none)
        #expect(machine.timedOut() == .none)
    }

    @Test("A server's own stream opens at once, and its end is the end of the stream")
    func stream() {
        var machine = begun(.stream)
        #expect(machine.head(ResponseSummary(status: 200, contentType: .eventStream)) == .openStream)
        #expect(machine.ended() == .endStream)
    }

    @Test(
        "Answers of a server and what becomes of them",
        arguments: [
            (200, MediaType.other, JSONRPCErrorCode.badAnswer, "media_type" as JSONText),
            (200, .absent, .badAnswer, "media_type"), (202, .absent, .badAnswer, "no_answer"),
            (204, .absent, .badAnswer, "no_answer"), (307, .absent, .serverDown, "redirected"),
            (403, .json, .serverDown, "refused"), (404, .other, .serverDown, "status_404"),
            (405, .absent, .serverDown, "status_405"), (429, .absent, .serverDown, "busy"),
            (500, .other, .serverDown, "status_500"), (503, .other, .serverDown, "status_503"),
            (304, .absent, .badAnswer, "no_answer"), (201, .other, .badAnswer, "no_answer"),
        ]
    )
    func statuses(status: Int, type: MediaType, code: JSONRPCErrorCode, reason: JSONText) {
        var machine = begun()
        let found = refusal(machine.head(ResponseSummary(status: status, contentType: type)))
        #expect(found?.code == code)
        #expect(found?.reason == reason)
        #expect(machine.state == .draining)
    }

    @Test("A success with another status than 200 is one all the same", arguments: [200, 201, 202, 299])
    func otherSuccess(status: Int) {
        let states: [(MediaType, CallMachine.State)] = [
            (.json, .collecting), (.eventStream, .events(isCommitted: false)),
        ]
        for (type, state) in states {
            var machine = begun()
            #expect(machine.head(ResponseSummary(status: status, contentType: type)) == .none)
            #expect(machine.state == state)
        }
    }

    @Test("A server that does not know the probe is an older one, and not down", arguments: [400, 404, 405, 406, 415])
    func oldServer(status: Int) {
        var machine = begun(.request(.serverDiscover, .modern))
        guard case .refuse(let refusal, .rpcError) = machine.head(ResponseSummary(status: status, contentType: .other))
        else {
            Issue.record("an outage")
            return
        }
        #expect(refusal.form == .rpc(status: status))
        #expect([JSONRPCErrorCode.unsupportedVersion, .methodNotFound].contains(refusal.code))
    }

    @Test("When the agent ends, what has left may have been done, and what has not was not")
    func stopping() {
        var machine = begun()
        let found = refusal(machine.stopping())
        #expect(found?.code == .serverDown)
        #expect(found?.reason == "stopping")
        #expect(found?.outcome == .unknown)
        machine = CallMachine()
        machine.hold(Self.call, server: "github", isStale: false)
        #expect(refusal(machine.stopping())?.outcome == .notSent)
        machine = begun()
        _ = machine.head(ResponseSummary(status: 200, contentType: .eventStream))
        machine.committed()
        guard case .endStreamWith(_, .unknown) = machine.stopping() else {
            Issue.record("no last event")
            return
        }
        #expect(machine.stopping() == .none)
    }

    @Test("Too narrow a scope is the user's to deal with")
    func scope() {
        var machine = begun()
        let found = refusal(machine.head(ResponseSummary(status: 403, contentType: .json, lacksScope: true)))
        #expect(found?.code == .userMustAct)
    }

    @Test("A JSON-RPC error over an HTTP error is the client's to see", arguments: [400, 404, 406, 429, 500, 503])
    func rpcErrors(status: Int) {
        var machine = begun()
        #expect(machine.head(ResponseSummary(status: status, contentType: .json)) == .none)
        guard case .judgeError(status, _) = machine.ended() else {
            Issue.record("no error to judge")
            return
        }
    }

    @Test(
        "The end of a session is the client's to know",
        arguments: [
            CallKind.request(.toolsList, .handshake), .message, .stream, .delete,
        ]
    )
    func sessionEnds(kind: CallKind) {
        var machine = begun(kind)
        #expect(machine.head(ResponseSummary(status: 404, contentType: .other, hasSession: true)) == .endSession)
    }

    @Test(
        "What has no id is answered with a status",
        arguments: [
            (CallKind.message, 202, 202), (.message, 500, 202), (.message, 403, 202), (.message, 400, 202),
            (.stream, 405, 405), (.stream, 403, 405), (.stream, 400, 400), (.stream, 500, 502), (.stream, 302, 502),
            (.delete, 200, 200), (.delete, 204, 204), (.delete, 202, 204), (.delete, 403, 204), (.delete, 405, 204),
            (.delete, 500, 502),
        ]
    )
    func bare(kind: CallKind, status: Int, expected: Int) {
        var machine = begun(kind)
        #expect(
            machine.head(ResponseSummary(status: status, contentType: .absent))
                == .reply(status: expected, status < 300 ? .ok : .upstreamError)
        )
    }

    @Test("Refusals of what has no id: GET 405, DELETE 204, a message 202; a server that is down is 502")
    func bareRefusals() {
        let denied = Refusal.credential(.needsSignIn, server: "a")
        let down = Refusal.down("unreachable", "", server: "a")
        #expect(denied.status(for: .stream) == 405)
        #expect(denied.status(for: .delete) == 204)
        #expect(denied.status(for: .message) == 202)
        #expect(denied.status(for: Self.call) == nil)
        #expect(Refusal.down("refused", "", server: "a").status(for: .stream) == 405)
        #expect(down.status(for: .stream) == 502)
        #expect(down.status(for: .message) == 202)
    }
}
