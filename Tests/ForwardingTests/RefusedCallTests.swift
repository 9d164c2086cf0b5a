import MCP
import Policy
import StrictJSON
import Synchronization
import Testing

@testable import Forwarding

extension RealSockets {
    @Suite("Calls that are refused")
    struct RefusedCallTests {
        private func error(_ answer: Answer) throws -> (code: Int?, reason: String?) {
            let json = try JSONValue(parsing: Array(answer.body.utf8))
            return (json["error"]?["code"]?.int, json["error"]?["data"]?["reason"]?.text)
        }

        private func kinds(_ records: [JSONValue]) -> [String?] { records.map { $0["kind"]?.text } }

        @Test(
            "What the strict reader refuses is on record, whether or not its request can be told",
            arguments: [
                ("{", -32700, 400), (#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"x"}"#, -32600, 200),
                (#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, -32600, 400),
                (#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, -32600, 400),
                (#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}"#, -32602, 200),
            ]
        )
        func unreadable(body: String, code: Int, status: Int) async throws {
            try await withDesk({ _ in [] }) { desk, upstream in
                let client = try await desk.client()
                try await client.send(desk.post(body))
                let answer = try await client.answer()
                #expect(answer.status == status)
                #expect(try error(answer).code == code)
                #expect(upstream.requests.isEmpty)
                // The record says that a client tried, and the answer says where.
                let records = try await desk.records()
                #expect(kinds(records) == ["call.deny"])
                #expect(records.first?["dec"]?["reason"] == "bad_request")
                let json = try JSONValue(parsing: Array(answer.body.utf8))
                #expect(json["error"]?["data"]?["record"] == records.first?["call"])
            }
        }

        @Test("Headers that contradict the body are refused and recorded")
        func mismatch() async throws {
            try await withDesk({ _ in [] }) { desk, upstream in
                let client = try await desk.client()
                let text = desk.call().replacing("Mcp-Name: echo", with: "Mcp-Name: other")
                try await client.send(text)
                let answer = try await client.answer()
                #expect(answer.status == 400)
                #expect(try error(answer) == (-32020, "header_mismatch"))
                #expect(kinds(try await desk.records()) == ["call.deny"])
                #expect(upstream.requests.isEmpty)
            }
        }

        @Test("An alias that does not exist and one of another user look the same")
        func unknownServers() async throws {
            let policy = try Policies.open("granted")
            try await withDesk({ _ in [] }, policy: policy) { desk, upstream in
                let client = try await desk.client()
                var bodies: [String] = []
                for alias in ["up", "never"] {
                    try await client.send(desk.call(to: alias))
                    let answer = try await client.answer()
                    #expect(answer.status == 404)
                    bodies.append(answer.body)
                }
                #expect(bodies[0] == bodies[1])
                let records = try await desk.records()
                #expect(kinds(records) == ["call.deny", "call.deny"])
                #expect(records.allSatisfy { $0["srv"]?.text?.hasPrefix("sha256:") == true })
                #expect(records.allSatisfy { $0["dec"]?["reason"] == "unknown_server" })
                #expect(upstream.requests.isEmpty)
            }
        }

        @Test("What is not granted, and what is forbidden")
        func denied() async throws {
            let policy = try Policies.policy(
                [["server": "up", "tools": ["echo", "delete_*"]]],
                forbid: [["tools": ["delete_*"], "because": "deletions go through review"]]
            )
            try await withDesk({ _ in [] }, policy: policy) { desk, upstream in
                let client = try await desk.client()
                try await client.send(desk.call("fail", id: #""seven""#))
                var answer = try await client.answer()
                #expect(answer.status == 200)
                #expect(try error(answer) == (-31001, "no_grant"))
                #expect(answer.body.contains(#""id":"seven""#))
                try await client.send(desk.call("delete_thing"))
                answer = try await client.answer()
                #expect(try error(answer) == (-31001, "forbidden"))
                #expect(answer.body.contains(#""rules":["forbid/0"]"#))
                let record = try #require(answer.headers["doorward-record"])
                let records = try await desk.records()
                #expect(kinds(records) == ["call.deny", "call.deny"])
                #expect(records[1]["call"]?.text == record)
                #expect(records[1]["dec"]?["rules"] == ["forbid/0"])
                #expect(upstream.requests.isEmpty)
            }
        }

        @Test("A policy that only observes passes what no grant opens, and the record says so")
        func observed() async throws {
            let policy = try Policies.policy(
                [["server": "other"]],
                forbid: [["tools": ["delete_*"]]],
                mode: .observe
            )
            try await withDesk({ _ in [.json(Desk.result())] }, policy: policy) { desk, upstream in
                let client = try await desk.client()
                try await client.send(desk.call("fail"))
                #expect(try await client.answer().body.contains("result"))
                try await client.send(desk.call("delete_thing"))
                #expect(try error(try await client.answer()) == (-31001, "forbidden"))
                let records = try await desk.records()
                #expect(kinds(records) == ["call.begin", "call.end", "call.deny"])
                #expect(records[0]["dec"]?["is"] == "allow")
                #expect(records[0]["dec"]?["reason"] == "observed")
                #expect(records[0]["dec"]?["observed"] == "no_grant")
                #expect(records[2]["dec"]?["observed"] == nil)
                #expect(upstream.requests.count == 1)
            }
        }

        @Test("Before a policy and after its time every alias gets the same answer")
        func closedPolicy() async throws {
            let open = try Policies.open()
            for (policy, reason) in [(PolicySnapshot.none, "no_grant"), (open.expired(), "policy_expired")] {
                try await withDesk({ _ in [] }, policy: policy) { desk, _ in
                    let client = try await desk.client()
                    for alias in ["up", "never"] {
                        try await client.send(desk.call(to: alias))
                        let answer = try await client.answer()
                        #expect(answer.status == 200)
                        #expect(try error(answer) == (-31001, reason))
                    }
                }
            }
        }

        @Test(
            "Not enrolled, and locked",
            arguments: [
                (ForwardingState.Closure.notEnrolled, "not_enrolled"), (.locked, "locked"),
            ]
        )
        func closed(closure: ForwardingState.Closure, reason: String) async throws {
            try await withDesk({ _ in [] }) { desk, _ in
                await desk.update { $0.closure = closure }
                let client = try await desk.client()
                try await client.send(desk.call(to: "anything"))
                #expect(try error(try await client.answer()) == (-31003, reason))
                try await client.send(desk.request("GET /servers/up/mcp", []))
                #expect(try await client.answer().status == 405)
                try await client.send(desk.request("DELETE /servers/up/mcp", ["Mcp-Session-Id: s"]))
                #expect(try await client.answer().status == 204)
                try await client.send(desk.post(#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#))
                #expect(try await client.answer().status == 202)
            }
        }

        @Test("An unknown method", arguments: [true, false])
        func unknownMethod(isModern: Bool) async throws {
            try await withDesk({ _ in [] }) { desk, _ in
                let client = try await desk.client()
                try await client.send(
                    isModern ? desk.ask("frobnicate/now") : desk.post(Desk.handshake("frobnicate/now"))
                )
                let answer = try await client.answer()
                #expect(answer.status == (isModern ? 404 : 200))
                #expect(try error(answer) == (-32601, "unknown_method"))
                let record = try #require(try await desk.records().first)
                #expect(record["dec"]?["reason"] == "unknown_method")
                #expect(record["method"]?.text?.hasPrefix("sha256:") == true)
            }
        }

        @Test("Methods of the other era are unknown too, and so are revisions from elsewhere")
        func eras() async throws {
            try await withDesk({ _ in [] }) { desk, _ in
                let client = try await desk.client()
                try await client.send(desk.ask("logging/setLevel", #""level":"debug","#))
                #expect(try await client.answer().status == 404)
                try await client.send(desk.post(Desk.handshake("server/discover", "{}")))
                #expect(try error(try await client.answer()).code == -32601)
                let body = Desk.modern("tools/list").replacing("2026-07-28", with: "2099-01-01")
                try await client.send(desk.post(body, "MCP-Protocol-Version: 2099-01-01", "Mcp-Method: tools/list"))
                let answer = try await client.answer()
                #expect(answer.status == 400)
                #expect(try error(answer) == (-32022, "unsupported_version"))
            }
        }

        @Test("A burst passes, then the bucket says when; slots come back when calls end")
        func limits() async throws {
            let policy = try Policies.policy(
                [["server": "up"]],
                limits: [
                    ["per": "user", "tools": ["add"], "rate": "6/min", "burst": 2],
                    ["per": "user", "tools": ["slow"], "concurrent": 1],
                ]
            )
            let latch = Latch()
            try await withDesk(
                { request in
                    request.body.contains("slow") ? [.wait(latch), .json(Desk.result())] : [.json(Desk.result())]
                },
                policy: policy
            ) { desk, upstream in
                let client = try await desk.client()
                var codes: [Int?] = []
                for _ in 0..<3 {
                    try await client.send(desk.call("add"))
                    let answer = try await client.answer()
                    codes.append(try error(answer).code)
                    if codes.count == 3 {
                        let json = try JSONValue(parsing: Array(answer.body.utf8))
                        let wait = try #require(json["error"]?["data"]?["retry_after_ms"]?.int)
                        #expect((5_000...10_000).contains(wait))
                    }
                }
                #expect(codes == [nil, nil, -31002])
                let other = try await desk.client()
                try await client.send(desk.call("slow"))
                try await upstream.wait { $0.body.contains("slow") }
                try await other.send(desk.call("slow"))
                let second = try await other.answer()
                #expect(try error(second).code == -31002)
                #expect(second.body.contains(#""retry_after_ms":1000"#))
                latch.open()
                #expect(try error(try await client.answer()).code == nil)
                try await other.send(desk.call("slow"))
                #expect(try error(try await other.answer()).code == nil)
                let denied = try await desk.records().filter { $0["kind"] == "call.deny" }
                #expect(denied.compactMap { $0["dec"]?["limiter"]?.text } == ["limits/0", "limits/1"])
            }
        }
    }
}
