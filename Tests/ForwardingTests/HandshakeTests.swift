import MCP
import Policy
import StrictJSON
import Synchronization
import Testing

@testable import Forwarding

extension RealSockets {
    @Suite("The handshake era")
    struct HandshakeTests {
        private static let initialize = Desk.handshake(
            "initialize",
            #"{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}"#
        )
        private static let welcome =
            #"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"s","version":"1"}}}"#
        private static let version = "MCP-Protocol-Version: 2025-11-25"
        private static let session = "Mcp-Session-Id: s-1"
        private static let ask = #"{"jsonrpc":"2.0","id":"q1","method":"elicitation/create","params":{"message":"?"}}"#

        private func error(_ answer: Answer) throws -> (code: Int?, reason: String?) {
            let json = try JSONValue(parsing: Array(answer.body.utf8))
            return (json["error"]?["code"]?.int, json["error"]?["data"]?["reason"]?.text)
        }

        /// A server that begins a session and answers calls with `call`.
        private static func server(
            _ call: @escaping @Sendable (FakeUpstream.Request) -> [FakeUpstream.Step]
        ) -> @Sendable (FakeUpstream.Request) -> [FakeUpstream.Step] {
            { request in
                if request.body.contains("\"initialize\"") { return [.json(welcome, "Mcp-Session-Id: s-1")] }
                if !request.body.contains("\"id\"") || request.body.contains("\"result\"")
                    || request.body.contains("\"error\"")
                {
                    if request.line.hasPrefix("POST") { return [.empty("202 Accepted")] }
                }
                return call(request)
            }
        }

        private func begin(_ desk: Desk, token: String = Desk.token) async throws -> RawClient {
            let client = try await desk.client()
            try await client.send(desk.post(Self.initialize, token: token))
            let answer = try await client.answer()
            #expect(answer.headers["mcp-session-id"] == (await desk.sessions.id(of: "s-1")))
            #expect(answer.body == Self.welcome)
            return client
        }

        @Test("A session is bound to its client and its server")
        func sessions() async throws {
            try await withDesk(Self.server { _ in [.json(Desk.result())] }) { desk, upstream in
                let client = try await begin(desk)
                try await client.send(desk.post(Desk.handshake(), Self.version, Self.session))
                #expect(try await client.answer().body == Desk.result())
                #expect(upstream.requests.last?.header("Mcp-Session-Id") == "s-1")
                #expect(upstream.requests.last?.header("MCP-Protocol-Version") == "2025-11-25")
                let count = upstream.requests.count
                // Another client's, and one that there never was.
                try await client.send(desk.post(Desk.handshake(), token: Desk.otherToken, Self.version, Self.session))
                var answer = try await client.answer()
                #expect(answer.status == 404)
                #expect(try error(answer).reason == "unknown_session")
                try await client.send(desk.post(Desk.handshake(), Self.version, "Mcp-Session-Id: s-2"))
                answer = try await client.answer()
                #expect(answer.status == 404)
                for line in ["GET", "DELETE"] {
                    try await client.send(
                        desk.request("\(line) /servers/up/mcp", [Self.version, "Mcp-Session-Id: s-2"])
                    )
                    #expect(try await client.answer().status == 404)
                }
                try await client.send(
                    desk.post(#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#, "Mcp-Session-Id: s-2")
                )
                #expect(try await client.answer().status == 404)
                #expect(upstream.requests.count == count)
            }
        }

        @Test("A request hidden in the body of a GET or a DELETE reaches no server", arguments: ["GET", "DELETE"])
        func hiddenRequest(method: String) async throws {
            let hidden = "POST /mcp HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
            let framings = [
                ("Content-Length: \(hidden.utf8.count)", hidden),
                ("Content-Length: 20000", hidden + String(repeating: " ", count: 20_000 - hidden.utf8.count)),
                ("Transfer-Encoding: chunked", "\(String(hidden.utf8.count, radix: 16))\r\n\(hidden)\r\n0\r\n\r\n"),
            ]
            for (framing, body) in framings {
                try await withDesk(Self.server { _ in [.json(Desk.result())] }) { desk, upstream in
                    let client = try await begin(desk)
                    let count = upstream.requests.count
                    let head = desk.request("\(method) /servers/up/mcp", [Self.version, Self.session, framing])
                    try await client.send(head + body)
                    #expect(try await client.answer().status == 400)
                    #expect(upstream.requests.count == count)
                }
            }
        }

        @Test("DELETE ends a session on both sides")
        func ends() async throws {
            try await withDesk(
                Self.server { _ in [.empty("200 OK")] }
            ) { desk, upstream in
                let client = try await begin(desk)
                try await client.send(desk.request("DELETE /servers/up/mcp", [Self.version, Self.session]))
                #expect(try await client.answer().status == 200)
                try await client.send(desk.request("DELETE /servers/up/mcp", [Self.version, Self.session]))
                #expect(try await client.answer().status == 404)
                #expect(upstream.requests.last?.header("Mcp-Session-Id") == "s-1")
                let count = upstream.requests.count
                try await client.send(desk.post(Desk.handshake(), Self.version, Self.session))
                #expect(try await client.answer().status == 404)
                #expect(upstream.requests.count == count)
                try await client.send(desk.request("DELETE /servers/up/mcp", [Self.version]))
                #expect(try await client.answer().status == 400)
            }
        }

        @Test("Notifications go through without a record, unknown and forbidden ones go nowhere")
        func notifications() async throws {
            try await withDesk(Self.server { _ in [] }) { desk, upstream in
                let client = try await begin(desk)
                for method in ["notifications/initialized", "notifications/unknown", "notifications/message"] {
                    try await client.send(
                        desk.post(#"{"jsonrpc":"2.0","method":"\#(method)"}"#, Self.version, Self.session)
                    )
                    #expect(try await client.answer().status == 202)
                }
                #expect(upstream.requests.map(\.body).filter { $0.contains("notifications/") }.count == 1)
                #expect(await desk.service.counts().notifications == 1)
                #expect(try await desk.records().count == 2)
                await desk.update { $0.policy = .none }
                try await client.send(
                    desk.post(#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#, Self.version, Self.session)
                )
                #expect(try await client.answer().status == 202)
                try await client.send(desk.post(Desk.handshake(), Self.version, Self.session))
                #expect(try error(try await client.answer()).code == -31001)
            }
        }

        @Test("A ping is answered by the server, and not recorded")
        func ping() async throws {
            try await withDesk(Self.server { _ in [.json(#"{"jsonrpc":"2.0","id":1,"result":{}}"#)] }) { desk, _ in
                let client = try await desk.client()
                try await client.send(desk.post(Desk.handshake("ping", "{}")))
                #expect(try await client.answer().body == #"{"jsonrpc":"2.0","id":1,"result":{}}"#)
                #expect(try await desk.records().isEmpty)
                #expect(await desk.service.counts().pings == 1)
            }
        }

        // MARK: Requests of the server

        @Test("A request of the server goes to the client with a record, and its answer back, in one session")
        func serverRequest() async throws {
            let latch = Latch()
            try await withDesk(
                Self.server { _ in
                    [.events(), .event(Self.ask), .wait(latch), .event(Desk.result()), .lastChunk]
                }
            ) { desk, upstream in
                let client = try await begin(desk)
                try await client.send(desk.post(Desk.handshake(), Self.version, Self.session))
                try await client.wait { $0.text.contains("elicitation/create") }
                let other = try await desk.client()
                let reply = #"{"jsonrpc":"2.0","id":"q1","result":{"action":"accept","content":{}}}"#
                // Of another client, and to another question: neither goes anywhere.
                try await other.send(desk.post(reply, token: Desk.otherToken, Self.version))
                #expect(try await other.answer().status == 202)
                try await other.send(desk.post(reply.replacing("q1", with: "q2"), Self.version, Self.session))
                #expect(try await other.answer().status == 202)
                #expect(!upstream.requests.contains { $0.body.contains("accept") })
                for _ in 0..<2 {
                    try await other.send(desk.post(reply, Self.version, Self.session))
                    #expect(try await other.answer().status == 202)
                }
                #expect(upstream.requests.filter { $0.body == reply }.count == 1)
                latch.open()
                #expect(try await client.answer().events == [Self.ask, Desk.result()])
                let records = try await desk.records()
                let asked = records.filter { $0["method"] == "elicitation/create" }
                #expect(asked.compactMap { $0["kind"]?.text } == ["call.begin", "call.end"])
                #expect(asked[1]["out"]?["is"] == "ok")
                let call = try #require(records.first { $0["method"] == "tools/call" })
                #expect(asked[0]["trace"] == call["trace"])
                #expect(asked[0]["call"] != call["call"])
            }
        }

        @Test("A request of the server that the policy refuses is answered with -32601, and recorded")
        func refusedServerRequest() async throws {
            let policy = try Policies.policy([["server": "up"]])
            let sampling = Self.ask.replacing("elicitation/create", with: "sampling/createMessage")
            try await withDesk(
                Self.server { _ in
                    [.events(), .event(sampling), .event(Desk.result()), .lastChunk]
                },
                policy: policy
            ) { desk, upstream in
                let client = try await begin(desk)
                try await client.send(desk.post(Desk.handshake(), Self.version, Self.session))
                #expect(!(try await client.answer().body.contains("sampling")))
                try await upstream.wait { $0.body.contains("-32601") }
                let answer = try #require(upstream.requests.first { $0.body.contains("-32601") })
                #expect(answer.body.contains(#""id":"q1""#))
                #expect(answer.header("Mcp-Session-Id") == "s-1")
                #expect(answer.header("MCP-Protocol-Version") == "2025-11-25")
                let denied = try await desk.records().filter { $0["kind"] == "call.deny" }
                #expect(denied.compactMap { $0["method"]?.text } == ["sampling/createMessage"])
            }
        }

        @Test("While the client is asked, the clock of the call is stopped")
        func clockStandsStill() async throws {
            let latch = Latch()
            try await withDesk(
                Self.server { _ in
                    [.events(), .event(Self.ask), .wait(latch), .event(Desk.result()), .lastChunk]
                },
                timeout: .milliseconds(500)
            ) { desk, _ in
                let client = try await begin(desk)
                try await client.send(desk.post(Desk.handshake(), Self.version, Self.session))
                try await client.wait { $0.text.contains("elicitation") }
                // The call has had its time, and was given more.
                let due = await desk.service.onLoop { $0.table.connections.map(\.deadline).min() ?? 0 }
                try await desk.wait { $0.table.connections.allSatisfy { $0.deadline > due } }
                #expect(!client.isClosed)
                let other = try await desk.client()
                try await other.send(
                    desk.post(#"{"jsonrpc":"2.0","id":"q1","result":{"action":"decline"}}"#, Self.version, Self.session)
                )
                #expect(try await other.answer().status == 202)
                latch.open()
                #expect(try await client.answer().events.last == Desk.result())
            }
        }

        @Test("What the client leaves unanswered ends with the stream")
        func unanswered() async throws {
            try await withDesk(Self.server { _ in [.events(), .event(Self.ask), .event(Desk.result()), .lastChunk] }) {
                desk,
                _ in
                let client = try await begin(desk)
                try await client.send(desk.post(Desk.handshake(), Self.version, Self.session))
                _ = try await client.answer()
                let asked = try await desk.records().filter { $0["method"] == "elicitation/create" }
                #expect(asked.last?["out"]?["is"] == "cancelled")
            }
        }

        @Test("A call that is too slow is taken back at the server")
        func timeoutTold() async throws {
            try await withDesk(Self.server { _ in [.pause(milliseconds: 5000)] }, timeout: .milliseconds(700)) {
                desk,
                upstream in
                let client = try await begin(desk)
                try await client.send(desk.post(Desk.handshake(), Self.version, Self.session))
                #expect(try error(try await client.answer()) == (-31004, "timeout"))
                try await upstream.wait { $0.body.contains("notifications/cancelled") }
                let told = try #require(upstream.requests.first { $0.body.contains("notifications/cancelled") })
                #expect(told.body.contains(#""requestId":1"#))
            }
        }

        @Test("A call that the client takes back ends as cancelled")
        func cancelled() async throws {
            let latch = Latch()
            try await withDesk(Self.server { _ in [.events(), .wait(latch), .lastChunk] }) { desk, upstream in
                let client = try await begin(desk)
                try await client.send(desk.post(Desk.handshake(), Self.version, Self.session))
                let other = try await desk.client()
                try await other.send(
                    desk.post(
                        #"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#,
                        Self.version,
                        Self.session
                    )
                )
                #expect(try await other.answer().status == 202)
                latch.open()
                _ = try await client.answer()
                let end = try await desk.records().last { $0["kind"] == "call.end" }
                #expect(end?["out"]?["is"] == "cancelled")
            }
        }

        // MARK: The server's own stream

        @Test("A server's own stream opens at once, lasts, and is judged")
        func stream() async throws {
            let policy = try Policies.policy([["server": "up", "resources": ["note://*"], "tools": ["*"]]])
            func updated(_ uri: String) -> String {
                #"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"\#(uri)"}}"#
            }
            let latch = Latch()
            let steps: [FakeUpstream.Step] = [
                .events(), .event("", id: "4"), .wait(latch), .event(updated("secret://a")),
                .event(updated("note://a"), id: "5"),
                .event(Desk.result()), .event(updated("note://b")), .pause(milliseconds: 5000),
            ]
            try await withDesk(
                Self.server { request in request.line.hasPrefix("GET") ? steps : [.json(Desk.result())] },
                policy: policy,
                timeout: .milliseconds(200)
            ) { desk, upstream in
                _ = try await begin(desk)
                let first = try await desk.client()
                try await first.send(desk.request("GET /servers/up/mcp", [Self.version, Self.session]))
                try await first.wait { $0.text.contains("id: 4") }
                await first.close()
                let stream = try await desk.client()
                try await stream.send(
                    desk.request("GET /servers/up/mcp", [Self.version, Self.session, "Last-Event-ID: 4"])
                )
                let head = try await stream.wait { $0.text.contains("\r\n\r\n") }
                #expect(head.contains("text/event-stream"))
                // It may be silent for longer than a call.
                let isTimed = await desk.service.onLoop { $0.table.connections.contains { $0.deadline < .max } }
                #expect(!isTimed)
                latch.open()
                let text = try await stream.wait { $0.text.contains("note://b") }
                #expect(text.contains("note://a") && !text.contains("secret"))
                // An answer to nothing that this client has asked.
                #expect(!text.contains("result"))
                #expect(upstream.requests.last?.header("Last-Event-ID") == "4")
                // Once the policy is another, the stream is not there any more.
                await desk.update { $0.policy = .none }
                try await stream.wait { $0.isClosed }
            }
        }

        @Test(
            "What a server says to GET",
            arguments: [
                ("405 Method Not Allowed", 405, "up opens no stream of its own for you"),
                ("401 Unauthorized", 405, "Sign in to up first: run `doorward connect up`"),
                ("403 Forbidden", 405, "up opens no stream of its own for you"),
                ("404 Not Found", 405, "up opens no stream of its own for you"),
                ("429 Wait", 429, "up refuses this with HTTP 429"),
                ("500 Oops", 502, "up does not answer as it should"),
            ]
        )
        func getStatuses(status: String, expected: Int, words: String) async throws {
            try await withDesk(Self.server { _ in [.empty(status)] }) { desk, _ in
                let client = try await begin(desk)
                try await client.send(desk.request("GET /servers/up/mcp", [Self.version, Self.session]))
                let refused = try await client.answer()
                #expect(refused.status == expected)
                #expect(refused.body.contains(words), "\(refused.body)")
                #expect(refused.headers["allow"] == (expected == 405 ? "POST" : nil))
                try await client.send(desk.request("GET /servers/up/mcp", ["MCP-Protocol-Version: 2026-07-28"]))
                let modern = try await client.answer()
                #expect(modern.status == 405)
                #expect(modern.body.contains("`subscriptions/listen` opens a stream"))
            }
        }

        @Test("A GET or DELETE that is refused here is told why, and nothing of methods that the address does take")
        func bareWords() async throws {
            try await withDesk(Self.server { _ in [] }, policy: try Policies.open("up")) { desk, upstream in
                let client = try await begin(desk)
                func ask(_ line: String, _ headers: String...) async throws -> (status: Int, body: String) {
                    try await client.send(desk.request(line, [Self.version] + headers))
                    let answer = try await client.answer()
                    #expect(!answer.body.contains("This address takes"))
                    return (answer.status, answer.body)
                }
                let asked = upstream.requests.count
                let missing = try await ask("DELETE /servers/up/mcp")
                #expect(missing.status == 400)
                #expect(missing.body.contains("Mcp-Session-Id says which: it is missing"))
                await desk.update { $0.closure = .locked }
                let locked = try await ask("GET /servers/up/mcp", Self.session)
                #expect(locked.status == 405)
                #expect(locked.body.contains("doorward unlock"))
                await desk.update {
                    $0.closure = nil
                    $0.policy = .none
                }
                let denied = try await ask("GET /servers/up/mcp", Self.session)
                #expect(denied.status == 405)
                #expect(denied.body.contains("The policy does not grant you this at up. An administrator"))
                #expect(upstream.requests.count == asked)
            }
        }

        @Test("A stream that breaks off after a mark is taken up again, and the call has one end")
        func resumed() async throws {
            let list = #"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"get_a"},{"name":"delete_a"}]}}"#
            let policy = try Policies.policy([["server": "up", "tools": ["get_*"]]])
            try await withDesk(
                Self.server { request in
                    request.line.hasPrefix("GET")
                        ? [.events(), .event(list, id: "2"), .lastChunk]
                        : [.events(), .chunk("id: 1\nretry: 10\ndata:\n\n"), .lastChunk]
                },
                policy: policy
            ) { desk, _ in
                let client = try await begin(desk)
                try await client.send(desk.post(Desk.handshake("tools/list", "{}"), Self.version, Self.session))
                let first = try await client.answer()
                #expect(first.body == "id: 1\r\nretry: 10\r\ndata: \r\n\r\n")
                #expect(try await desk.records().filter { $0["method"] == "tools/list" }.count == 1)
                try await client.send(
                    desk.request("GET /servers/up/mcp", [Self.version, Self.session, "Last-Event-ID: 1"])
                )
                let second = try await client.answer()
                #expect(second.events.first?.contains("get_a") == true)
                #expect(second.events.first?.contains("delete_a") == false)
                let records = try await desk.records().filter { $0["method"] == "tools/list" }
                #expect(records.compactMap { $0["kind"]?.text } == ["call.begin", "call.end"])
                #expect(records.last?["out"]?["is"] == "ok")
            }
        }

        @Test("Clients that use equal ids at the same time get their own answers")
        func isolation() async throws {
            try await withDesk({ request in
                let name = request.header("Mcp-Name") ?? ""
                return [.pause(milliseconds: Int64.random(in: 0...30)), .json(Desk.result("7", name))]
            }) { desk, _ in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<50 {
                        group.addTask {
                            let client = try await desk.client()
                            try await client.send(desk.call("canary-\(number)", id: "7"))
                            #expect(try await client.answer().body == Desk.result("7", "canary-\(number)"))
                        }
                    }
                    try await group.waitForAll()
                }
            }
        }
    }
}
