import Policy
import StrictJSON
import Synchronization
import Testing

@testable import Forwarding

extension RealSockets {
    @Suite("Clients are told that the policy has changed their lists")
    struct ListChangeTests {
        private static let ack =
            #"{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"notifications":{}}}"#
        private static let progress =
            #"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}"#
        private static let log =
            #"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"x"}}"#

        private static func changed(_ kind: String) -> String {
            #"{"jsonrpc":"2.0","method":"notifications/\#(kind)/list_changed"}"#
        }

        private static func changed(_ kind: String, _ id: String) -> String {
            #"{"jsonrpc":"2.0","method":"notifications/\#(kind)/list_changed","params":{"_meta":"#
                + #"{"io.modelcontextprotocol/subscriptionId":\#(id)}}}"#
        }

        private func policy(_ forbid: JSONValue...) throws -> PolicySnapshot {
            try Policies.policy([["server": "up"]], forbid: forbid)
        }

        /// A server whose GET streams say what they are told, and end with the test.
        private func server(_ end: Latch, _ steps: FakeUpstream.Step...)
            -> @Sendable (FakeUpstream.Request) -> [FakeUpstream.Step]
        {
            Handshake.server { request in
                request.line.hasPrefix("GET") ? [.events()] + steps + [.wait(end), .lastChunk] : [.json(Desk.result())]
            }
        }

        /// Opens the stream of a client's session.
        private func listen(_ desk: Desk, token: String = Desk.token) async throws -> RawClient {
            let client = try await Handshake.begin(desk, token: token)
            try await client.send(desk.stream(token: token))
            try await client.wait { $0.text.contains("text/event-stream") }
            return client
        }

        private func listen(_ desk: Desk, id: String, for kinds: String...) async throws -> RawClient {
            let client = try await desk.client()
            let filter = kinds.map { #""\#($0)ListChanged":true"# }.joined(separator: ",")
            let body = Desk.modern("subscriptions/listen", id: id, #""notifications":{\#(filter)},"#)
            try await client.send(
                desk.post(body, "MCP-Protocol-Version: 2026-07-28", "Mcp-Method: subscriptions/listen")
            )
            return client
        }

        @Test("Each kind whose rules are others, once for several policies in a row, and without a record")
        func handshake() async throws {
            let end = Latch()
            var configuration = ForwardingConfiguration()
            configuration.changeRest = .milliseconds(500)
            try await withDesk(server(end), configuration: configuration) { desk, _ in
                let client = try await listen(desk)
                // From here on nothing is waited for, the policy of the beginning included.
                let first = try policy(["resources": ["y:*"]])
                await desk.update { $0.policy = first }
                try await client.wait { $0.text.contains("resources/list_changed") }
                let policies = [
                    try policy(["tools": ["a"]], ["resources": ["y:*"]]),
                    try policy(["tools": ["a"]], ["prompts": ["p"]], ["resources": ["y:*"]]),
                    try policy(["tools": ["b"]], ["prompts": ["p"]], ["resources": ["y:*"]]),
                ]
                for policy in policies { await desk.update { $0.policy = policy } }
                try await client.wait { $0.text.contains("prompts/list_changed") }
                end.open()
                let told = try await client.answer().events
                #expect(told == ["resources", "tools", "prompts"].map { Self.changed($0) })
                let methods = try await desk.records().compactMap { $0["method"]?.text }
                #expect(Set(methods) == ["initialize"])
            }
        }

        @Test("A client is not told if its lists are as they were, or if nothing was listened to for it")
        func unaffected() async throws {
            let end = Latch()
            try await withDesk(server(end)) { desk, _ in
                let client = try await listen(desk)
                let other = try await listen(desk, token: Desk.otherToken)
                let first = try Policies.policy(
                    [["server": "u*"], ["server": "up", "tools": ["a"]]],
                    forbid: [["server": "elsewhere"], ["client": "tests", "tools": ["a"]]]
                )
                await desk.update { $0.policy = first }
                try await client.wait { $0.text.contains("tools/list_changed") }
                end.open()
                #expect(try await client.answer().events == [Self.changed("tools")])
                #expect(try await other.answer().events == [])
            }
        }

        @Test("Of several streams of a session one is told, and a stream that begins later hears of it then")
        func streams() async throws {
            let (end, head) = (Latch(), Latch())
            let streams = Mutex(0)
            let upstream = Handshake.server { request in
                let isSecond = streams.withLock { count in
                    count += 1
                    return count == 2
                }
                return (isSecond ? [.wait(head)] : []) + [.events(), .wait(end), .lastChunk]
            }
            try await withDesk(upstream) { desk, _ in
                let older = try await listen(desk)
                let newer = try await desk.client()
                try await newer.send(desk.stream())
                for _ in 0..<1000 where streams.withLock({ $0 }) < 2 { try await Task.sleep(for: .milliseconds(5)) }
                let third = try await listen(desk, token: Desk.otherToken)
                let changed = try policy(["tools": ["a"]])
                await desk.update { $0.policy = changed }
                try await third.wait { $0.text.contains("list_changed") }
                head.open()
                try await newer.wait { $0.text.contains("list_changed") }
                end.open()
                #expect(try await newer.answer().events == [Self.changed("tools")])
                #expect(try await older.answer().events == [])
            }
        }

        @Test("In the middle of an event of the server its bytes stay together")
        func framing() async throws {
            let (half, end) = (Latch(), Latch())
            let upstream = server(
                end,
                .chunk("event: message\ndata: \(Self.log.prefix(40))"),
                .wait(half),
                .chunk("\(Self.log.dropFirst(40))\n\n")
            )
            try await withDesk(upstream) { desk, _ in
                let client = try await listen(desk)
                let changed = try policy(["tools": ["a"]])
                await desk.update { $0.policy = changed }
                try await client.wait { $0.text.contains("list_changed") }
                half.open()
                try await client.wait { $0.text.contains("notifications/message") }
                end.open()
                #expect(try await client.answer().events == [Self.changed("tools"), Self.log])
            }
        }

        @Test("A subscription of 2026-07-28 hears of what it asked for, under its own id, and first of its beginning")
        func modern() async throws {
            let (begin, end) = (Latch(), Latch())
            let upstream: @Sendable (FakeUpstream.Request) -> [FakeUpstream.Step] = { request in
                request.body.contains(#""id":"late""#)
                    ? [.events(), .event("", id: "m"), .wait(begin), .event(Self.ack), .wait(end), .lastChunk]
                    : [.events(), .event(Self.ack), .wait(end), .lastChunk]
            }
            try await withDesk(upstream) { desk, server in
                let tools = try await listen(desk, id: "7", for: "tools", "resources")
                let late = try await listen(desk, id: #""late""#, for: "prompts")
                let nothing = try await listen(desk, id: "8")
                for client in [tools, nothing] { try await client.wait { $0.text.contains("acknowledged") } }
                try await server.wait { $0.body.contains(#""id":"late""#) }
                // A mark waits for the head, and so does all that is behind it.
                try await desk.wait { $0.table.connections.contains { $0.events.count > 0 } }
                let changed = try policy(["tools": ["a"]], ["prompts": ["p"]])
                await desk.update { $0.policy = changed }
                try await tools.wait { $0.text.contains("list_changed") }
                #expect(late.text.isEmpty)
                begin.open()
                try await late.wait { $0.text.contains("list_changed") }
                end.open()
                #expect(try await tools.answer().events.prefix(2) == [Self.ack, Self.changed("tools", "7")])
                #expect(
                    try await late.answer().events.prefix(2) == [Self.ack, Self.changed("prompts", #""late""#)]
                )
                #expect(try await !nothing.answer().body.contains("list_changed"))
            }
        }

        @Test("The stream of a call carries what belongs to the call alone")
        func calls() async throws {
            let end = Latch()
            let upstream = Handshake.server { request in
                request.line.hasPrefix("GET")
                    ? [.events(), .wait(end), .lastChunk]
                    : [.events(), .event(Self.progress), .wait(end), .event(Desk.result()), .lastChunk]
            }
            try await withDesk(upstream) { desk, _ in
                let stream = try await listen(desk)
                let call = try await desk.client()
                try await call.send(desk.sessionCall())
                try await call.wait { $0.text.contains("notifications/progress") }
                let changed = try policy(["tools": ["a"]])
                await desk.update { $0.policy = changed }
                try await stream.wait { $0.text.contains("list_changed") }
                end.open()
                #expect(try await call.answer().events == [Self.progress, Desk.result()])
            }
        }
    }
}
