import Foundation
import MCP
import Policy
import StrictJSON
import Testing

@testable import Forwarding

extension RealSockets {
    @Suite("Sessions at all servers")
    struct EveryServerSessionTests {
        private static let version = "MCP-Protocol-Version: 2025-11-25"
        private static let question =
            #"{"jsonrpc":"2.0","id":1,"method":"elicitation/create","params":{"message":"?","requestedSchema":{}}}"#

        /// A server of the handshake era that asks its client something under the id 1 while a tool runs, and says on its own
        /// stream that its tools are others.
        private static func server(_ name: String) -> @Sendable (FakeUpstream.Request) -> [FakeUpstream.Step] {
            { request in
                if request.line.hasPrefix("GET") {
                    return [
                        .events(), .event(#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#),
                        .event(
                            #"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"u:\#(name)"}}"#
                        ),
                        .pause(milliseconds: 60_000),
                    ]
                }
                let json = try? JSONValue(parsing: Array(request.body.utf8))
                let id = json?["id"]?.json ?? "null"
                switch json?["method"]?.text {
                case "initialize":
                    return [
                        .json(
                            #"{"jsonrpc":"2.0","id":\#(id),"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"s","version":"1"},"instructions":"\#(name)"}}"#,
                            "Mcp-Session-Id: up-\(name)"
                        )
                    ]
                case "ping": return [.json(#"{"jsonrpc":"2.0","id":\#(id),"result":{}}"#)]
                case "tools/list":
                    return [
                        .json(
                            #"{"jsonrpc":"2.0","id":\#(id),"result":{"tools":[{"name":"ask","inputSchema":{"type":"object"}}]}}"#
                        )
                    ]
                case "tools/call":
                    return [
                        .events(), .event(question), .pause(milliseconds: 400),
                        .event(
                            #"{"jsonrpc":"2.0","id":\#(id),"result":{"content":[],"structuredContent":{"by":"\#(name)"}}}"#
                        ),
                        .lastChunk,
                    ]
                case "server/discover": return [.empty("400 Bad Request")]
                default: return [.empty("202 Accepted")]
                }
            }
        }

        private func withDesk(_ body: (Desk, [FakeUpstream]) async throws -> Void) async throws {
            let upstreams = [try await FakeUpstream(Self.server("a")), try await FakeUpstream(Self.server("b"))]
            let grants: [JSONValue] = [
                ["server": "a", "server_requests": ["elicitation"]],
                ["server": "b", "server_requests": ["elicitation"]],
            ]
            let desk = try await Desk(
                [try upstreams[0].entry("a"), try upstreams[1].entry("b")],
                policy: try Policies.policy(grants)
            )
            do { try await body(desk, upstreams) } catch {
                await desk.stop()
                for upstream in upstreams { await upstream.stop() }
                throw error
            }
            await desk.stop()
            for upstream in upstreams { await upstream.stop() }
        }

        private func post(_ desk: Desk, _ body: String, _ session: String? = nil, token: String = Desk.token) -> String
        {
            let lines = session.map { ["Mcp-Session-Id: \($0)", Self.version] } ?? []
            return desk.request("POST /mcp", token: token, lines + ["Content-Type: application/json"], body: body)
        }

        private func begin(_ desk: Desk, token: String = Desk.token) async throws -> (RawClient, String) {
            let client = try await RawClient(port: desk.port)
            try await client.send(post(desk, Handshake.initialize, token: token))
            let answer = try await client.answer()
            return (client, try #require(answer.headers["mcp-session-id"]))
        }

        @Test("Begin at each server when they are needed, and speak there the revision that the server has agreed on")
        func begins() async throws {
            try await withDesk { desk, upstreams in
                let (client, session) = try await begin(desk)
                try await client.send(post(desk, Desk.handshake("tools/list", "{}"), session))
                let list = try await client.answer().body
                #expect(list.contains("a__ask") && list.contains("b__ask"))
                for (upstream, name) in zip(upstreams, ["a", "b"]) {
                    let asked = upstream.requests
                    #expect(asked.filter { $0.body.contains("\"initialize\"") }.count == 1)
                    let listed = try #require(asked.first { $0.body.contains("tools/list") })
                    #expect(listed.header("Mcp-Session-Id") == "up-\(name)")
                    #expect(listed.header("MCP-Protocol-Version") == "2025-06-18")
                }
            }
        }

        @Test("Questions of two servers under the same id are two, and each answer goes to the server that asked")
        func questions() async throws {
            try await withDesk { desk, upstreams in
                let (client, session) = try await begin(desk)
                try await client.send(post(desk, Desk.handshake("tools/list", "{}"), session))
                _ = try await client.answer()
                let callers = [try await RawClient(port: desk.port), try await RawClient(port: desk.port)]
                for (caller, tool) in zip(callers, ["a__ask", "b__ask"]) {
                    try await caller.send(post(desk, Desk.handshake("tools/call", #"{"name":"\#(tool)"}"#), session))
                }
                for (caller, alias) in zip(callers, ["a", "b"]) {
                    let asked = try await caller.wait { $0.text.contains("elicitation/create") }
                    #expect(asked.contains(#""id":"\#(alias)/1""#))
                    #expect(asked.contains(#""message":"\#(alias): ?""#))
                }
                // What was not asked goes nowhere, whoever is named.
                for id in [#""b/2""#, #""c/1""#, "1", #""b/{}""#, #""b/""#] {
                    try await client.send(
                        post(desk, #"{"jsonrpc":"2.0","id":\#(id),"result":{"action":"accept"}}"#, session)
                    )
                    #expect(try await client.answer().status == 202)
                }
                try await client.send(
                    post(desk, #"{"jsonrpc":"2.0","id":"b/1","result":{"action":"decline"}}"#, session)
                )
                #expect(try await client.answer().status == 202)
                try await upstreams[1].wait { $0.body.contains("decline") }
                let answers = upstreams.map { $0.requests.filter { $0.body.contains("\"action\"") }.map(\.body) }
                #expect(answers == [[], [#"{"jsonrpc":"2.0","id":1,"result":{"action":"decline"}}"#]])
                for caller in callers { _ = try await caller.wait { $0.text.contains("structuredContent") } }
            }
        }

        @Test("One stream brings what all servers say, a change of lists once for all")
        func stream() async throws {
            try await withDesk { desk, _ in
                let (client, session) = try await begin(desk)
                let listener = try await RawClient(port: desk.port)
                try await listener.send(desk.request("GET /mcp", ["Mcp-Session-Id: \(session)", Self.version]))
                try await client.send(post(desk, Desk.handshake("tools/list", "{}"), session))
                _ = try await client.answer()
                let said = try await listener.wait {
                    $0.text.contains("doorward+a:u:a") && $0.text.contains("doorward+b:u:b")
                        && $0.text.contains("tools/list_changed")
                }
                try await Task.sleep(for: .milliseconds(400))
                #expect(said.contains("text/event-stream"))
                let changes = listener.text.components(separatedBy: "notifications/tools/list_changed").count - 1
                #expect(changes <= 2)
                // It was told that they are others, so they are asked for again.
                try await client.send(post(desk, Desk.handshake("tools/list", "{}"), session))
                _ = try await client.answer()
            }
        }

        @Test("Belong to one client, and end with DELETE at every server")
        func ends() async throws {
            try await withDesk { desk, upstreams in
                let (client, session) = try await begin(desk)
                let other = try await RawClient(port: desk.port)
                try await other.send(post(desk, Desk.handshake("tools/list", "{}"), session, token: Desk.otherToken))
                #expect(try await other.answer().status == 404)
                try await client.send(post(desk, Desk.handshake("tools/list", "{}")))
                #expect(try await client.answer().status == 400)
                try await client.send(desk.request("DELETE /mcp", ["Mcp-Session-Id: \(session)", Self.version]))
                #expect(try await client.answer().status == 204)
                for upstream in upstreams { try await upstream.wait { $0.line.hasPrefix("DELETE") } }
                try await client.send(post(desk, Desk.handshake("tools/list", "{}"), session))
                #expect(try await client.answer().status == 404)
            }
        }
    }
}
