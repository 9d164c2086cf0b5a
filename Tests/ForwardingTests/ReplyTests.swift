import MCP
import Policy
import StrictJSON
import Testing

@testable import Forwarding

extension RealSockets {
    @Suite("Answers of servers")
    struct ReplyTests {
        private func error(_ text: String) throws -> (code: Int?, reason: String?) {
            let json = try JSONValue(parsing: Array(text.utf8))
            return (json["error"]?["code"]?.int, json["error"]?["data"]?["reason"]?.text)
        }

        private static let progress =
            #"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}"#

        private func outcome(_ desk: Desk) async throws -> String? {
            let ends = try await desk.records().filter { $0["kind"] == "call.end" }
            #expect(ends.count == 1)
            return ends.first?["out"]?["is"]?.text
        }

        @Test("A response that comes first goes out as JSON, and the connection to the server is used again")
        func firstResponse() async throws {
            try await withDesk({ _ in [.events(), .event("", id: "1"), .event(Desk.result()), .lastChunk] }) {
                desk,
                upstream in
                let client = try await desk.client()
                for _ in 0..<3 {
                    try await client.send(desk.call())
                    let answer = try await client.answer()
                    #expect(answer.headers["content-type"] == "application/json")
                    #expect(answer.body == Desk.result())
                    try await desk.wait { $0.table.connections.allSatisfy { $0.draining == nil } }
                }
                #expect(upstream.connections == 1)
            }
        }

        @Test("After a notification it stays an event stream, passed on as it comes")
        func events() async throws {
            let latch = Latch()
            try await withDesk({ _ in
                [
                    .events(), .event(Self.progress), .wait(latch), .chunk(": ping\n\n"),
                    .event(Desk.result(), id: "9"),
                    .lastChunk,
                ]
            }) { desk, _ in
                let client = try await desk.client()
                try await client.send(desk.call())
                let first = try await client.wait { $0.text.contains("notifications/progress") }
                #expect(!first.contains("result"))
                latch.open()
                let answer = try await client.answer()
                #expect(answer.headers["content-type"] == "text/event-stream")
                #expect(answer.headers["doorward-record"] != nil)
                #expect(answer.events == [Self.progress, Desk.result()])
                #expect(answer.body.contains("id: 9\r\n"))
                #expect(try await outcome(desk) == "ok")
                // And the connection serves the next request.
                try await client.send(desk.request("GET /healthz", token: nil, []))
                #expect(try await client.answer().status == 200)
            }
        }

        @Test("Events are whole wherever the bytes are cut", arguments: ["\n", "\r\n"])
        func splits(lineBreak: String) async throws {
            let stream =
                ("id: 1\ndata:\n\n" + ": ping\n\n" + "event: message\ndata: \(Self.progress)\n\n"
                + "event: other\ndata: {}\n\n"
                + "data: {\"jsonrpc\":\"2.0\",\ndata: \"id\":1,\"result\":{\"content\":[]}}\n\n").replacing(
                    "\n",
                    with: lineBreak
                )
            let bytes = Array(stream.utf8)
            try await withDesk({ request in
                let cut = Int(request.header("Mcp-Name") ?? "") ?? 1
                let parts = [
                    String(decoding: bytes[..<cut], as: UTF8.self), String(decoding: bytes[cut...], as: UTF8.self),
                ]
                return [.events()] + parts.map { .chunk($0) } + [.lastChunk]
            }) { desk, _ in
                let client = try await desk.client()
                for cut in 1..<bytes.count {
                    try await client.send(desk.call("\(cut)"))
                    let answer = try await client.answer()
                    #expect(answer.body.hasPrefix("id: 1\r\ndata: \r\n\r\n"))
                    #expect(answer.events.first == Self.progress)
                    #expect(answer.body.contains(#"data: {"jsonrpc":"2.0",\#r\#ndata: "id":1,"result""#))
                    #expect(!answer.body.contains("other"))
                }
            }
        }

        @Test("Lists are filtered in JSON and in events alike", arguments: [0, 1, 2])
        func lists(form: Int) async throws {
            let list = #"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"get_a"},{"name":"delete_a"}]}}"#
            let policy = try Policies.policy([["server": "up", "tools": ["get_*"]]])
            try await withDesk(
                { _ in
                    switch form {
                    case 0: [.json(list)]
                    case 1: [.events(), .event(list), .lastChunk]
                    default: [.events(), .event(Self.progress), .event(list), .lastChunk]
                    }
                },
                policy: policy
            ) { desk, _ in
                let client = try await desk.client()
                try await client.send(desk.ask("tools/list"))
                let answer = try await client.answer()
                #expect(answer.body.contains("get_a"))
                #expect(!answer.body.contains("delete_a"))
            }
        }

        @Test("What a server asks for in its result is judged")
        func inputRequests() async throws {
            let asking =
                #"{"jsonrpc":"2.0","id":1,"result":{"resultType":"input_required","inputRequests":{"a":"#
                + #"{"method":"sampling/createMessage","params":{}}}}}"#
            let policy = try Policies.policy([["server": "up"]])
            try await withDesk({ _ in [.json(asking)] }, policy: policy) { desk, _ in
                let client = try await desk.client()
                try await client.send(desk.call())
                #expect(try error(try await client.answer().body) == (-31001, "no_grant"))
                #expect(try await outcome(desk) == "rpc_error")
            }
        }

        @Test(
            "Answers that break the protocol become -31006",
            arguments: [
                ("not json", "malformed"), (#"{"jsonrpc":"2.0","id":2,"result":{}}"#, "foreign_id"),
                (#"{"jsonrpc":"2.0","id":"01","result":{}}"#, "foreign_id"),
                (#"{"jsonrpc":"2.0","id":1,"result":{},"Result":{}}"#, "malformed"),
                (#"{"jsonrpc":"2.0","method":"notifications/message","params":{}}"#, "no_answer"),
                (#"{"jsonrpc":"2.0","id":1,"result":{"resultType":"strange"}}"#, "result_type"), ("", "malformed"),
            ]
        )
        func violations(body: String, reason: String) async throws {
            try await withDesk({ _ in [.json(body)] }) { desk, _ in
                let client = try await desk.client()
                try await client.send(desk.call())
                let answer = try await client.answer()
                #expect(answer.status == 200)
                #expect(try error(answer.body) == (-31006, reason))
                #expect(answer.body.contains(answer.headers["doorward-record"] ?? "none"))
                #expect(try await outcome(desk) == "upstream_error")
            }
        }

        @Test("An id is the same however it is spelled")
        func spelledID() async throws {
            try await withDesk({ _ in [.json(Desk.result(#""a\u0062""#))] }) { desk, _ in
                let client = try await desk.client()
                try await client.send(desk.call(id: #""ab""#))
                #expect(try await client.answer().body.contains("result"))
            }
        }

        @Test(
            "Once events have gone out, the last one says that the server breaks the protocol",
            arguments: [
                "garbage", #"{"jsonrpc":"2.0","id":5,"result":{}}"#,
                #"{"jsonrpc":"2.0","id":5,"method":"elicitation/create","params":{}}"#,
            ]
        )
        func lastEvent(data: String) async throws {
            try await withDesk({ _ in [.events(), .event(Self.progress), .event(data), .lastChunk] }) { desk, _ in
                let client = try await desk.client()
                try await client.send(desk.call())
                let answer = try await client.answer()
                #expect(answer.events.count == 2)
                #expect(try error(answer.events.last ?? "").code == -31006)
                #expect(!answer.body.contains(data))
                #expect(try await outcome(desk) == "upstream_error")
            }
        }

        @Test(
            "An answer that is too large: -31006 as JSON, also in place of a first event, and as the last event",
            arguments: [0, 1, 2]
        )
        func tooLarge(form: Int) async throws {
            var configuration = ForwardingConfiguration()
            configuration.longestReply = 1000
            let large = Desk.result("1", String(repeating: "x", count: 2000))
            try await withDesk(
                { _ in
                    switch form {
                    case 0: [.json(large)]
                    case 1: [.events(), .event(large), .lastChunk]
                    default: [.events(), .event(Self.progress), .event(large), .lastChunk]
                    }
                },
                configuration: configuration
            ) { desk, _ in
                let client = try await desk.client()
                try await client.send(desk.call())
                let answer = try await client.answer()
                #expect(try error(form == 2 ? answer.events.last ?? "" : answer.body) == (-31006, "too_large"))
                #expect(form != 2 || answer.events.first == Self.progress)
                #expect(try await outcome(desk) == "too_large")
            }
        }

        @Test(
            "A JSON-RPC error over an HTTP error passes with its status, under the request's id",
            arguments: [400, 404]
        )
        func rpcError(status: Int) async throws {
            let body = #"{"jsonrpc":"2.0","id":"server-error","error":{"code":-32600,"message":"no session"}}"#
            try await withDesk({ _ in [.json(body, status: "\(status) No", "Mcp-Session-Id: stray")] }) { desk, _ in
                let client = try await desk.client()
                try await client.send(desk.ask("server/discover"))
                let answer = try await client.answer()
                #expect(answer.status == status)
                #expect(answer.body == #"{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"no session"}}"#)
                #expect(answer.headers["mcp-session-id"] == nil)
                #expect(try await outcome(desk) == "rpc_error")
            }
        }

        @Test(
            "Statuses of a server become errors of the agent",
            arguments: [
                ("500 Oops", -31004, "status_500"), ("302 Found", -31004, "redirected"),
                ("403 Forbidden", -31004, "refused"),
                ("202 Accepted", -31006, "no_answer"), ("404 Not Found", -31004, "status_404"),
            ]
        )
        func statuses(status: String, code: Int, reason: String) async throws {
            try await withDesk({ _ in [.empty(status)] }) { desk, upstream in
                let client = try await desk.client()
                for _ in 0..<2 {
                    try await client.send(desk.call())
                    let answer = try await client.answer()
                    #expect(answer.status == 200)
                    #expect(try error(answer.body) == (code, reason))
                }
                #expect(upstream.closedConnections == 0)
            }
        }

        @Test("A server that is not there is -31004, and known to be down it is refused without a begin")
        func down() async throws {
            try await withDesk({ _ in [] }) { desk, upstream in
                await upstream.stop()
                let client = try await desk.client()
                for _ in 0..<8 {
                    try await client.send(desk.call())
                    let answer = try await client.answer()
                    #expect(try error(answer.body).code == -31004)
                    #expect(answer.body.contains(#""server":"up""#))
                }
                let records = try await desk.records()
                let ends = records.filter { $0["kind"] == "call.end" }
                #expect(ends.count >= 1)
                #expect(ends.allSatisfy { $0["out"]?["is"] == "not_sent" })
                #expect(records.filter { $0["kind"] == "call.deny" }.allSatisfy { $0["dec"]?["reason"] == "down" })
                #expect(records.contains { $0["kind"] == "call.deny" })
                #expect(await desk.service.health().first?.state == .down)
            }
        }

        @Test("A server that hangs up: before an answer, in it, in an event stream", arguments: 0...2)
        func hangsUp(form: Int) async throws {
            try await withDesk({ _ in
                switch form {
                case 0: [.close]
                case 1:
                    [.send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{"), .close]
                default: [.events(), .event(Self.progress), .close]
                }
            }) { desk, _ in
                let client = try await desk.client()
                try await client.send(desk.call())
                let answer = try await client.answer()
                #expect(try error(form == 2 ? answer.events.last ?? "" : answer.body).code == -31004)
                #expect(try await outcome(desk) == "upstream_error")
            }
        }

        @Test("A server that ends its events before it has answered")
        func endsEarly() async throws {
            try await withDesk({ _ in [.events(), .lastChunk] }) { desk, _ in
                let client = try await desk.client()
                try await client.send(desk.call())
                #expect(try error(try await client.answer().body) == (-31006, "no_answer"))
            }
        }

        // MARK: Time

        @Test("Silence is what ends a call, not its length")
        func silence() async throws {
            try await withDesk(
                { request in
                    request.header("Mcp-Name") == "mute"
                        ? [.pause(milliseconds: 5000), .json(Desk.result())]
                        : [
                            .events(), .event(Self.progress), .pause(milliseconds: 250), .chunk(": ping\n\n"),
                            .pause(milliseconds: 250), .event(Desk.result()), .lastChunk,
                        ]
                },
                timeout: .milliseconds(400)
            ) { desk, upstream in
                let client = try await desk.client()
                try await client.send(desk.call())
                #expect(try await client.answer().events.count == 2)
                try await client.send(desk.call("mute"))
                #expect(try error(try await client.answer().body) == (-31004, "timeout"))
                let ends = try await desk.records().filter { $0["kind"] == "call.end" }
                #expect(ends.compactMap { $0["out"]?["is"]?.text } == ["ok", "timeout"])
                #expect(await desk.service.health().first?.state == .degraded)
            }
        }

        @Test("A client that closes a modern call cancels it at the server")
        func disconnect() async throws {
            try await withDesk({ _ in [.events(), .event(Self.progress), .pause(milliseconds: 5000)] }) {
                desk,
                upstream in
                let client = try await desk.client()
                try await client.send(desk.call())
                try await client.wait { $0.text.contains("progress") }
                await client.close()
                for _ in 0..<200 where upstream.closedConnections == 0 { try await Task.sleep(for: .milliseconds(5)) }
                #expect(upstream.closedConnections == 1)
                #expect(try await outcome(desk) == "cancelled")
            }
        }

        @Test("A reader that is slow holds the server back, and is let go when it reads nothing at all")
        func slowReader() async throws {
            var configuration = ForwardingConfiguration()
            configuration.readerRest = .milliseconds(500)
            let filling = String(repeating: "x", count: 100_000)
            let noise =
                #"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"\#(filling)"}}"#
            // More than the kernel's buffers of four sockets hold.
            try await withDesk(
                { request in
                    let count = request.header("Mcp-Name") == "endless" ? 400 : 60
                    return [.events()] + (0..<count).map { _ in .event(noise) } + [.event(Desk.result()), .lastChunk]
                },
                configuration: configuration
            ) { desk, upstream in
                let client = try await desk.client()
                try await client.send(desk.call())
                try await client.stopReading()
                try await desk.wait { $0.table.connections.contains { !$0.isWritable } }
                try await client.startReading()
                #expect(try await client.answer(seconds: 20).events.count == 61)

                let stuck = try await desk.client()
                try await stuck.stopReading()
                try await stuck.send(desk.call("endless"))
                #expect(try await desk.wait(forEnds: 1, of: "endless") == ["cancelled"])
                #expect(try await desk.outcomes() == (1, ["ok"]))
                await stuck.close()
            }
        }

        @Test("A reader that leaves a large answer unread is let go too")
        func unreadAnswer() async throws {
            var configuration = ForwardingConfiguration()
            configuration.readerRest = .milliseconds(500)
            let large = Desk.result("1", String(repeating: "x", count: 7_500_000))
            try await withDesk({ _ in [.json(large)] }, configuration: configuration) { desk, _ in
                let client = try await RawClient(port: desk.port, isNarrow: true)
                try await client.stopReading()
                try await client.send(desk.call())
                // The call itself has long ended; what is left is a connection that holds its answer.
                _ = try await desk.wait(forEnds: 1)
                try await desk.wait { $0.table.connections.isEmpty }
                try await client.startReading()
                let text = try await client.end(seconds: 10)
                #expect(text.utf8.count < 7_500_000)
            }
        }

        @Test("The end of the agent waits for calls, and not for ever")
        func ending() async throws {
            let latch = Latch()
            var configuration = ForwardingConfiguration()
            configuration.grace = .milliseconds(600)
            try await withDesk(
                { request in
                    request.header("Mcp-Name") == "long" ? [] : [.wait(latch), .json(Desk.result())]
                },
                configuration: configuration
            ) { desk, upstream in
                let short = try await desk.client()
                try await short.send(desk.call())
                let long = try await desk.client()
                try await long.send(desk.call("long"))
                try await upstream.wait { $0.header("Mcp-Name") == "long" }
                let opening = Task {
                    try await desk.wait { $0.isEnding }
                    latch.open()
                }
                await desk.service.shutdown()
                try await opening.value
                #expect(short.text.contains("result"))
                try await long.wait { $0.isClosed }
                let ends = try await desk.records().filter { $0["kind"] == "call.end" }
                #expect(Set(ends.compactMap { $0["out"]?["is"]?.text }) == ["ok", "unknown"])
                let answer = try #require(Answer(long.text))
                #expect(try error(answer.body) == (-31004, "stopping"))
                #expect(ends.contains { answer.body.contains($0["call"]?.text ?? "-") })
            }
        }
    }
}
