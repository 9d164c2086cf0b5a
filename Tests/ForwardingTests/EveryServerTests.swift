import MCP
import Policy
import StrictJSON
import Testing

@testable import Forwarding

extension RealSockets {
    @Suite("The endpoint of all servers")
    struct EveryServerTests {
        /// A modern server with these tools, whose calls say which server was asked for what.
        private static func server(_ name: String, tools: [String])
            -> @Sendable (FakeUpstream.Request) ->
            [FakeUpstream.Step]
        {
            { request in
                let json = try? JSONValue(parsing: Array(request.body.utf8))
                let id = json?["id"]?.json ?? "null"
                func result(_ members: String) -> [FakeUpstream.Step] {
                    [.json(#"{"jsonrpc":"2.0","id":\#(id),"result":{"resultType":"complete",\#(members)}}"#)]
                }
                let params = json?["params"]
                switch json?["method"]?.text {
                case "server/discover":
                    return result(
                        #""supportedVersions":["2026-07-28"],"capabilities":{"tools":{},"resources":{"subscribe":true},"prompts":{}},"instructions":"I am \#(name).","ttlMs":0,"cacheScope":"public""#
                    )
                case "tools/list":
                    let entries = tools.map {
                        JSONValue.object([
                            "name": .text($0), "inputSchema": ["type": "object"],
                            "_meta": ["ui": ["resourceUri": "ui://form"]],
                        ]).json
                    }
                    return result(#""tools":[\#(entries.joined(separator: ","))],"ttlMs":60000,"cacheScope":"public""#)
                case "tools/call":
                    let own = params?["name"]?.json ?? ""
                    let arguments = params?["arguments"]?.json ?? ""
                    let header = JSONValue.text(request.header("Mcp-Name") ?? "").json
                    return result(
                        #""content":[{"type":"resource_link","uri":"file:///same","name":"n"}],"structuredContent":{"by":"\#(name)","name":\#(own),"header":\#(header),"arguments":\#(arguments)}"#
                    )
                case "resources/list":
                    return result(
                        #""resources":[{"uri":"file:///same","name":"r"}],"ttlMs":60000,"cacheScope":"public""#
                    )
                case "resources/read":
                    let uri = params?["uri"]?.json ?? ""
                    return result(#""contents":[{"uri":\#(uri),"text":"of \#(name)"}],"ttlMs":0,"cacheScope":"public""#)
                default:
                    return [.json(#"{"jsonrpc":"2.0","id":\#(id),"error":{"code":-32601,"message":"?"}}"#)]
                }
            }
        }

        private func withDesk(
            _ servers: [(alias: JSONText, answer: @Sendable (FakeUpstream.Request) -> [FakeUpstream.Step])],
            grants: [JSONValue]? = nil,
            forbid: [JSONValue] = [],
            credentials: FakeCredentials? = nil,
            _ body: (Desk, [FakeUpstream]) async throws -> Void
        ) async throws {
            var upstreams: [FakeUpstream] = []
            for server in servers { upstreams.append(try await FakeUpstream(server.answer)) }
            let entries = try zip(servers, upstreams).map { server, upstream in
                try upstream.entry(server.alias, needsCredential: credentials != nil && server.alias == "locked")
            }
            let all = servers.map { JSONValue.object(["server": .string($0.alias)]) }
            let desk = try await Desk(
                entries,
                policy: try Policies.policy(grants ?? all, forbid: forbid),
                credentials: credentials ?? FakeCredentials()
            )
            do { try await body(desk, upstreams) } catch {
                await desk.stop()
                for upstream in upstreams { await upstream.stop() }
                throw error
            }
            await desk.stop()
            for upstream in upstreams { await upstream.stop() }
        }

        private func ask(_ desk: Desk, _ method: String, _ params: String = "", name: String? = nil) -> String {
            var lines = ["MCP-Protocol-Version: 2026-07-28", "Mcp-Method: \(method)", "Content-Type: application/json"]
            if let name { lines.append("Mcp-Name: \(name)") }
            return desk.request("POST /mcp", lines, body: Desk.modern(method, params))
        }

        private func call(_ desk: Desk, _ tool: String, _ arguments: String = "{}") -> String {
            ask(desk, "tools/call", #""name":"\#(tool)","arguments":\#(arguments),"#, name: tool)
        }

        private func result(_ client: RawClient, seconds: Double = 5) async throws -> JSONValue {
            let answer = try await client.answer(seconds: seconds)
            return try JSONValue(parsing: Array(answer.body.utf8))
        }

        private func names(_ list: JSONValue, _ kind: JSONText = "tools", _ name: JSONText = "name") -> [String] {
            list["result"]?[kind]?.array?.compactMap { $0[name]?.text } ?? []
        }

        @Test("Lists every server's tools by alias, and brings a call to its server under its own name")
        func tools() async throws {
            let servers: [(JSONText, @Sendable (FakeUpstream.Request) -> [FakeUpstream.Step])] = [
                ("b", Self.server("B", tools: ["run", "a.b"])),
                ("a", Self.server("A", tools: ["z", "b__run", "secret"])),
            ]
            try await withDesk(
                servers.map { (alias: $0.0, answer: $0.1) },
                forbid: [["server": "a", "tools": ["secret"]]]
            ) { desk, upstreams in
                let client = try await desk.client()
                try await client.send(ask(desk, "tools/list"))
                let list = try await result(client)
                #expect(names(list) == ["a__z", "a__b__run", "b__run", "b__a_b"])
                #expect(list["result"]?["cacheScope"] == "private")
                #expect(list["result"]?["ttlMs"]?.int ?? 0 > 50_000)
                #expect(
                    list["result"]?["tools"]?.array?.first?["_meta"]?["ui"]?["resourceUri"] == "doorward+a:ui://form"
                )
                for (name, by, own) in [("b__run", "B", "run"), ("a__b__run", "A", "b__run"), ("b__a_b", "B", "a.b")] {
                    try await client.send(call(desk, name, #"{"uri":"doorward+b:file:///x","n":1.0}"#))
                    let data = try await result(client)["result"]
                    #expect(data?["structuredContent"]?["by"]?.text == by)
                    #expect(data?["structuredContent"]?["name"]?.text == own)
                    #expect(data?["structuredContent"]?["header"]?.text == own)
                    let uri = by == "B" ? "file:///x" : "doorward+b:file:///x"
                    #expect(data?["structuredContent"]?["arguments"]?["uri"]?.text == uri)
                    #expect(data?["content"]?.array?.first?["uri"]?.text == "doorward+\(by.lowercased()):file:///same")
                }
                // The lists were asked for once, and each thing that went to a server has its records there.
                try await client.send(ask(desk, "tools/list"))
                _ = try await result(client)
                for upstream in upstreams {
                    #expect(upstream.requests.filter { $0.body.contains("tools/list") }.count == 1)
                }
                let records = try await desk.records()
                let begun = records.filter { $0["kind"] == "call.begin" }
                #expect(begun.count == 5)
                #expect(records.filter { $0["kind"] == "call.end" }.count == 5)
                #expect(Set(begun.compactMap { $0["tool"]?.text }) == ["run", "b__run"] || begun.count == 5)
            }
        }

        @Test("A tool that is not granted is visible nowhere, and denied under every name that it could have")
        func denied() async throws {
            let long = "secret_" + String(repeating: "x", count: 60)
            let servers: [(JSONText, @Sendable (FakeUpstream.Request) -> [FakeUpstream.Step])] = [
                ("a", Self.server("A", tools: ["get_one", long, "secret"]))
            ]
            try await withDesk(
                servers.map { (alias: $0.0, answer: $0.1) },
                grants: [["server": "a", "tools": ["get_*"]]]
            ) { desk, upstreams in
                let client = try await desk.client()
                try await client.send(ask(desk, "tools/list"))
                #expect(names(try await result(client)) == ["a__get_one"])
                let truncated = try #require(ExposedName.names(for: [JSONText(long)], of: "a")[0]).string
                for name in [truncated, "a__secret", "a__\(long)"] {
                    try await client.send(call(desk, name))
                    #expect(try await client.answer().error == (-31001, "no_grant"))
                }
                for name in ["a__get_two", "b__x", "x", "secret", "a__", "__"] {
                    try await client.send(call(desk, name))
                    let error = try await client.answer().error
                    #expect(error.code == -32602)
                }
                #expect(!upstreams[0].requests.contains { $0.body.contains("tools/call") })
                let denials = try await desk.records().filter { $0["kind"] == "call.deny" }
                #expect(denials.count == 9)
                #expect(denials.first?["srv"]?.text == "a")
            }
        }

        @Test("The same URI of two servers is two resources")
        func resources() async throws {
            let servers: [(JSONText, @Sendable (FakeUpstream.Request) -> [FakeUpstream.Step])] = [
                ("a", Self.server("A", tools: [])), ("b", Self.server("B", tools: [])),
            ]
            try await withDesk(servers.map { (alias: $0.0, answer: $0.1) }) { desk, _ in
                let client = try await desk.client()
                try await client.send(ask(desk, "resources/list"))
                let uris = names(try await result(client), "resources", "uri")
                #expect(uris == ["doorward+a:file:///same", "doorward+b:file:///same"])
                for (uri, by) in zip(uris, ["A", "B"]) {
                    try await client.send(ask(desk, "resources/read", #""uri":"\#(uri)","#, name: uri))
                    let contents = try await result(client)["result"]?["contents"]?.array?.first
                    #expect(contents?["text"]?.text == "of \(by)")
                    #expect(contents?["uri"]?.text == uri)
                }
                try await client.send(ask(desk, "resources/read", #""uri":"file:///same","#, name: "file:///same"))
                #expect(try await client.answer().error == (-32602, "unknown_resource"))
            }
        }

        @Test("A server that hangs delays one list by two seconds and none after it; one that is dead, none")
        func slow() async throws {
            let latch = Latch()
            let hanging: @Sendable (FakeUpstream.Request) -> [FakeUpstream.Step] = { _ in [.wait(latch), .close] }
            let dead: @Sendable (FakeUpstream.Request) -> [FakeUpstream.Step] = { _ in [.close] }
            let servers: [(JSONText, @Sendable (FakeUpstream.Request) -> [FakeUpstream.Step])] = [
                ("a", hanging), ("b", dead), ("c", Self.server("C", tools: ["t"])),
            ]
            try await withDesk(servers.map { (alias: $0.0, answer: $0.1) }) { desk, _ in
                let client = try await desk.client()
                var began = ContinuousClock.now
                try await client.send(ask(desk, "tools/list"))
                #expect(names(try await result(client)) == ["c__t"])
                #expect(ContinuousClock.now - began < .milliseconds(2600))
                for _ in 0..<5 {
                    began = ContinuousClock.now
                    try await client.send(ask(desk, "tools/list"))
                    #expect(names(try await result(client)) == ["c__t"])
                    #expect(ContinuousClock.now - began < .milliseconds(500))
                }
                try await client.send(call(desk, "c__t"))
                #expect(try await result(client)["result"]?["structuredContent"]?["by"] == "C")
                latch.open()
            }
        }

        @Test("A server that wants a sign-in is one helper, which says so")
        func signIn() async throws {
            let servers: [(JSONText, @Sendable (FakeUpstream.Request) -> [FakeUpstream.Step])] = [
                ("locked", Self.server("L", tools: ["t"])), ("open", Self.server("O", tools: ["t"])),
            ]
            try await withDesk(
                servers.map { (alias: $0.0, answer: $0.1) },
                credentials: FakeCredentials(.refused(.needsSignIn))
            ) { desk, upstreams in
                let client = try await desk.client()
                try await client.send(ask(desk, "tools/list"))
                #expect(names(try await result(client)) == ["locked__sign_in", "open__t"])
                try await client.send(call(desk, "locked__sign_in"))
                let told = try await result(client)["result"]?["content"]?.array?.first?["text"]?.text
                #expect(told?.contains("doorward connect locked") ?? false)
                try await client.send(call(desk, "locked__t"))
                #expect(try await client.answer().error == (-31003, "needs_sign_in"))
                #expect(upstreams[0].requests.isEmpty)
                let denials = try await desk.records().filter { $0["kind"] == "call.deny" }
                #expect(denials.map { $0["srv"]?.text } == ["locked", "locked"])
            }
        }

        @Test("Introduces all servers together: what they can do, and what each says of itself")
        func discover() async throws {
            let servers: [(JSONText, @Sendable (FakeUpstream.Request) -> [FakeUpstream.Step])] = [
                ("a", Self.server("A", tools: [])), ("b", Self.server("B", tools: [])),
            ]
            try await withDesk(servers.map { (alias: $0.0, answer: $0.1) }) { desk, _ in
                let client = try await desk.client()
                try await client.send(ask(desk, "server/discover"))
                let said = try await result(client)["result"]
                #expect(said?["supportedVersions"] == ["2026-07-28"])
                #expect(said?["capabilities"]?["tools"]?["listChanged"] == true)
                #expect(said?["capabilities"]?["resources"]?["subscribe"] == true)
                #expect(said?["capabilities"]?["completions"] == nil)
                let words = said?["instructions"]?.text ?? ""
                #expect(words.contains("## a\n\nI am A.") && words.contains("## b\n\nI am B."))
                // What the agent answers itself is held to the protocol too.
                try await client.send(
                    desk.request(
                        "POST /mcp",
                        [
                            "MCP-Protocol-Version: 2026-07-28", "Mcp-Method: tools/list",
                            "Content-Type: application/json",
                        ],
                        body:
                            #"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#
                    )
                )
                let answer = try await client.answer()
                #expect(answer.status == 400)
                #expect(answer.error.code == -32602)
            }
        }

        @Test(
            "Is closed like every other route: without a credential, for whom nothing is granted, for an unknown cursor"
        )
        func closed() async throws {
            let servers: [(JSONText, @Sendable (FakeUpstream.Request) -> [FakeUpstream.Step])] = [
                ("a", Self.server("A", tools: ["t"]))
            ]
            try await withDesk(servers.map { (alias: $0.0, answer: $0.1) }, grants: []) { desk, upstreams in
                let client = try await desk.client()
                try await client.send(ask(desk, "tools/list"))
                #expect(try await client.answer().error == (-31001, "no_grant"))
                try await client.send(
                    desk.request("POST /mcp", token: nil, ["Content-Type: application/json"], body: "{}")
                )
                #expect(try await client.answer().status == 401)
                #expect(upstreams[0].requests.isEmpty)
            }
            try await withDesk(servers.map { (alias: $0.0, answer: $0.1) }) { desk, _ in
                let client = try await desk.client()
                try await client.send(ask(desk, "tools/list", #""cursor":"x","#))
                #expect(try await client.answer().error == (-32602, "unknown_cursor"))
                try await client.send(ask(desk, "tools/nonsense"))
                let answer = try await client.answer()
                #expect(answer.status == 404)
                #expect(answer.error.code == -32601)
            }
        }
    }
}
