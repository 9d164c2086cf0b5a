import Forwarding
import Foundation
import ServiceKit
import StrictJSON
import Testing

extension RealSockets {
    /// Refusals by status: clients show the message of a JSON-RPC error, and nothing else.
    @Suite("Refusals by status")
    struct RefusedStatusTests {
        private static let body = #"{"jsonrpc":"2.0","id":5,"method":"tools/list","params":{}}"#

        @Test(
            "A POST is told why in JSON-RPC, with what to do",
            arguments: [
                ("Host: evil.example", 421, "doorward status"), ("Origin: null", 403, "origins"),
                ("Authorization: Bearer dwc1_wrong", 401, "doorward client add NAME"),
                ("Content-Type: text/plain", 415, "application/json"),
                ("Content-Encoding: gzip", 415, "Content-Encoding"),
                ("Content-Length: 4194305", 413, "4 MiB"), ("Path: /servers/other/mcp", 404, "doorward servers"),
                ("Path: /mcps", 404, "doorward servers"), ("Path: /healthz", 405, "GET"),
            ]
        )
        func told(change: String, status: Int, words: String) async throws {
            try await withDesk({ _ in [] }) { desk, upstream in
                var lines = [
                    "Host": "127.0.0.1:\(desk.port)", "Authorization": "Bearer \(Desk.token)",
                    "Content-Type": "application/json", "Content-Length": "\(Self.body.utf8.count)",
                    "Path": "/servers/up/mcp",
                ]
                let parts = change.components(separatedBy: ": ")
                lines[parts[0]] = parts[1]
                let path = lines.removeValue(forKey: "Path") ?? ""
                let client = try await desk.client()
                let head = lines.map { "\($0.key): \($0.value)\r\n" }.sorted().joined()
                try await client.send("POST \(path) HTTP/1.1\r\n\(head)\r\n\(Self.body)")
                let answer = try await client.answer()
                #expect(answer.status == status)
                #expect(answer.headers["content-type"] == "application/json")
                #expect(answer.headers["www-authenticate"] == nil)
                let json = try JSONValue(parsing: Array(answer.body.utf8))
                #expect(json["jsonrpc"] == "2.0")
                #expect(json["id"] == (path == "/servers/other/mcp" ? 5 : .null))
                #expect(json["error"]?["message"]?.text?.contains(words) == true, "\(answer.body)")
                #expect(json["error"]?["data"]?["reason"]?.text?.isEmpty == false)
                #expect(upstream.requests.isEmpty)
            }
        }

        @Test("What is refused by its status has no record, and is counted")
        func counted() async throws {
            try await withDesk({ _ in [] }) { desk, _ in
                for _ in 0..<3 {
                    let client = try await desk.client()
                    try await client.send(desk.post(Self.body, token: "dwc1_wrong"))
                    #expect(try await client.answer().status == 401)
                }
                #expect(desk.metrics.text().contains(#"doorward_rejected_requests_total{status="401"} 3"#))
                #expect(try await desk.records().isEmpty)
            }
        }

        @Test("A head that is too long or too slow is told the same way where its method is known")
        func heads() async throws {
            var configuration = ForwardingConfiguration()
            configuration.headDeadline = .milliseconds(200)
            try await withDesk({ _ in [] }, configuration: configuration) { desk, _ in
                let long = "X: \(String(repeating: "a", count: 70_000))\r\n\r\n"
                for (rest, status) in [(long, 431), ("Host: 127", 408)] {
                    let client = try await desk.client()
                    try await client.send("POST /servers/up/mcp HTTP/1.1\r\n\(rest)")
                    let text = try await client.end()
                    #expect(text.hasPrefix("HTTP/1.1 \(status) "))
                    #expect(text.contains(#"{"jsonrpc":"2.0","id":null,"error":{"#))
                }
            }
        }

        @Test("Nothing but the message tells a missing server from another user's; the record is in the head")
        func sameWords() async throws {
            try await withDesk({ _ in [] }, policy: try Policies.open("up")) { desk, upstream in
                let hidden = try upstream.entry("hidden")
                await desk.update { $0.servers.append(hidden) }
                let client = try await desk.client()
                var bodies: Set<String> = []
                for alias in ["hidden", "nothing"] {
                    try await client.send(desk.post(Self.body, to: alias))
                    let answer = try await client.answer()
                    #expect(answer.status == 404)
                    #expect(answer.headers["doorward-record"]?.count == 32)
                    bodies.insert(answer.body)
                }
                #expect(bodies.count == 1)
            }
        }

        @Test("The well-known documents stay a plain 404, whatever asks for them", arguments: ["GET", "POST", "HEAD"])
        func wellKnown(method: String) async throws {
            try await withDesk({ _ in [] }) { desk, _ in
                let client = try await desk.client()
                try await client.send(
                    "\(method) /.well-known/oauth-protected-resource HTTP/1.1\r\nHost: 127.0.0.1:\(desk.port)\r\n"
                        + "Connection: close\r\n\r\n"
                )
                let text = try await client.end()
                #expect(text.hasPrefix("HTTP/1.1 404 "))
                #expect(text.contains("text/plain"))
            }
        }

        @Test(
            "The answer to HEAD has a head alone, so that the next answer is not mistaken for its body",
            arguments: [
                ("/healthz", 200), ("/readyz", 200), ("/metrics", 200), ("/servers/up/mcp", 405), ("/nowhere", 404),
            ]
        )
        func headRequests(path: String, status: Int) async throws {
            try await withDesk({ _ in [] }) { desk, _ in
                let client = try await desk.client()
                let next = "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:\(desk.port)\r\nConnection: close\r\n\r\n"
                try await client.send(desk.request("HEAD \(path)", []) + next)
                let text = try await client.end()
                #expect(text.hasPrefix("HTTP/1.1 \(status) "))
                let end = try #require(text.range(of: "\r\n\r\n"))
                #expect(text[end.upperBound...].hasPrefix("HTTP/1.1 200 "))
                #expect(text.components(separatedBy: "HTTP/1.1 ").count == 3)
            }
        }

        @Test(
            "A body that the strict reader refuses is told to its request; a session goes on that a status would end",
            arguments: [
                (#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"a":1,"a":2}}"#, -32600, true),
                (#"{"jsonrpc":"2.0","method":"tools/call","params":{"s":"\ud800"},"id":1}"#, -32600, true),
                (#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"n":1e400}}"#, -32600, true),
                (#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}"#, -32602, true),
                (#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#, -32600, false), ("{", -32700, false),
                (#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, -32600, false),
            ]
        )
        func unreadable(body: String, code: Int, isTold: Bool) async throws {
            try await withDesk({ _ in [] }) { desk, upstream in
                let client = try await desk.client()
                for (version, status) in [("2025-11-25", isTold ? 200 : 400), ("2026-07-28", 400)] {
                    try await client.send(desk.post(body, "MCP-Protocol-Version: \(version)"))
                    let answer = try await client.answer()
                    #expect(answer.status == status)
                    let json = try JSONValue(parsing: Array(answer.body.utf8))
                    #expect(json["error"]?["code"]?.int == code)
                    #expect(json["id"] == (isTold ? 1 : .null))
                    #expect(json["error"]?["data"]?["record"]?.text == answer.headers["doorward-record"])
                }
                #expect(upstream.requests.isEmpty)
            }
        }

        @Test("One slash more, two blanks behind Bearer, two Accept lines and absent params are what they mean")
        func spellings() async throws {
            try await withDesk({ _ in [.json(#"{"jsonrpc":"2.0","id":5,"result":{"tools":[]}}"#)] }) { desk, upstream in
                let client = try await desk.client()
                let body = #"{"jsonrpc":"2.0","id":5,"method":"tools/list","params":null}"#
                try await client.send(
                    desk.request(
                        "POST /servers/up/mcp/",
                        token: nil,
                        [
                            "Authorization: Bearer  \(Desk.token)", "Content-Type: application/json",
                            "Content-Encoding: identity", "Accept: text/event-stream", "Accept: application/json",
                        ],
                        body: body
                    )
                )
                #expect(try await client.answer().status == 200)
                #expect(upstream.requests.last?.header("Accept") == "text/event-stream, application/json")
                #expect(upstream.requests.last?.body == body)
            }
        }
    }
}
