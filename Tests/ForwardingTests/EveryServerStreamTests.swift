import MCP
import Policy
import StrictJSON
import Testing

@testable import Forwarding

extension RealSockets {
    @Suite("Calls at all servers that take long")
    struct EveryServerStreamTests {
        private static let version = "MCP-Protocol-Version: 2025-11-25"
        private static let news =
            #"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}"#

        /// A server of the handshake era: the tool `broken` breaks off behind an event with an id, `slow` waits.
        private static func server(_ latch: Latch) -> @Sendable (FakeUpstream.Request) -> [FakeUpstream.Step] {
            { request in
                if request.line.hasPrefix("GET") {
                    guard request.header("Last-Event-ID") == "e1" else { return [.empty("405 Method Not Allowed")] }
                    return [.events(), .event(Desk.result("9", "taken up"), id: "e2"), .lastChunk]
                }
                let json = try? JSONValue(parsing: Array(request.body.utf8))
                let id = json?["id"]?.json ?? "null"
                switch (json?["method"]?.text, json?["params"]?["name"]?.text) {
                case ("initialize", _):
                    let result =
                        #"{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"s","version":"1"}}"#
                    return [.json(#"{"jsonrpc":"2.0","id":\#(id),"result":\#(result)}"#, "Mcp-Session-Id: up")]
                case ("ping", _): return [.json(#"{"jsonrpc":"2.0","id":\#(id),"result":{}}"#)]
                case ("tools/list", _):
                    let tools = ["broken", "slow"].map { #"{"name":"\#($0)","inputSchema":{"type":"object"}}"# }
                    return [
                        .json(#"{"jsonrpc":"2.0","id":\#(id),"result":{"tools":[\#(tools.joined(separator: ","))]}}"#)
                    ]
                case (_, "broken"): return [.events(), .event(news, id: "e1"), .pause(milliseconds: 50), .close]
                case (_, "slow"): return [.events(), .event(news), .wait(latch), .event(Desk.result(id)), .lastChunk]
                case ("server/discover", _): return [.empty("400 Bad Request")]
                default: return [.empty("202 Accepted")]
                }
            }
        }

        private func withSession(_ body: (Desk, [FakeUpstream], RawClient, String, Latch) async throws -> Void)
            async throws
        {
            let latch = Latch()
            let upstreams = [
                try await FakeUpstream(Self.server(latch)), try await FakeUpstream(Self.server(latch)),
            ]
            let desk = try await Desk(
                [try upstreams[0].entry("a"), try upstreams[1].entry("b")],
                policy: try Policies.policy([["server": "a"], ["server": "b"]])
            )
            do {
                let client = try await RawClient(port: desk.port)
                try await client.send(
                    desk.request("POST /mcp", ["Content-Type: application/json"], body: Handshake.initialize)
                )
                let session = try #require(try await client.answer().headers["mcp-session-id"])
                try await client.send(post(desk, Desk.handshake("tools/list", "{}"), session))
                _ = try await client.answer()
                try await body(desk, upstreams, client, session, latch)
            } catch {
                latch.open()
                await desk.stop()
                for upstream in upstreams { await upstream.stop() }
                throw error
            }
            latch.open()
            await desk.stop()
            for upstream in upstreams { await upstream.stop() }
        }

        private func post(_ desk: Desk, _ body: String, _ session: String) -> String {
            let lines = ["Mcp-Session-Id: \(session)", Self.version, "Content-Type: application/json"]
            return desk.request("POST /mcp", lines, body: body)
        }

        @Test("A stream that breaks off is taken up again at the server that it came from")
        func resumed() async throws {
            try await withSession { desk, upstreams, client, session, _ in
                try await client.send(
                    post(desk, Desk.handshake("tools/call", id: "9", #"{"name":"b__broken"}"#), session)
                )
                let first = try await client.end()
                #expect(first.contains("id: b/e1\r\n"))
                let again = try await RawClient(port: desk.port)
                try await again.send(
                    desk.request("GET /mcp", ["Mcp-Session-Id: \(session)", Self.version, "Last-Event-ID: b/e1"])
                )
                let text = try await again.wait { $0.text.contains("taken up") }
                #expect(text.contains("id: b/e2\r\n"))
                #expect(!upstreams[0].requests.contains { $0.header("Last-Event-ID") != nil })
                let ends = try await desk.wait(forEnds: 1, of: "broken")
                #expect(ends == ["ok"])
            }
        }

        @Test("A call that its client takes back is taken back at its server, and at no other")
        func cancelled() async throws {
            try await withSession { desk, upstreams, client, session, latch in
                let caller = try await RawClient(port: desk.port)
                try await caller.send(
                    post(desk, Desk.handshake("tools/call", id: "5", #"{"name":"a__slow"}"#), session)
                )
                try await caller.wait { $0.text.contains("notifications/progress") }
                let note = #"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":5}}"#
                try await client.send(post(desk, note, session))
                #expect(try await client.answer().status == 202)
                try await upstreams[0].wait { $0.body.contains("notifications/cancelled") }
                #expect(!upstreams[1].requests.contains { $0.body.contains("notifications/cancelled") })
                latch.open()
            }
        }

        /// A modern server that says these events on each subscription, behind the acknowledgement.
        private static func modern(_ events: [FakeUpstream.Step])
            -> @Sendable (FakeUpstream.Request) ->
            [FakeUpstream.Step]
        {
            { request in
                let id = (try? JSONValue(parsing: Array(request.body.utf8)))?["id"]?.json ?? "null"
                let taken =
                    #"{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"notifications":{},"#
                    + #""_meta":{"io.modelcontextprotocol/subscriptionId":\#(id)}}}"#
                if request.body.contains("subscriptions/listen") { return [.events(), .event(taken)] + events }
                let said =
                    #""supportedVersions":["2026-07-28"],"capabilities":{"resources":{"subscribe":true}},"ttlMs":0"#
                return [
                    .json(
                        #"{"jsonrpc":"2.0","id":\#(id),"result":{"resultType":"complete",\#(said),"cacheScope":"private"}}"#
                    )
                ]
            }
        }

        private static func updated(_ uri: String, _ subscription: String) -> FakeUpstream.Step {
            .event(
                #"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"\#(uri)","_meta":"#
                    + #"{"io.modelcontextprotocol/subscriptionId":\#(subscription)}}}"#
            )
        }

        @Test("No server ends the subscription of the others, nor speaks under the name of another one")
        func hostile() async throws {
            let latch = Latch()
            let error = #"{"jsonrpc":"2.0","id":"mine","error":{"code":-32000,"message":"stolen"}}"#
            let hostile: [FakeUpstream.Step] = [
                Self.updated("a:forged", #""other""#), Self.updated("a:forged", "1"), .event(error), .lastChunk,
            ]
            let upstreams = [
                try await FakeUpstream(Self.modern(hostile)),
                try await FakeUpstream(
                    Self.modern([.wait(latch), Self.updated("b:true", #""mine""#), .wait(Latch())])
                ),
            ]
            let desk = try await Desk(
                [try upstreams[0].entry("a"), try upstreams[1].entry("b")],
                policy: try Policies.policy([["server": "a"], ["server": "b"]])
            )
            let listener = try await RawClient(port: desk.port)
            let body = Desk.modern("subscriptions/listen", id: #""mine""#, #""notifications":{},"#)
            let lines = [
                "MCP-Protocol-Version: 2026-07-28", "Mcp-Method: subscriptions/listen",
                "Content-Type: application/json",
            ]
            try await listener.send(desk.request("POST /mcp", lines, body: body))
            for upstream in upstreams { try await upstream.wait { $0.body.contains("subscriptions/listen") } }
            latch.open()
            let text = try await listener.wait { $0.text.contains("doorward+b:b:true") }
            #expect(!text.contains("forged") && !text.contains("stolen"))
            await desk.stop()
            for upstream in upstreams { await upstream.stop() }
        }

        @Test("A client that goes away leaves nothing behind: not the call at its server, and no connection within")
        func gone() async throws {
            try await withSession { desk, upstreams, client, session, latch in
                let caller = try await RawClient(port: desk.port)
                try await caller.send(
                    post(desk, Desk.handshake("tools/call", id: "5", #"{"name":"a__slow"}"#), session)
                )
                try await caller.wait { $0.text.contains("notifications/progress") }
                let listener = try await RawClient(port: desk.port)
                try await listener.send(desk.request("GET /mcp", ["Mcp-Session-Id: \(session)", Self.version]))
                try await listener.wait { $0.text.contains("text/event-stream") }
                await caller.close()
                await listener.close()
                try await upstreams[0].wait { $0.body.contains("notifications/cancelled") }
                try await desk.wait { path in path.table.connections.count == 1 }
                latch.open()
                _ = client
            }
        }
    }
}
