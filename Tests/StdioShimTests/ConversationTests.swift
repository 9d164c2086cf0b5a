import Synchronization
import Testing

@testable import StdioShim

@Suite("Conversations through the shim")
struct ConversationTests {
    private static let initialize =
        #"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}"#
    private static let initialized = #"{"jsonrpc":"2.0","method":"notifications/initialized"}"#
    private static let welcome = #"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25"}}"#

    private static func call(_ id: Int, _ name: String = "t") -> String {
        #"{"jsonrpc":"2.0","id":\#(id),"method":"tools/call","params":{"name":"\#(name)","arguments":{}}}"#
    }

    private static func result(_ id: Int) -> String { #"{"jsonrpc":"2.0","id":\#(id),"result":{"n":\#(id)}}"# }

    private static func modern(_ id: Int, _ method: String, _ params: String) -> String {
        #"{"jsonrpc":"2.0","id":\#(id),"method":"\#(method)","params":{\#(params)"_meta":{"#
            + #""io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#
    }

    @Test("A session that the agent does not know any more is begun anew, with all that it had, and the call sent then")
    func renewal() async throws {
        let sessions = Mutex(0)
        let agent = try FakeAgent { request in
            if request.hasPrefix("GET") { return FakeAgent.none }
            if request.hasPrefix("DELETE") { return FakeAgent.accepted }
            if request.contains(#""initialize""#) {
                let number = sessions.withLock {
                    $0 += 1
                    return $0
                }
                return FakeAgent.json(Self.welcome, "Mcp-Session-Id: s\(number)\r\n")
            }
            // The first session is forgotten once the call comes.
            if request.contains(#""tools/call""#), request.contains("Mcp-Session-Id: s1") {
                return FakeAgent.json(
                    #"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no"}}"#,
                    status: 404
                )
            }
            if request.contains(#""tools/call""#) { return FakeAgent.json(Self.result(2)) }
            return request.contains(#""id":1"#) ? FakeAgent.json(Self.result(1)) : FakeAgent.accepted
        }
        let level = #"{"jsonrpc":"2.0","id":1,"method":"logging/setLevel","params":{"level":"debug"}}"#
        let heard = try await agent.run([Self.initialize, Self.initialized, level, Self.call(2)], until: 3)
        #expect(heard == [Self.welcome, Self.result(1), Self.result(2)])
        let ofNew = agent.requests.filter { $0.hasPrefix("POST") && $0.contains("Mcp-Session-Id: s2") }
        #expect(ofNew.count == 3)
        #expect(ofNew[0].hasSuffix(Self.initialized) && ofNew[1].hasSuffix(level) && ofNew[2].hasSuffix(Self.call(2)))
        // The end is told to the agent.
        #expect(agent.requests.contains { $0.hasPrefix("DELETE") && $0.contains("Mcp-Session-Id: s2") })
    }

    @Test("What a client sends before its session is there waits for it")
    func order() async throws {
        let agent = try FakeAgent { request in
            if request.hasPrefix("GET") { return FakeAgent.none }
            if request.contains(#""initialize""#) { return FakeAgent.json(Self.welcome, "Mcp-Session-Id: s\r\n") }
            return request.contains(#""tools/call""#) ? FakeAgent.json(Self.result(1)) : FakeAgent.accepted
        }
        let heard = try await agent.run([Self.initialize, Self.initialized, Self.call(1)], until: 2)
        #expect(heard == [Self.welcome, Self.result(1)])
        let posts = agent.requests.filter { $0.hasPrefix("POST") }
        #expect(posts.map { $0.hasSuffix(Self.initialized) } == [false, true, false])
        #expect(posts.dropFirst().allSatisfy { $0.contains("Mcp-Session-Id: s\r\n") })
    }

    @Test("A stream that breaks off is taken up again behind its last event, and the call is not sent again")
    func resumption() async throws {
        let agent = try FakeAgent { request in
            if request.contains("Last-Event-ID: 7") { return FakeAgent.events("data: \(Self.result(1))\n\n") }
            if request.hasPrefix("GET") { return FakeAgent.none }
            if request.contains(#""initialize""#) { return FakeAgent.json(Self.welcome, "Mcp-Session-Id: s\r\n") }
            let progress =
                #"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}"#
            return FakeAgent.events("id: 7\nretry: 10\ndata: \(progress)\n\n")
        }
        let heard = try await agent.run([Self.initialize, Self.call(1)], until: 3)
        #expect(heard.count == 3 && heard.last == Self.result(1))
        #expect(agent.requests.count { $0.contains(#""tools/call""#) } == 1)
    }

    @Test("A call whose answer breaks off without an event is answered, and never sent again")
    func lost() async throws {
        let agent = try FakeAgent { request in request.hasPrefix("POST") ? "HTTP/1.1 200 -\r\nContent-Type: app" : "" }
        let heard = try await agent.run([Self.modern(1, "tools/call", #""name":"t","arguments":{},"#)], until: 1)
        #expect(heard.count == 1 && heard[0].contains("agent_lost"))
        #expect(agent.requests.count == 1)
    }

    @Test("A server that wants arguments in headers is asked for its tools, once, and called again with them")
    func parameters() async throws {
        let schema = #"{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"}}}"#
        let agent = try FakeAgent { request in
            if request.contains("Mcp-Method: tools/list") {
                let tools = #"{"tools":[{"name":"t","inputSchema":\#(schema)}],"resultType":"complete"}"#
                return FakeAgent.json(#"{"jsonrpc":"2.0","id":"doorward-stdio","result":\#(tools)}"#)
            }
            if request.contains("Mcp-Param-Region: eu") { return FakeAgent.json(Self.result(1)) }
            return FakeAgent.json(#"{"jsonrpc":"2.0","id":1,"error":{"code":-32020,"message":"no"}}"#, status: 400)
        }
        let call = Self.modern(1, "tools/call", #""name":"t","arguments":{"region":"eu"},"#)
        #expect(try await agent.run([call], until: 1) == [Self.result(1)])
        #expect(agent.requests.count == 3)
        // A server that is never content is not asked for ever.
        let never = try FakeAgent { _ in
            FakeAgent.json(#"{"jsonrpc":"2.0","id":1,"error":{"code":-32020,"message":"no"}}"#, status: 400)
        }
        #expect(try await never.run([call], until: 1).first?.contains("-32020") == true)
        #expect(never.requests.count == 3)
    }

    @Test("A tool whose annotations break the rules is not shown")
    func brokenTools() async throws {
        let tools =
            #"[{"name":"bad","inputSchema":{"type":"string","x-mcp-header":"A"}},{"name":"good","inputSchema":{}}]"#
        let agent = try FakeAgent { _ in
            FakeAgent.json(#"{"jsonrpc":"2.0","id":1,"result":{"tools":\#(tools),"resultType":"complete"}}"#)
        }
        let heard = try await agent.run([Self.modern(1, "tools/list", "")], until: 1)
        #expect(heard.first?.contains("good") == true && heard.first?.contains("bad") == false)
    }

    @Test("A message of several lines reaches the client as one")
    func lines() async throws {
        let agent = try FakeAgent { _ in
            FakeAgent.events("data: {\"jsonrpc\":\"2.0\",\ndata: \"id\":1,\"result\":{}}\n\n")
        }
        let heard = try await agent.run([Self.modern(1, "tools/list", "")], until: 1)
        #expect(heard == [#"{"jsonrpc":"2.0", "id":1,"result":{}}"#])
    }
}
