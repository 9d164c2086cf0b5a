import Forwarding
import StrictJSON
import Testing

extension RealSockets {
    /// Servers that do what none should, and what is on record afterwards.
    @Suite("Odd servers")
    struct OddServerTests {
        private static let version = "MCP-Protocol-Version: 2025-11-25"
        private static let session = "Mcp-Session-Id: s-1"
        private static let welcome =
            #"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"s","version":"1"}}}"#
        private static let progress =
            #"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}"#

        /// A client in a session, with a server that answers everything else with `steps`.
        private func withSession(
            _ steps: @escaping @Sendable (FakeUpstream.Request) -> [FakeUpstream.Step],
            timeout: Duration = .seconds(30),
            _ body: (Desk, RawClient) async throws -> Void
        ) async throws {
            try await withDesk(
                { request in
                    if request.body.contains("\"initialize\"") { return [.json(Self.welcome, "Mcp-Session-Id: s-1")] }
                    return steps(request)
                },
                timeout: timeout
            ) { desk, _ in
                let client = try await desk.client()
                let params =
                    #"{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}"#
                try await client.send(desk.post(Desk.handshake("initialize", params)))
                #expect(try await client.answer().status == 200)
                try await body(desk, client)
            }
        }

        private func ends(_ desk: Desk, of method: JSONValue) async throws -> [String] {
            try await desk.records().filter { $0["kind"] == "call.end" && $0["method"] == method }
                .compactMap { $0["out"]?["is"]?.text }
        }

        @Test("A call that was taken back is cancelled, though the server lets its stream rest until the time is up")
        func cancelledAndSilent() async throws {
            try await withSession(
                { request in
                    request.body.contains("notifications/")
                        ? [.empty("202 Accepted")] : [.events(), .event(Self.progress), .pause(milliseconds: 5000)]
                },
                timeout: .milliseconds(600)
            ) { desk, client in
                try await client.send(desk.post(Desk.handshake(), Self.version, Self.session))
                try await client.wait { $0.text.contains("notifications/progress") }
                let other = try await desk.client()
                let cancelled = #"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#
                try await other.send(desk.post(cancelled, Self.version, Self.session))
                #expect(try await other.answer().status == 202)
                #expect(try await client.answer().events == [Self.progress])
                #expect(try await ends(desk, of: "tools/call") == ["cancelled"])
            }
        }

        @Test("That a request was taken back is forgotten with its end, however many there were")
        func manyCancelled() async throws {
            try await withSession({ request in
                request.body.contains("notifications/") ? [.empty("202 Accepted")] : [.json(Desk.result())]
            }) { desk, client in
                let cancelled = #"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#
                for _ in 0..<100 {
                    try await client.send(desk.post(cancelled, Self.version, Self.session))
                    #expect(try await client.answer().status == 202)
                    try await client.send(desk.post(Desk.handshake(), Self.version, Self.session))
                    #expect(try await client.answer().body == Desk.result())
                }
                #expect(try await ends(desk, of: "tools/call") == Array(repeating: "ok", count: 100))
            }
        }

        @Test("An answer that the server does not take is no good end of its question")
        func refusedAnswer() async throws {
            let ask = #"{"jsonrpc":"2.0","id":"q1","method":"elicitation/create","params":{"message":"?"}}"#
            let latch = Latch()
            try await withSession({ request in
                request.body.contains("accept")
                    ? [.empty("500 Oops")] : [.events(), .event(ask), .wait(latch), .event(Desk.result()), .lastChunk]
            }) { desk, client in
                try await client.send(desk.post(Desk.handshake(), Self.version, Self.session))
                try await client.wait { $0.text.contains("elicitation/create") }
                let other = try await desk.client()
                let reply = #"{"jsonrpc":"2.0","id":"q1","result":{"action":"accept","content":{}}}"#
                try await other.send(desk.post(reply, Self.version, Self.session))
                #expect(try await other.answer().status == 202)
                latch.open()
                #expect(try await client.answer().events.last == Desk.result())
                #expect(try await ends(desk, of: "elicitation/create") == ["upstream_error"])
            }
        }

        @Test("A question on the stream that begins a session is answered within it")
        func earlyQuestion() async throws {
            let ask = #"{"jsonrpc":"2.0","id":"q1","method":"elicitation/create","params":{"message":"?"}}"#
            let latch = Latch()
            try await withDesk({ request in
                request.body.contains("accept")
                    ? [.empty("202 Accepted")]
                    : [.events("Mcp-Session-Id: s-1"), .event(ask), .wait(latch), .event(Self.welcome), .lastChunk]
            }) { desk, upstream in
                let client = try await desk.client()
                try await client.send(desk.post(Desk.handshake("initialize", #"{"protocolVersion":"2025-11-25"}"#)))
                try await client.wait { $0.text.contains("elicitation/create") }
                let other = try await desk.client()
                let reply = #"{"jsonrpc":"2.0","id":"q1","result":{"action":"accept","content":{}}}"#
                try await other.send(desk.post(reply, Self.version, Self.session))
                #expect(try await other.answer().status == 202)
                #expect(upstream.requests.last?.body == reply)
                #expect(upstream.requests.last?.header("Mcp-Session-Id") == "s-1")
                latch.open()
                let answer = try await client.answer()
                #expect(answer.headers["mcp-session-id"] == (await desk.sessions.id(of: "s-1")))
                #expect(answer.events.last == Self.welcome)
                #expect(try await ends(desk, of: "elicitation/create") == ["ok"])
            }
        }

        @Test("A server that asks again and again for what it may not is not listened to for ever")
        func endlessQuestions() async throws {
            let asks = (0..<500).map { number in
                FakeUpstream.Step.event(
                    #"{"jsonrpc":"2.0","id":\#(number),"method":"sampling/createMessage","params":{}}"#
                )
            }
            try await withDesk(
                { request in
                    request.body.contains("tools/call")
                        ? [.events()] + asks + [.event(Desk.result()), .lastChunk] : [.empty("202 Accepted")]
                },
                policy: try Policies.policy([["server": "up"]])
            ) { desk, _ in
                let client = try await desk.client()
                try await client.send(desk.post(Desk.handshake(), Self.version))
                let json = try JSONValue(parsing: Array(try await client.answer().body.utf8))
                #expect(json["error"]?["data"]?["reason"] == "server_request")
                let denials = try await desk.records().filter { $0["kind"] == "call.deny" }
                #expect((50...65).contains(denials.count))
                #expect(try await ends(desk, of: "tools/call") == ["upstream_error"])
            }
        }

        @Test(
            "A session whose end the server does not take is over for its client all the same",
            arguments: [
                ("401 Unauthorized", 204), ("403 Forbidden", 204), ("404 Not Found", 204), ("405 No", 204),
                ("200 OK", 200),
            ]
        )
        func refusedEnd(status: String, told: Int) async throws {
            try await withSession({ request in
                request.line.hasPrefix("DELETE") ? [.empty(status)] : [.json(Desk.result())]
            }) { desk, client in
                try await client.send(desk.request("DELETE /servers/up/mcp", [Self.version, Self.session]))
                #expect(try await client.answer().status == told)
                try await client.send(desk.post(Desk.handshake(), Self.version, Self.session))
                #expect(try await client.answer().error.reason == "unknown_session")
            }
        }

        @Test("A session with an empty id is unknown")
        func noID() async throws {
            try await withDesk({ _ in [.empty("200 OK")] }) { desk, upstream in
                let client = try await desk.client()
                try await client.send(desk.request("DELETE /servers/up/mcp", [Self.version, "Mcp-Session-Id: "]))
                #expect(try await client.answer().status == 404)
                #expect(upstream.requests.isEmpty)
            }
        }

        @Test("What came before a request is not its answer")
        func staleAnswer() async throws {
            let answers = [Desk.result(), Desk.result("1", "stale")].map { body in
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
            }
            try await withDesk({ _ in [.send(answers.joined())] }) { desk, upstream in
                let client = try await desk.client()
                for count in 1...20 {
                    try await client.send(desk.call())
                    #expect(try await client.answer().body == Desk.result())
                    #expect(upstream.requests.count == count)
                }
            }
        }

        @Test("A method that a server does not have is no end of the session")
        func unknownMethod() async throws {
            let error = #"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no"}}"#
            try await withSession({ request in
                request.body.contains("prompts/list") ? [.json(error, status: "404 No")] : [.json(Desk.result())]
            }) { desk, client in
                try await client.send(desk.post(Desk.handshake("prompts/list", "{}"), Self.version, Self.session))
                let answer = try await client.answer()
                #expect(answer.status == 404)
                #expect(answer.body == error)
                try await client.send(desk.post(Desk.handshake(), Self.version, Self.session))
                #expect(try await client.answer().body == Desk.result())
            }
        }

        @Test("Of marks that come before anything else the last one is kept")
        func marks() async throws {
            let marks = FakeUpstream.Step.chunk(String(repeating: "id: 1\n\n", count: 20_000) + "id: 2\n\n")
            try await withDesk({ _ in [.events(), marks, .event(Self.progress), .event(Desk.result()), .lastChunk] }) {
                desk,
                _ in
                let client = try await desk.client()
                try await client.send(desk.call())
                let answer = try await client.answer()
                #expect(answer.body.hasPrefix("id: 2\r\ndata: \r\n\r\n"))
                #expect(answer.body.utf8.count < 1000)
                #expect(answer.events == [Self.progress, Desk.result()])
            }
        }

        @Test("A server that refuses is down since then, if it was not known before")
        func refusedSince() async throws {
            try await withDesk({ _ in [.empty("403 Forbidden")] }) { desk, _ in
                let client = try await desk.client()
                try await client.send(desk.call())
                let json = try JSONValue(parsing: Array(try await client.answer().body.utf8))
                let data = json["error"]?["data"]
                #expect(data?["reason"] == "refused")
                #expect(data?["since"]?.text?.hasSuffix("Z") == true)
            }
        }
    }
}
