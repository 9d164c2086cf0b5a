import AuditLog
import MCP
import Policy
import StrictJSON
import Testing

@testable import Forwarding

@Suite("Judging what a server says")
struct ResponseFilterTests {
    private func judge(_ method: MCPMethod, _ era: Revisions.Era = .modern, _ grants: JSONValue...) throws
        -> ResponseFilter
    {
        let tasks = TaskTable()
        _ = Array("1".utf8).withUnsafeBufferPointer {
            tasks.add($0, of: "c", at: "up", tool: "echo", timeout: 1, permit: LimitPermit(), now: 0)
        }
        return ResponseFilter(
            method: method,
            era: era,
            policy: try Policies.policy(grants.isEmpty ? [["server": "up"]] : grants),
            client: "c",
            server: "up",
            limits: .reply,
            tasks: tasks
        )
    }

    private func scan<Result>(_ text: String, _ body: (Envelope, UnsafeBufferPointer<UInt8>) -> Result) throws -> Result
    {
        try Array(text.utf8).withUnsafeBufferPointer { bytes in
            body(try Envelope.scan(bytes, limits: .reply), bytes)
        }
    }

    private func response(_ result: String) -> String { #"{"jsonrpc":"2.0","id":1,"result":\#(result)}"# }

    @Test("Results pass, with the outcome that they are")
    func outcomes() throws {
        let judge = try judge(.toolsCall)
        #expect(try scan(response(#"{"content":[]}"#), judge.judge(response:in:)) == .pass(.ok))
        #expect(try scan(response(#"{"content":[],"isError":true}"#), judge.judge(response:in:)) == .pass(.toolError))
        let error = #"{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"no"}}"#
        #expect(try scan(error, judge.judge(response:in:)) == .pass(.rpcError))
    }

    @Test("An error that has an address opened passes where the server may ask for such")
    func addresses() throws {
        let error =
            #"{"jsonrpc":"2.0","id":1,"error":{"code":-32042,"message":"m","data":{"elicitations":[{"mode":"url"}]}}}"#
        #expect(try scan(error, judge(.toolsCall, .handshake).judge(response:in:)) == .pass(.rpcError))
        let mute: JSONValue = ["server": "up", "server_requests": []]
        guard
            case .refuse(let refusal, .rpcError) = try scan(
                error,
                judge(.toolsCall, .handshake, mute).judge(response:in:)
            )
        else {
            Issue.record("it passed")
            return
        }
        #expect(refusal.code == .denied)
    }

    @Test("An unknown kind of result goes no further")
    func unknownKind() throws {
        guard
            case .refuse(let refusal, .upstreamError) = try scan(
                response(#"{"resultType":"hologram"}"#),
                judge(.toolsCall).judge(response:in:)
            )
        else {
            Issue.record("it passed")
            return
        }
        #expect(refusal.code == .badAnswer)
    }

    @Test("Lists show what is granted")
    func lists() throws {
        let grant: JSONValue = ["server": "up", "tools": ["get_*"]]
        let list = response(#"{"tools":[{"name":"get_a"},{"name":"delete_a"},{"title":"none"}],"nextCursor":""}"#)
        guard case .replace(let bytes, .ok) = try scan(list, judge(.toolsList, .modern, grant).judge(response:in:))
        else {
            Issue.record("nothing was hidden")
            return
        }
        #expect(String(decoding: bytes, as: UTF8.self) == response(#"{"tools":[{"name":"get_a"}],"nextCursor":""}"#))
        let resources = response(#"{"resources":[{"uri":"note://a"}]}"#)
        guard case .replace(_, .ok) = try scan(resources, judge(.resourcesList, .modern, grant).judge(response:in:))
        else {
            Issue.record("a resource was shown")
            return
        }
    }

    private func asking(_ method: String) -> String {
        response(#"{"resultType":"input_required","inputRequests":{"a":{"method":"\#(method)","params":{}}}}"#)
    }

    @Test(
        "What a server may ask for in its result is judged, each alike",
        arguments: [
            ("elicitation/create", true), ("sampling/createMessage", false), ("roots/list", false),
            ("tools/call", false),
        ]
    )
    func inputRequests(method: String, isAllowed: Bool) throws {
        let found = try scan(asking(method), judge(.toolsCall).judge(response:in:))
        if isAllowed {
            #expect(found == .pass(.ok))
            return
        }
        guard case .refuse(let refusal, _) = found else {
            Issue.record("it passed")
            return
        }
        #expect(refusal.code == .denied)
    }

    @Test("With the grant it may ask for more")
    func grantedInput() throws {
        let grant: JSONValue = ["server": "up", "server_requests": ["sampling"]]
        #expect(
            try scan(asking("sampling/createMessage"), judge(.toolsCall, .modern, grant).judge(response:in:))
                == .pass(.ok)
        )
        guard
            case .refuse = try scan(asking("elicitation/create"), judge(.toolsCall, .modern, grant).judge(response:in:))
        else {
            Issue.record("it passed")
            return
        }
    }

    @Test(
        "Input may be asked for where the protocol lets a server do so",
        arguments: [
            (MCPMethod.toolsList, Revisions.Era.modern), (.toolsCall, .handshake), (.completionComplete, .modern),
        ]
    )
    func misplacedInput(method: MCPMethod, era: Revisions.Era) throws {
        guard
            case .refuse(let refusal, _) = try scan(
                asking("elicitation/create"),
                judge(method, era).judge(response:in:)
            )
        else {
            Issue.record("it passed")
            return
        }
        #expect(refusal.code == .badAnswer)
    }

    @Test(
        "Notifications pass if the protocol knows them in this era and they are about something granted",
        arguments: [
            ("notifications/progress", "{}", Revisions.Era.modern, true),
            ("notifications/message", "{}", .handshake, true),
            ("notifications/initialized", "{}", .handshake, false), ("notifications/whatever", "{}", .modern, false),
            ("notifications/subscriptions/acknowledged", "{}", .handshake, false),
            ("notifications/resources/updated", #"{"uri":"note://a"}"#, .modern, true),
            ("notifications/resources/updated", #"{"uri":"secret://a"}"#, .modern, false),
            ("notifications/tasks", #"{"taskId":"1","status":"working"}"#, .modern, true),
            ("notifications/tasks", #"{"taskId":"2","status":"working"}"#, .modern, false),
            ("notifications/tasks", #"{"status":"working"}"#, .modern, false),
            ("notifications/tasks/status", #"{"taskId":"1","status":"working"}"#, .handshake, true),
            ("notifications/tasks/status", #"{"taskId":"2","status":"working"}"#, .handshake, false),
            (
                "notifications/tasks", #"{"taskId":"1","inputRequests":{"k":{"method":"elicitation/create"}}}"#,
                .modern,
                true
            ),
            (
                "notifications/tasks", #"{"taskId":"1","inputRequests":{"k":{"method":"sampling/createMessage"}}}"#,
                .modern, false
            ),
            (
                "notifications/tasks",
                #"{"taskId":"1","inputRequests":{"a":{"method":"elicitation/create"},"b":{"method":"roots/list"}}}"#,
                .modern, false
            ),
            ("notifications/message", #"{"inputRequests":{"k":{"method":"elicitation/create"}}}"#, .modern, false),
        ]
    )
    func notifications(method: String, params: String, era: Revisions.Era, passes: Bool) throws {
        let judge = try judge(.toolsCall, era, ["server": "up", "resources": ["note://*"], "tools": ["*"]])
        let text = #"{"jsonrpc":"2.0","method":"\#(method)","params":\#(params)}"#
        #expect(try scan(text, judge.passes(notification:in:)) == passes)
    }

    private func request(_ method: String, _ era: Revisions.Era) throws -> ResponseFilter.Request {
        let judge = try judge(.toolsCall, era)
        return try scan(#"{"jsonrpc":"2.0","id":1,"method":"\#(method)","params":{}}"#) { envelope, _ in
            judge.judge(request: envelope)
        }
    }

    @Test("Requests of a server: elicitation alone without a word of the policy, a ping always")
    func requests() throws {
        #expect(try request("ping", .handshake) == .ping)
        guard case .ask = try request("elicitation/create", .handshake) else {
            Issue.record("refused")
            return
        }
        guard case .refuse(.some) = try request("sampling/createMessage", .handshake) else {
            Issue.record("passed")
            return
        }
        #expect(try request("tools/list", .handshake) == .refuse(nil))
        #expect(try request("made/up", .handshake) == .refuse(nil))
        #expect(try request("elicitation/create", .modern) == .violation)
        #expect(try request("ping", .modern) == .violation)
    }

    @Test("A challenge that wants more scope")
    func challenge() {
        func lacks(_ text: String) -> Bool { Array(text.utf8).withUnsafeBufferPointer(Challenge.lacksScope) }
        #expect(lacks(#"Bearer error="insufficient_scope", scope="a b""#))
        #expect(!lacks(#"Bearer error="invalid_token""#))
        #expect(!lacks(""))
    }
}
