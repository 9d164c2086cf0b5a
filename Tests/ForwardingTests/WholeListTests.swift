import MCP
import Policy
import StrictJSON
import Testing

@testable import Forwarding

extension RealSockets {
    @Suite("Lists that servers cut into pages")
    struct WholeListTests {
        /// What a server answers on the page of a cursor: `nil` is the first.
        private typealias Page = @Sendable (_ cursor: String?, _ id: String) -> [FakeUpstream.Step]

        private static func server(_ page: @escaping Page) -> @Sendable (FakeUpstream.Request) -> [FakeUpstream.Step] {
            { request in
                let json = try? JSONValue(parsing: Array(request.body.utf8))
                if json?["method"] == "server/discover" {
                    return [
                        .json(
                            #"{"jsonrpc":"2.0","id":\#(json?["id"]?.json ?? ""),"result":{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"ttlMs":0,"cacheScope":"public"}}"#
                        )
                    ]
                }
                return page(json?["params"]?["cursor"]?.text, json?["id"]?.json ?? "")
            }
        }

        private static func result(_ id: String, _ tools: String..., next: String? = nil) -> String {
            let entries = tools.map { #"{"name":"\#($0)"}"# }.joined(separator: ",")
            let cursor = next.map { #","nextCursor":"\#($0)""# } ?? ""
            return
                #"{"jsonrpc":"2.0","id":\#(id),"result":{"resultType":"complete","tools":[\#(entries)],"ttlMs":9,"cacheScope":"public"\#(cursor)}}"#
        }

        private static let three: Page = { cursor, id in
            switch cursor {
            case nil: [.json(result(id, "a", "b", next: "2"))]
            case "2": [.json(result(id, "secret", next: "3"))]
            default: [.json(result(id, "c"))]
            }
        }

        /// What was asked beside what the agent asks to know the server.
        private func lists(_ upstream: FakeUpstream) -> [FakeUpstream.Request] {
            upstream.requests.filter { $0.body.contains("tools/list") }
        }

        private func names(_ body: String) throws -> [String] {
            let json = try JSONValue(parsing: Array(body.utf8))
            #expect(json["id"] == 1)
            #expect(json["result"]?["nextCursor"] == nil)
            return json["result"]?["tools"]?.array?.compactMap { $0["name"]?.text } ?? []
        }

        @Test("come in one answer, filtered by the policy, with one pair of records")
        func whole() async throws {
            let policy = try Policies.policy([["server": "up", "tools": ["a", "b", "c"]]])
            try await withDesk(Self.server(Self.three), policy: policy) { desk, upstream in
                let client = try await desk.client()
                for _ in 0..<2 {
                    try await client.send(desk.ask("tools/list"))
                    let answer = try await client.answer()
                    #expect(try names(answer.body) == ["a", "b", "c"])
                    #expect(answer.body.contains(#""ttlMs":9,"cacheScope":"private""#))
                    #expect(answer.headers["content-type"] == "application/json")
                }
                let asked = lists(upstream)
                #expect(asked.count == 6)
                #expect(asked.allSatisfy { $0.header("Mcp-Method") == "tools/list" })
                // Each page is a request of its own, and says who asks like the first.
                #expect(asked.allSatisfy { $0.body.contains("io.modelcontextprotocol/clientCapabilities") })
                let ids = try asked.map { try JSONValue(parsing: Array($0.body.utf8))["id"] }
                #expect(Set(ids).count == 5)
                let records = try await desk.records().map { $0["kind"]?.text }
                #expect(records == ["call.begin", "call.end", "call.begin", "call.end"])
                #expect(upstream.closedConnections == 0)
            }
        }

        @Test("come as pages to a client that sends a cursor, also an empty one")
        func pages() async throws {
            try await withDesk(Self.server(Self.three)) { desk, upstream in
                let client = try await desk.client()
                // A member that is not set is no cursor.
                try await client.send(desk.ask("tools/list", #""cursor":null,"#))
                #expect(try names(try await client.answer().body) == ["a", "b", "secret", "c"])
                try await client.send(desk.ask("tools/list", #""cursor":"2","#))
                #expect(try await client.answer().body.contains(#""nextCursor":"3""#))
                try await client.send(desk.ask("tools/list", #""cursor":"","#))
                _ = try await client.answer()
                #expect(lists(upstream).count == 5)
            }
        }

        @Test("pass as they came where there is one page, byte by byte")
        func onePage() async throws {
            try await withDesk(Self.server { _, id in [.json(Self.result(id, "a"))] }) { desk, upstream in
                let client = try await desk.client()
                try await client.send(desk.ask("tools/list"))
                #expect(try await client.answer().body == Self.result("1", "a"))
                #expect(lists(upstream).count == 1)
            }
        }

        @Test("come whole from events too: alone as JSON, behind other messages as the last event")
        func events() async throws {
            let note = #"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}"#
            for notes in [[], [note]] {
                let server = Self.server { cursor, id in
                    let page = cursor == nil ? Self.result(id, "a", next: "2") : Self.result(id, "b")
                    return [.events()] + notes.map { .event($0) } + [
                        .event(page, id: "7"), .pause(milliseconds: 20), .lastChunk,
                    ]
                }
                try await withDesk(server) { desk, upstream in
                    let client = try await desk.client()
                    try await client.send(desk.ask("tools/list"))
                    let answer = try await client.answer()
                    let isStream = !notes.isEmpty
                    #expect(answer.headers["content-type"] == (isStream ? "text/event-stream" : "application/json"))
                    #expect(try names(isStream ? answer.events.last ?? "" : answer.body) == ["a", "b"])
                    #expect(answer.events.count == (isStream ? 3 : 0))
                    #expect(upstream.closedConnections == 0)
                }
            }
        }

        @Test("end with an error where a page is refused or does not come, and with one record of it")
        func failures() async throws {
            let refused = #"{"code":-32602,"message":"No such cursor"}"#
            let steps: [(Page, Int, String)] = [
                ({ _, id in [.json(#"{"jsonrpc":"2.0","id":\#(id),"error":\#(refused)}"#)] }, -32602, "rpc_error"),
                (
                    { _, _ in [.json(#"{"jsonrpc":"2.0","id":null,"error":\#(refused)}"#, status: "400 Bad Request")] },
                    -32602, "rpc_error"
                ),
                ({ _, _ in [.close] }, -31004, "upstream_error"),
                ({ _, _ in [.json("nonsense")] }, -31006, "upstream_error"),
                ({ _, _ in [.json(Self.result("1", "b"))] }, -31006, "upstream_error"),
                ({ _, _ in [.empty("503 Down")] }, -31004, "upstream_error"),
            ]
            for (second, code, outcome) in steps {
                let server = Self.server { cursor, id in
                    cursor == nil ? [.json(Self.result(id, "a", next: "2"))] : second(cursor, id)
                }
                try await withDesk(server) { desk, _ in
                    let client = try await desk.client()
                    try await client.send(desk.ask("tools/list"))
                    let answer = try await client.answer()
                    let json = try JSONValue(parsing: Array(answer.body.utf8))
                    #expect(json["error"]?["code"]?.int == code)
                    #expect(json["id"] == 1)
                    let records = try await desk.records()
                    #expect(records.map { $0["kind"]?.text } == ["call.begin", "call.end"])
                    #expect(records.last?["out"]?["is"]?.text == outcome)
                }
            }
        }

        @Test("without an end are given up: too many pages, too many entries, a circle of cursors")
        func endless() async throws {
            let endless: Page = { cursor, id in
                let number = cursor.flatMap { Int($0) } ?? 0
                return [.json(Self.result(id, "t\(number)", next: "\(number + 1)"))]
            }
            let circle: Page = { cursor, id in [.json(Self.result(id, "a", next: cursor == "x" ? "y" : "x"))] }
            var configuration = ForwardingConfiguration()
            for (page, pages, items, reason, asked) in [
                (endless, 100, 10_000, "too_many_pages", 100), (endless, 100, 20, "too_many_items", 21),
                (circle, 100, 10_000, "cursor_cycle", 3),
            ] {
                configuration.mostPages = pages
                configuration.mostItems = items
                try await withDesk(Self.server(page), configuration: configuration) { desk, upstream in
                    let client = try await desk.client()
                    try await client.send(desk.ask("tools/list"))
                    #expect(try await client.answer(seconds: 20).error == (-31006, reason))
                    #expect(lists(upstream).count == asked)
                    let ends = try await desk.records().compactMap { $0["out"]?["is"]?.text }
                    #expect(ends == [reason == "cursor_cycle" ? "upstream_error" : "too_large"])
                }
            }
        }

        @Test("are whole where the server writes an empty cursor for none")
        func emptyCursor() async throws {
            for refuses in [true, false] {
                let server = Self.server { cursor, id in
                    if cursor != nil, refuses {
                        return [.json(#"{"jsonrpc":"2.0","id":\#(id),"error":{"code":-32602,"message":"?"}}"#)]
                    }
                    return [.json(Self.result(id, "a", next: ""))]
                }
                try await withDesk(server) { desk, _ in
                    let client = try await desk.client()
                    try await client.send(desk.ask("tools/list"))
                    let found = try names(try await client.answer().body)
                    #expect(Set(found) == ["a"])
                }
            }
        }

        @Test("take the time of their server page by page, and end when the client goes")
        func clientGone() async throws {
            let latch = Latch()
            let server = Self.server { cursor, id in
                cursor == nil ? [.json(Self.result(id, "a", next: "2"))] : [.wait(latch), .json(Self.result(id, "b"))]
            }
            try await withDesk(server) { desk, upstream in
                let client = try await desk.client()
                try await client.send(desk.ask("tools/list"))
                try await upstream.wait { $0.body.contains("cursor") }
                await client.close()
                try await desk.wait { path in path.table.connections.isEmpty }
                let ends = try await desk.records().compactMap { $0["out"]?["is"]?.text }
                #expect(ends == ["cancelled"])
                latch.open()
            }
        }
    }
}
