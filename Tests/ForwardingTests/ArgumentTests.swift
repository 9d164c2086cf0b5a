import MCP
import Policy
import StrictJSON
import Testing

@testable import Forwarding

extension RealSockets {
    @Suite("Calls that are judged by their arguments")
    struct ArgumentTests {
        private static func policy() throws -> PolicySnapshot {
            try Policies.policy(
                [
                    ["server": "up", "tools": ["echo"], "args": [0]],
                    ["server": "up", "prompts": ["review"], "args": [0]],
                ],
                forbid: [["tools": ["echo"], "args": [1]]],
                conditions: [["at": "/owner", "in": ["acme"]], ["at": "/path", "path_under": "/etc"]]
            )
        }

        private func reason(_ answer: Answer) throws -> String? {
            try JSONValue(parsing: Array(answer.body.utf8))["error"]?["data"]?["reason"]?.text
        }

        @Test("What goes to the server is what was judged, and the record tells what came of each condition")
        func calls() async throws {
            try await withDesk({ _ in [.json(Desk.result())] }, policy: try Self.policy()) { desk, upstream in
                let client = try await desk.client()
                for (arguments, expected) in [
                    (#"{"owner":"acme","path":"/srv"}"#, nil), (#"{"owner":"evil","path":"/srv"}"#, "no_grant"),
                    (#"{"owner":"acme","path":"/etc/x"}"#, "forbidden"), (#"{"owner":"acme"}"#, "forbidden"),
                    (#"{"owner":"acme","Owner":"evil","path":"/srv"}"#, "no_grant"),
                ] {
                    try await client.send(desk.call("echo", id: "1", arguments))
                    #expect(try reason(try await client.answer()) == expected, "\(arguments)")
                }
                #expect(upstream.requests.count == 1)
                let records = try await desk.records().filter { $0["kind"] != "call.end" }
                let told = records.map { record in
                    (record["dec"]?["args"]?.array ?? []).compactMap { $0.text?.split(separator: ":").last }
                }
                #expect(told == [["0", "1"], ["0", "0"], ["1", "1"], ["u", "1"], ["0", "u"]])
                let names = records.compactMap {
                    $0["dec"]?["args"]?.array?.compactMap { $0.text?.split(separator: ":")[0] }
                }
                #expect(names.allSatisfy { $0 == names[0] })
                let text = records.map(\.json).joined()
                #expect(!text.contains("acme") && !text.contains("/etc"))
            }
        }

        @Test("Members beside the arguments are not taken for them")
        func beside() async throws {
            try await withDesk({ _ in [.json(Desk.result())] }, policy: try Self.policy()) { desk, upstream in
                let client = try await desk.client()
                let good = #"{"owner":"acme","path":"/srv"}"#
                for params in [#""argument":\#(good),"#, #""arguments":{"owner":"evil"},"argument":\#(good),"#] {
                    let body = Desk.modern("tools/call", #""name":"echo",\#(params)"#)
                    try await client.send(
                        desk.post(body, "MCP-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call", "Mcp-Name: echo")
                    )
                    #expect(try reason(try await client.answer()) == "forbidden")
                }
                #expect(upstream.requests.isEmpty)
            }
        }

        @Test("Prompts are judged alike, and a completion has no arguments yet")
        func prompts() async throws {
            try await withDesk({ _ in [.json(Desk.result())] }, policy: try Self.policy()) { desk, upstream in
                let client = try await desk.client()
                func ask(_ method: String, _ params: String) async throws -> String? {
                    let name = method == "prompts/get" ? ["Mcp-Name: review"] : []
                    let lines = ["MCP-Protocol-Version: 2026-07-28", "Mcp-Method: \(method)"] + name
                    try await client.send(
                        desk.request(
                            "POST /servers/up/mcp",
                            lines + ["Content-Type: application/json"],
                            body: Desk.modern(method, params)
                        )
                    )
                    return try reason(try await client.answer())
                }
                #expect(try await ask("prompts/get", #""name":"review","arguments":{"owner":"acme"},"#) == nil)
                #expect(try await ask("prompts/get", #""name":"review","arguments":{"owner":"x"},"#) == "no_grant")
                #expect(try await ask("prompts/get", #""name":"review","#) == "no_grant")
                let completion =
                    #""ref":{"type":"ref/prompt","name":"review"},"argument":{"name":"owner","value":"a"},"#
                #expect(try await ask("completion/complete", completion) == "no_grant")
                let dressed = completion + #""arguments":{"owner":"acme"},"#
                #expect(try await ask("completion/complete", dressed) == "no_grant")
                #expect(upstream.requests.count == 1)
            }
        }

        @Test("A list shows a tool that may be called with some arguments")
        func lists() async throws {
            let tools = #""tools":[{"name":"echo","inputSchema":{}},{"name":"other","inputSchema":{}}]"#
            try await withDesk(
                { _ in [.json(#"{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete",\#(tools)}}"#)] },
                policy: try Self.policy()
            ) { desk, _ in
                let client = try await desk.client()
                try await client.send(desk.ask("tools/list"))
                let answer = try await client.answer()
                #expect(answer.body.contains("echo") && !answer.body.contains("other"))
            }
        }
    }
}
