import MCP
import Policy
import StrictJSON
import Testing
import TransparencyLog

@testable import Forwarding

extension RealSockets {
    @Suite("Calls that are judged by what definitions say")
    struct AnnotationTests {
        private static let tools = #"""
            {"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","tools":[
             {"name":"look","inputSchema":{},"annotations":{"readOnlyHint":true}},
             {"name":"drop","inputSchema":{},"annotations":{"destructiveHint":true}}]}}
            """#

        private func answer(_ request: FakeUpstream.Request) -> [FakeUpstream.Step] {
            [.json(request.body.contains("tools/list") ? Self.tools : Desk.result())]
        }

        private func reason(_ answer: Answer) throws -> String? {
            try JSONValue(parsing: Array(answer.body.utf8))["error"]?["data"]?["reason"]?.text
        }

        @Test("Until a server is trusted and has shown its tools, each of them is taken for destructive")
        func trusted() async throws {
            let policy = try Policies.policy([["server": "up"]], forbid: [["annotation": "destructive"]])
            try await withDesk({ answer($0) }, policy: policy) { desk, _ in
                let client = try await desk.client()
                func call(_ tool: String) async throws -> String? {
                    try await client.send(desk.call(tool))
                    return try reason(try await client.answer())
                }
                func listed() async throws -> String {
                    try await client.send(desk.ask("tools/list"))
                    return try await client.answer().body
                }
                #expect(try await listed().contains(#""tools":[]"#))
                #expect(try await call("look") == "forbidden")
                await desk.update { $0.servers[0].pins = ToolPinning(entry: .of([1]), trustsAnnotations: true) }
                // It has shown its tools already.
                #expect(try await call("look") == nil)
                let tools = try await listed()
                #expect(tools.contains("look") && !tools.contains("drop"))
                #expect(try await call("look") == nil)
                #expect(try await call("drop") == "forbidden")
                // What nobody has listed is destructive too.
                #expect(try await call("other") == "forbidden")
                await desk.update { $0.servers[0].pins = ToolPinning(entry: .of([1])) }
                #expect(try await call("look") == "forbidden")
            }
        }
    }
}
