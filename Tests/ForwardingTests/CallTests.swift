import AuditLog
import Bytes
import MCP
import Policy
import Spool
import StrictJSON
import Synchronization
import Testing

@testable import Forwarding

extension RealSockets {
    @Suite("Calls")
    struct CallTests {
        private func error(_ answer: Answer) throws -> (code: Int?, reason: String?) {
            let json = try JSONValue(parsing: Array(answer.body.utf8))
            return (json["error"]?["code"]?.int, json["error"]?["data"]?["reason"]?.text)
        }

        private func kinds(_ records: [JSONValue]) -> [String?] { records.map { $0["kind"]?.text } }

        @Test("A call that outlives its membership ends in the log in which it began")
        func otherLog() async throws {
            let latch = Latch()
            try await withDesk({ _ in [.wait(latch), .json(Desk.result())] }) { desk, upstream in
                let writer = RecordWriter(
                    agent: "agent-2",
                    instance: RandomID(),
                    key: "SHA256:key",
                    boot: "boot",
                    subject: "sub-1"
                )
                let second = try Spool(folder: desk.folder + "/second", writer: writer)
                defer { second.close() }
                let client = try await desk.client()
                try await client.send(desk.call())
                try await upstream.wait { _ in true }
                await desk.update { $0.spool = second }
                latch.open()
                #expect(try await client.answer().error.code == nil)
                #expect(try await desk.outcomes() == (1, ["ok"]))
                #expect(try await second.tail(10).isEmpty)
            }
        }

        @Test("A state that comes late does not take the place of a newer one")
        func lateState() async throws {
            try await withDesk({ _ in [.json(Desk.result())] }) { desk, _ in
                let client = try await desk.client()
                func reason() async throws -> String? {
                    try await client.send(desk.call())
                    return try await client.answer().error.reason
                }
                let states: [(Int, ForwardingState.Closure?, String?)] = [
                    (2, nil, nil), (1, .locked, nil), (3, .revoked, "revoked"), (2, nil, "revoked"), (3, nil, nil),
                ]
                for (number, closure, expected) in states {
                    await desk.update {
                        $0.number = number
                        $0.closure = closure
                    }
                    #expect(try await reason() == expected)
                }
            }
        }

        @Test("Calls that run while a membership ends are answered, and end in its log; those of another go on")
        func endOfMembership() async throws {
            let (latch, grace) = (Latch(), Duration.milliseconds(200))
            var configuration = ForwardingConfiguration()
            configuration.grace = grace
            try await withDesk({ _ in [.wait(latch), .json(Desk.result())] }, configuration: configuration) {
                desk,
                upstream in
                let client = try await desk.client()
                try await client.send(desk.call())
                try await upstream.wait { _ in true }
                let second = try Spool(
                    folder: desk.folder + "/second",
                    writer: RecordWriter(agent: "a", instance: RandomID(), key: "SHA256:key", boot: "b", subject: "s")
                )
                defer { second.close() }
                await desk.update { $0.spool = second }
                let other = try await desk.client()
                try await other.send(desk.call("get"))
                try await upstream.wait { $0.header("Mcp-Name") == "get" }
                let began = ContinuousClock.now
                await desk.service.endCalls(in: desk.spool)
                #expect(ContinuousClock.now - began >= grace)
                let answer = try await client.answer()
                #expect(answer.error == (-31004, "stopping"))
                #expect(answer.body.contains("This machine left its coordinator before up had answered"))
                #expect(try await desk.outcomes() == (1, ["unknown"]))
                // Without calls no client is waited for.
                await desk.service.endCalls(in: desk.spool)
                #expect(ContinuousClock.now - began < grace * 3)
                latch.open()
                #expect(try await other.answer().error.code == nil)
            }
        }

        @Test("An answer in JSON passes as it is, with its record")
        func json() async throws {
            try await withDesk({ _ in [.json(Desk.result())] }) { desk, upstream in
                let client = try await desk.client()
                for _ in 0..<3 {
                    try await client.send(desk.call())
                    let answer = try await client.answer()
                    #expect(answer.status == 200)
                    #expect(answer.body == Desk.result())
                    #expect(answer.headers["content-type"] == "application/json")
                    #expect(answer.headers["doorward-record"]?.count == 32)
                }
                let records = try await desk.records()
                #expect(kinds(records).filter { $0 == "call.begin" }.count == 3)
                #expect(kinds(records).filter { $0 == "call.end" }.count == 3)
                #expect(records.last?["out"]?["is"] == "ok")
                #expect(records.first?["tool"] == "echo")
                #expect(records.first?["client"] == ["how": "token", "id": "tests"])
                #expect(upstream.closedConnections == 0)
            }
        }

        @Test("The record is in the file before a byte leaves")
        func recordFirst() async throws {
            let seen = Mutex("")
            let desk = Mutex<Desk?>(nil)
            try await withDesk({ _ in
                // What a kill at this moment would leave behind.
                seen.withLock { $0 = desk.withLock { $0?.filesNow() ?? "" } }
                return [.json(Desk.result())]
            }) { running, upstream in
                desk.withLock { $0 = running }
                let client = try await running.client()
                try await client.send(running.call())
                let record = try await client.answer().headers["doorward-record"] ?? "none"
                let file = seen.withLock { $0 }
                #expect(file.contains("\"call\":\"\(record)\""))
                #expect(file.contains("call.begin"))
                #expect(!file.contains("call.end"))
                desk.withLock { $0 = nil }
            }
        }

        @Test("A page that the settings let in is told so by its browser, and sees answers; any other sees none")
        func pages() async throws {
            var configuration = ForwardingConfiguration()
            configuration.origins = ["https://studio.example", "http://localhost:5173"]
            try await withDesk({ _ in [.json(Desk.result())] }, configuration: configuration) { desk, upstream in
                let client = try await desk.client()
                let page = "Origin: http://localhost:5173"
                let asking = [
                    "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: authorization,x-a",
                ]
                let line = "OPTIONS /servers/up/mcp"
                try await client.send(desk.request(line, token: nil, [page] + asking))
                let permission = try await client.answer()
                #expect(permission.status == 204)
                #expect(permission.headers["access-control-allow-origin"] == "http://localhost:5173")
                #expect(permission.headers["access-control-allow-headers"] == "authorization,x-a")
                #expect(permission.headers["access-control-allow-methods"] == "GET, POST, DELETE")
                #expect(permission.headers["vary"] == "Origin")

                try await client.send(desk.post(Desk.handshake(), page))
                let answer = try await client.answer()
                #expect(answer.body == Desk.result())
                #expect(answer.headers["access-control-allow-origin"] == "http://localhost:5173")
                #expect(answer.headers["access-control-expose-headers"]?.contains("Mcp-Session-Id") == true)
                #expect(answer.headers["access-control-allow-headers"] == nil)
                // It sees as well why it is refused, and the permission opens nothing by itself.
                try await client.send(desk.post(Desk.handshake(), token: nil, page))
                let refused = try await client.answer()
                #expect(refused.status == 401)
                #expect(refused.headers["access-control-allow-origin"] == "http://localhost:5173")

                // What one request was allowed says nothing of the next, nor of other pages.
                let next = try await desk.client()
                try await next.send(desk.request(line, token: nil, [page] + asking))
                #expect(try await next.answer().status == 204)
                try await next.send("nonsense\r\n\r\n")
                let nonsense = try await next.answer()
                #expect(nonsense.status == 400)
                #expect(!nonsense.headers.keys.contains { $0.hasPrefix("access-control") })
                let numbers = try await desk.client()
                try await numbers.send(desk.request("GET /metrics", token: nil, [page]))
                #expect(try await numbers.answer().headers["access-control-allow-origin"] == nil)

                for origin in ["https://evil.example", "http://127.0.0.1:\(desk.port)"] {
                    let other = try await desk.client()
                    try await other.send(desk.request(line, token: nil, ["Origin: \(origin)"] + asking))
                    let answer = try await other.answer()
                    #expect(answer.status == (origin.contains("evil") ? 403 : 401))
                    #expect(!answer.headers.keys.contains { $0.hasPrefix("access-control") })
                }
                #expect(upstream.requests.count == 1)
                #expect(upstream.requests.first?.header("Origin") == nil)
            }
        }

        @Test("A client that sends on and on while one call is answered is not read on and on")
        func pipelining() async throws {
            let latch = Latch()
            try await withDesk({ request in
                request.body.contains("first") ? [.wait(latch), .json(Desk.result())] : [.json(Desk.result())]
            }) { desk, upstream in
                let client = try await desk.client()
                try await client.send(desk.call("first"))
                try await upstream.wait { $0.body.contains("first") }
                let long = desk.call("long", #"{"text":"\#(String(repeating: "a", count: 1 << 20))"}"#)
                let isSent = Mutex(false)
                let sending = Task {
                    // More than the system keeps on both sides together.
                    for _ in 0..<40 { try await client.send(long) }
                    isSent.withLock { $0 = true }
                }
                try await desk.wait { $0.table.connections.contains { $0.state.isReadingHeld } }
                // As long as nothing is read here, the rest has no place to go.
                #expect(!isSent.withLock { $0 })
                latch.open()
                for _ in 0...40 { #expect(try await client.answer(seconds: 30).body == Desk.result()) }
                try await sending.value
                #expect(upstream.requests.count == 41)
            }
        }

        @Test("Without a way to record it, it is not done")
        func notRecorded() async throws {
            try await withDesk({ _ in [.json(Desk.result())] }) { desk, upstream in
                await desk.update { $0.spool = nil }
                let client = try await desk.client()
                try await client.send(desk.call())
                let answer = try await client.answer()
                #expect(answer.status == 200)
                #expect(try error(answer) == (-31005, "not_recorded"))
                #expect(answer.headers["doorward-record"] == nil)
                #expect(upstream.requests.isEmpty)
            }
        }

        @Test("The server sees what is meant for it and nothing else")
        func headers() async throws {
            try await withDesk(
                { _ in [.json(Desk.result())] },
                credentials: FakeCredentials(FakeCredentials.ready("up-1"))
            ) {
                desk,
                upstream in
                let client = try await desk.client()
                let body = Desk.modern("tools/call", #""name":"echo","#)
                try await client.send(
                    desk.post(
                        body,
                        "MCP-Protocol-Version: 2026-07-28",
                        "Mcp-Method: tools/call",
                        "Mcp-Name: echo",
                        "Mcp-Param-Region: eu",
                        "Mcp-Session-Id: stolen",
                        "Last-Event-ID: 7",
                        "Cookie: a=b",
                        "Proxy-Authorization: Basic YTpi",
                        "X-Forwarded-For: 1.2.3.4",
                        "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
                    )
                )
                #expect(try await client.answer().status == 200)
                let request = try #require(upstream.requests.first)
                #expect(request.line == "POST /mcp HTTP/1.1")
                #expect(request.body == body)
                let names = request.headers.map { $0.name.lowercased() }.sorted()
                #expect(
                    names == [
                        "accept", "authorization", "content-length", "content-type", "host", "mcp-method", "mcp-name",
                        "mcp-param-region", "mcp-protocol-version", "traceparent", "user-agent",
                    ]
                )
                #expect(request.header("Authorization") == "Bearer up-1")
                #expect(request.header("traceparent")?.hasPrefix("00-0af7651916cd43dd8448eb211c80319c-") == true)
                #expect(request.header("traceparent")?.hasSuffix("-b7ad6b7169203331-01") == false)
                #expect(try await desk.records().first?["trace"] == "0af7651916cd43dd8448eb211c80319c")
                #expect(try await desk.records().first?["cred"] == "cred-1")
            }
        }

        @Test("A body in chunks is the same body")
        func chunkedBody() async throws {
            try await withDesk({ _ in [.json(Desk.result())] }) { desk, upstream in
                let client = try await desk.client()
                let body = Desk.handshake("ping", "{}")
                let cut = body.index(body.startIndex, offsetBy: 10)
                let chunks = [body[..<cut], body[cut...]].map { "\(String($0.utf8.count, radix: 16))\r\n\($0)\r\n" }
                    .joined()
                try await client.send(
                    desk.request(
                        "POST /servers/up/mcp",
                        ["Content-Type: application/json", "Transfer-Encoding: chunked"]
                    )
                        + chunks + "0\r\n\r\n" + desk.call()
                )
                #expect(try await client.answer().status == 200)
                #expect(try await client.answer().status == 200)
                #expect(upstream.requests.first?.body == body)
                #expect(upstream.requests.first?.header("Content-Length") == "\(body.utf8.count)")
            }
        }

        @Test("A large body and a large answer pass intact")
        func large() async throws {
            let text = String(repeating: "x", count: 2_000_000)
            try await withDesk({ _ in [.json(Desk.result("1", text))] }) { desk, upstream in
                let client = try await desk.client()
                try await client.send(desk.call("echo", #"{"text":"\#(text)"}"#))
                #expect(try await client.answer(seconds: 20).body == Desk.result("1", text))
                #expect(upstream.requests.first?.body.utf8.count ?? 0 > 2_000_000)
            }
        }
    }
}
