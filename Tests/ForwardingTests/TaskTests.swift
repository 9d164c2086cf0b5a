import Policy
import StrictJSON
import Testing

@testable import Forwarding

@Suite("Whose tasks are whose")
struct TaskTableTests {
    private func add(_ id: String, of client: JSONText, _ table: TaskTable) {
        _ = Array(id.utf8).withUnsafeBufferPointer {
            table.add($0, of: client, at: "up", tool: "echo", timeout: 10, permit: LimitPermit(), now: 0)
        }
    }

    private func has(_ id: String, _ client: JSONText, _ table: TaskTable) -> Bool {
        Array(id.utf8).withUnsafeBufferPointer { table.tool(of: $0, client: client, server: "up") != nil }
    }

    @Test("A client's oldest gives way to its newest, and no other client's does")
    func bounded() {
        let table = TaskTable(most: 3)
        add("mine", of: "a", table)
        for number in 0..<10 { add("\(number)", of: "b", table) }
        #expect(has("mine", "a", table))
        #expect(!has("mine", "b", table))
        #expect((0..<10).filter { has("\($0)", "b", table) } == [7, 8, 9])
        table.forget { client, _ in client == "b" }
        #expect(!has("9", "b", table))
        #expect(has("mine", "a", table))
    }

    @Test("What a result says of a task, in both eras")
    func words() {
        func words(_ text: String) -> TaskWords? {
            Array(text.utf8).withUnsafeBufferPointer { TaskWords(result: $0, limits: .reply) }
        }
        #expect(words(#"{"resultType":"task","taskId":"t","status":"working"}"#)?.id == "t")
        #expect(words(#"{"task":{"taskId":"t","status":"completed"}}"#)?.isOver == true)
        #expect(words(#"{"taskId":"t","status":"input_required"}"#)?.isOver == false)
        #expect(words("{}")?.id == nil)
    }
}

extension RealSockets {
    @Suite("Tasks")
    struct TaskTests {
        /// A server that makes a task of each call, which is over once the latch is open.
        private func withTasks(
            _ grants: [JSONValue] = [["server": "up", "tools": ["echo"]]],
            limits: [JSONValue] = [],
            over latch: Latch = Latch(),
            _ body: (Desk, FakeUpstream) async throws -> Void
        ) async throws {
            try await withDesk(
                { request in
                    let status = latch.isOpen ? "completed" : "working"
                    let task = #""taskId":"t-1","status":"\#(status)""#
                    func result(_ text: String) -> [FakeUpstream.Step] {
                        [.json(#"{"jsonrpc":"2.0","id":1,"result":{\#(text)}}"#)]
                    }
                    if request.body.contains("tasks/list") {
                        return result(#""tasks":[{\#(task)},{"taskId":"t-2","status":"working"}]"#)
                    }
                    if request.body.contains("tasks/") { return result(#""resultType":"complete",\#(task)"#) }
                    if request.body.contains("subscriptions/listen") {
                        func news(_ id: String) -> FakeUpstream.Step {
                            .event(#"{"jsonrpc":"2.0","method":"notifications/tasks","params":{"taskId":"\#(id)"}}"#)
                        }
                        return [.events(), news("t-1"), news("t-2"), .event(Desk.result()), .lastChunk]
                    }
                    let isModern = request.header("MCP-Protocol-Version") == "2026-07-28"
                    return result(isModern ? #""resultType":"task",\#(task)"# : #""task":{\#(task)}"#)
                },
                policy: try Policies.policy(grants, limits: limits)
            ) { desk, upstream in try await body(desk, upstream) }
        }

        private func get(_ desk: Desk, _ id: String, token: String = Desk.token) -> String {
            desk.ask("tasks/get", #""taskId":"\#(id)","#, to: "up", "Mcp-Name: \(id)")
                .replacing(Desk.token, with: token)
        }

        private static func called(_ isModern: Bool, _ desk: Desk) -> String {
            isModern
                ? desk.call()
                : desk.post(
                    Desk.handshake("tools/call", #"{"name":"echo","arguments":{},"task":{"ttl":60000}}"#),
                    Handshake.version
                )
        }

        @Test("A task belongs to the client that made it", arguments: [true, false])
        func owned(isModern: Bool) async throws {
            try await withTasks { desk, upstream in
                let client = try await desk.client()
                try await client.send(get(desk, "t-1"))
                #expect(try await client.answer().error == (-31001, "unknown_task"))
                try await client.send(Self.called(isModern, desk))
                #expect(try await client.answer().body.contains("t-1"))
                let count = upstream.requests.count
                try await client.send(get(desk, "t-1"))
                #expect(try await client.answer().body.contains("working"))
                #expect(upstream.requests.count == count + 1)
                for request in [get(desk, "t-1", token: Desk.otherToken), get(desk, "t-2")] {
                    try await client.send(request)
                    #expect(try await client.answer().error == (-31001, "unknown_task"))
                }
                #expect(upstream.requests.count == count + 1)
                // Who may call the tool no more has no part of its calls either.
                let other = try Policies.policy([["server": "up", "tools": ["other"]]])
                await desk.update { $0.policy = other }
                try await client.send(get(desk, "t-1"))
                #expect(try await client.answer().error == (-31001, "no_grant"))
            }
        }

        @Test(
            "Rules decide by the tool's own name, of which records may have no more than the hash",
            arguments: [true, false]
        )
        func oddName(isModern: Bool) async throws {
            try await withTasks([["server": "up", "tools": ["Echo it"]]]) { desk, _ in
                let client = try await desk.client()
                let call =
                    isModern
                    ? desk.call("Echo it")
                    : desk.post(
                        Desk.handshake("tools/call", #"{"name":"Echo it","arguments":{},"task":{"ttl":60000}}"#),
                        Handshake.version
                    )
                try await client.send(call)
                #expect(try await client.answer().body.contains("t-1"))
                try await client.send(get(desk, "t-1"))
                #expect(try await client.answer().body.contains("working"))
                let other = try Policies.policy([["server": "up"]], forbid: [["tools": ["Echo*"]]])
                await desk.update { $0.policy = other }
                try await client.send(get(desk, "t-1"))
                #expect(try await client.answer().error == (-31001, "forbidden"))
            }
        }

        @Test("Lists of tasks show one's own")
        func listed() async throws {
            try await withTasks { desk, _ in
                let client = try await desk.client()
                try await client.send(Self.called(false, desk))
                _ = try await client.answer()
                for (token, isShown) in [(Desk.token, true), (Desk.otherToken, false)] {
                    let list = Desk.handshake("tasks/list", "{}")
                    try await client.send(desk.post(list, token: token, Handshake.version))
                    let body = try await client.answer().body
                    #expect(body.contains("t-1") == isShown)
                    #expect(!body.contains("t-2"))
                }
            }
        }

        @Test("Nor does anybody else hear of one by subscribing")
        func subscribed() async throws {
            try await withTasks([["server": "up", "tools": ["echo"], "resources": ["note://*"]]]) { desk, upstream in
                let client = try await desk.client()
                try await client.send(desk.call())
                _ = try await client.answer()
                func listen(_ wanted: String) -> String {
                    desk.ask("subscriptions/listen", #""notifications":{\#(wanted)},"#)
                }
                for wanted in [#""taskIds":["t-1"]"#, #""resourceSubscriptions":["note://a"]"#] {
                    try await client.send(listen(wanted))
                    let body = try await client.answer().body
                    #expect(body.contains("t-1"))
                    #expect(!body.contains("t-2"))
                }
                let count = upstream.requests.count
                try await client.send(listen(#""taskIds":["t-1","t-2"]"#))
                #expect(try await client.answer().error == (-31001, "unknown_task"))
                try await client.send(listen(#""taskIds":["t-1"]"#).replacing(Desk.token, with: Desk.otherToken))
                #expect(try await client.answer().error == (-31001, "unknown_task"))
                try await client.send(listen(#""taskIds":"t-1""#))
                #expect(try await client.answer().error.code == -32600)
                #expect(upstream.requests.count == count)
            }
        }

        @Test("A task keeps the slot of its call until it is over", arguments: [true, false])
        func slots(isModern: Bool) async throws {
            let latch = Latch()
            try await withTasks(limits: [["per": "user", "server": "up", "concurrent": 1]], over: latch) { desk, _ in
                let client = try await desk.client()
                try await client.send(Self.called(isModern, desk))
                #expect(try await client.answer().body.contains("t-1"))
                try await client.send(get(desk, "t-1"))
                #expect(try await client.answer().body.contains("working"))
                try await client.send(desk.call())
                #expect(try await client.answer().error.code == -31002)
                latch.open()
                try await client.send(get(desk, "t-1"))
                #expect(try await client.answer().body.contains("completed"))
                try await client.send(desk.call())
                #expect(try await client.answer().error.code == nil)
            }
        }
    }
}
