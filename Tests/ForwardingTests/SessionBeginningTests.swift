import AuditLog
import StrictJSON
import Synchronization
import Testing

@testable import Forwarding

/// A server with sessions, which a test makes forget them.
private final class ForgetfulServer: Sendable {
    private struct State {
        var number = 0
        var known: Set<String> = []
        var lost = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
    }

    private let state = Mutex(State())

    func forget(saying lost: String? = nil) {
        state.withLock { state in
            state.known = []
            if let lost { state.lost = lost }
        }
    }

    /// Says how a status with a JSON-RPC error looks.
    static func says(_ status: String, _ body: String) -> String {
        "HTTP/1.1 \(status)\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    func answer(
        _ request: FakeUpstream.Request,
        revision: String = "2025-11-25",
        _ other: (FakeUpstream.Request) -> [FakeUpstream.Step]?
    ) -> [FakeUpstream.Step] {
        state.withLock { state in
            if request.body.contains("\"initialize\"") {
                if let steps = other(request) { return steps }
                state.number += 1
                state.known.insert("s-\(state.number)")
                let id = request.body.contains(#""id":0"#) ? 0 : 1
                return [
                    .json(
                        #"{"jsonrpc":"2.0","id":\#(id),"result":{"protocolVersion":"\#(revision)","capabilities":{},"serverInfo":{}}}"#,
                        "Mcp-Session-Id: s-\(state.number)"
                    )
                ]
            }
            guard let id = request.header("Mcp-Session-Id"), state.known.contains(id) else {
                return [.send(state.lost)]
            }
            if let steps = other(request) { return steps }
            if request.line.hasPrefix("GET") { return [.events()] }
            return request.body.contains("\"id\"") ? [.json(Desk.result())] : [.empty("202 Accepted")]
        }
    }
}

extension RealSockets {
    @Suite("A session that its server has lost is begun anew")
    struct SessionBeginningTests {
        /// A client in a session with a server that forgets.
        private func withSession(
            other: @escaping @Sendable (FakeUpstream.Request) -> [FakeUpstream.Step]? = { _ in nil },
            revision: @escaping @Sendable () -> String = { "2025-11-25" },
            _ body: (Desk, FakeUpstream, ForgetfulServer, RawClient) async throws -> Void
        ) async throws {
            let server = ForgetfulServer()
            try await withDesk({ server.answer($0, revision: revision(), other) }) { desk, upstream in
                let client = try await Handshake.begin(desk)
                try await body(desk, upstream, server, client)
            }
        }

        private func methods(_ requests: [FakeUpstream.Request]) -> [String] {
            requests.map { request in
                let json = try? JSONValue(parsing: Array(request.body.utf8))
                return json?["method"]?.text ?? String(request.line.prefix(while: { $0 != " " }))
            }
        }

        @Test(
            "The call is asked again in the next one, under the id that the client knows, and nothing of that is on record",
            arguments: [
                "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
                ForgetfulServer.says(
                    "404 Not Found",
                    #"{"jsonrpc":"2.0","id":"server-error","error":{"code":-32600,"message":"Session not found"}}"#
                ),
                ForgetfulServer.says(
                    "404 Not Found",
                    #"{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"Session not found"}}"#
                ),
                ForgetfulServer.says(
                    "400 Bad Request",
                    #"{"jsonrpc":"2.0","error":{"code":-32000,"message":"Bad Request: No valid session ID provided"},"id":null}"#
                ),
            ]
        )
        fileprivate func again(lost: String) async throws {
            try await withSession { desk, upstream, server, client in
                server.forget(saying: lost)
                let count = upstream.requests.count
                try await client.send(desk.sessionCall())
                #expect(try await client.answer().body == Desk.result())
                let asked = Array(upstream.requests[count...])
                #expect(
                    methods(asked) == ["tools/call", "initialize", "notifications/initialized", "tools/call"]
                )
                #expect(asked.map { $0.header("Mcp-Session-Id") } == ["s-1", nil, "s-2", "s-2"])
                #expect(asked[1].body.contains(#""clientInfo":{"name":"t","version":"1"}"#))
                #expect(asked[2].header("MCP-Protocol-Version") == "2025-11-25")
                #expect(try await desk.outcomes() == (1, ["ok"]))
                let begun = try await desk.records().filter {
                    $0["method"] == "initialize" && $0["kind"] == "call.begin"
                }
                #expect(begun.count == 1)
                // The client goes on with what it has.
                try await client.send(desk.sessionCall())
                #expect(try await client.answer().body == Desk.result())
                #expect(upstream.requests.last?.header("Mcp-Session-Id") == "s-2")
            }
        }

        @Test("An error about the request itself does not end a session")
        func aboutTheRequest() async throws {
            let error = #"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no such session method"}}"#
            try await withSession(
                other: { $0.body.contains("tools/call") ? [.send(ForgetfulServer.says("404 Not Found", error))] : nil }
            ) { desk, upstream, _, client in
                try await client.send(desk.sessionCall())
                #expect(try await client.answer().body == error)
                #expect(methods(upstream.requests).filter { $0 == "initialize" }.count == 1)
            }
        }

        @Test("Many calls at once wait for one beginning")
        func together() async throws {
            try await withSession { desk, upstream, server, _ in
                server.forget()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<8 {
                        group.addTask {
                            let client = try await desk.client()
                            try await client.send(desk.sessionCall(id: "1"))
                            #expect(try await client.answer().body == Desk.result(), "\(number)")
                        }
                    }
                    try await group.waitForAll()
                }
                #expect(methods(upstream.requests).filter { $0 == "initialize" }.count == 2)
            }
        }

        @Test("The level of its logs and its subscriptions are asked for again")
        func wishes() async throws {
            try await withSession { desk, upstream, server, client in
                for (method, params) in [
                    ("logging/setLevel", #"{"level":"debug"}"#), ("resources/subscribe", #"{"uri":"a://1"}"#),
                    ("resources/subscribe", #"{"uri":"a://2"}"#), ("resources/unsubscribe", #"{"uri":"a://1"}"#),
                ] {
                    try await client.send(
                        desk.post(Desk.handshake(method, params), Handshake.version, Handshake.session())
                    )
                    #expect(try await client.answer().body == Desk.result())
                }
                server.forget()
                let count = upstream.requests.count
                try await client.send(desk.sessionCall())
                #expect(try await client.answer().body == Desk.result())
                let asked = Array(upstream.requests[count...])
                #expect(
                    methods(asked) == [
                        "tools/call", "initialize", "notifications/initialized", "logging/setLevel",
                        "resources/subscribe", "tools/call",
                    ]
                )
                #expect(asked[3].body.contains(#""params":{"level":"debug"}"#))
                #expect(asked[4].body.contains(#""params":{"uri":"a://2"}"#))
            }
        }

        @Test("A call whose connection broke is not repeated, and its answer says so; the next one begins the session")
        func broken() async throws {
            try await withSession(
                other: { $0.body.contains("break") ? [.close] : nil }
            ) { desk, upstream, server, client in
                try await client.send(desk.sessionCall("break"))
                let answer = try await client.answer()
                #expect(answer.error.code == -31004)
                #expect(answer.body.contains("It may have done what it was asked."))
                #expect(upstream.requests.filter { $0.body.contains("break") }.count == 1)
                server.forget()
                try await client.send(desk.sessionCall())
                #expect(try await client.answer().body == Desk.result())
            }
        }

        @Test("A server that begins no other session is told in the call's answer, and the session stays")
        func refused() async throws {
            let isRefused = Latch()
            try await withSession(
                other: { request in
                    guard request.body.contains("\"initialize\""), isRefused.isOpen else { return nil }
                    return [.empty("503 Service Unavailable")]
                }
            ) { desk, upstream, server, client in
                isRefused.open()
                server.forget()
                try await client.send(desk.sessionCall())
                let answer = try await client.answer()
                #expect(answer.status == 200)
                #expect(answer.error == (-31004, "session_lost"))
                #expect(answer.body.contains("HTTP 503") && answer.body.contains("Nothing was done"))
                #expect(try await desk.outcomes() == (1, ["upstream_error"]))
                let count = upstream.requests.count
                try await client.send(desk.sessionCall())
                #expect(try await client.answer().error == (-31004, "session_lost"))
                // What has no session does not reach the server.
                #expect(methods(Array(upstream.requests[count...])) == ["initialize"])
                #expect(try await desk.outcomes() == (2, ["upstream_error", "not_sent"]))
            }
        }

        @Test("A server that speaks another revision by now is not spoken to in the client's")
        func otherRevision() async throws {
            let revision = Mutex("2025-11-25")
            try await withSession(revision: { revision.withLock { $0 } }) { desk, _, server, client in
                revision.withLock { $0 = "2025-03-26" }
                server.forget()
                try await client.send(desk.sessionCall())
                #expect(try await client.answer().body.contains("another revision"))
            }
        }

        @Test("The server's own stream is opened in the next session, and says that the lists may be others")
        func stream() async throws {
            try await withSession { desk, upstream, server, client in
                server.forget()
                try await client.send(desk.stream())
                try await client.wait { $0.text.contains("notifications/tools/list_changed") }
                #expect(upstream.requests.last?.header("Mcp-Session-Id") == "s-2")
            }
        }

        @Test("Messages and the end of a session that the server has lost go nowhere, and end well")
        func nothingToSay() async throws {
            try await withSession { desk, upstream, server, client in
                server.forget()
                let note = #"{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}"#
                for _ in 0..<2 {
                    try await client.send(desk.post(note, Handshake.version, Handshake.session()))
                    #expect(try await client.answer().status == 202)
                }
                // The first has shown that there is nobody to tell.
                #expect(methods(upstream.requests).filter { $0.contains("roots") }.count == 1)
                let delete = desk.request("DELETE /servers/up/mcp", [Handshake.version, Handshake.session()])
                try await client.send(delete)
                #expect(try await client.answer().status == 204)
                #expect(!methods(upstream.requests).contains("DELETE"))
                try await client.send(delete)
                #expect(try await client.answer().status == 404)
            }
        }

        @Test(
            "A call that was under way in the lost session ends, and its client hears of it where it looks for the answer"
        )
        func owed() async throws {
            try await withSession(
                other: { request in
                    request.body.contains("slow") ? [.events(), .chunk("id: p1\ndata:\n\n"), .lastChunk] : nil
                }
            ) { desk, upstream, server, client in
                try await client.send(desk.sessionCall("slow", id: "5"))
                #expect(try await client.answer().body.contains("id: p1"))
                server.forget()
                try await client.send(desk.stream(behind: "p1"))
                let events = try await client.answer().events
                #expect(events.count == 1)
                #expect(Answer.error(in: events.first ?? "") == (-31004, "session_lost"))
                #expect(events.first?.contains(#""id":5"#) == true)
                #expect(events.first?.contains("nobody knows whether it was done") == true)
                #expect(try await desk.outcomes(of: "slow") == (1, ["unknown"]))
                // The next stream is a new one: no server is asked for events of a session that is no more.
                try await client.send(desk.stream(behind: "p1"))
                try await client.wait { $0.text.contains("text/event-stream") }
                try await upstream.wait { $0.line.hasPrefix("GET") && $0.header("Mcp-Session-Id") == "s-2" }
                #expect(upstream.requests.last?.header("Last-Event-ID") == nil)
            }
        }
    }
}
