import Forwarding
import Policy
import StrictJSON
import Testing

extension RealSockets {
    /// `concurrent: 1` means that the server works on one call, whatever its client does.
    @Suite("Slots of limits")
    struct SlotTests {
        private func oneAtATime() throws -> PolicySnapshot {
            try Policies.policy(
                [["server": "up", "server_requests": ["elicitation"]]],
                limits: [["per": "user", "server": "up", "concurrent": 1]]
            )
        }

        /// Calls until a slot is free; returns how long that took.
        private func waitForSlot(_ desk: Desk, _ call: String) async throws -> Duration {
            let client = try await desk.client()
            let start = ContinuousClock.now
            while ContinuousClock.now - start < .seconds(8) {
                try await client.send(call)
                let answer = try await client.answer()
                if answer.error.code != -31002 { return ContinuousClock.now - start }
                try await Task.sleep(for: .milliseconds(100))
            }
            return .seconds(8)
        }

        @Test("A client that leaves a modern call does not get its slot back by that")
        func modern() async throws {
            try await withDesk(
                { $0.header("Mcp-Name") == "long" ? [] : [.json(Desk.result())] },
                policy: try oneAtATime()
            ) { desk, upstream in
                let client = try await desk.client()
                try await client.send(desk.call("long"))
                try await upstream.wait { $0.header("Mcp-Name") == "long" }
                await client.close()
                for _ in 0..<200 where upstream.closedConnections == 0 { try await Task.sleep(for: .milliseconds(5)) }
                #expect(upstream.closedConnections == 1)
                let waited = try await waitForSlot(desk, desk.call())
                #expect(waited > .seconds(4) && waited < .seconds(7))
                #expect(try await desk.outcomes(of: "long") == (1, ["cancelled"]))
            }
        }

        @Test("A handshake server is told that the client has gone, and its answer gives the slot back")
        func handshake() async throws {
            let latch = Latch()
            try await withDesk(
                Handshake.server { request in
                    request.body.contains("long") ? [.wait(latch), .json(Desk.result())] : [.json(Desk.result())]
                },
                policy: try oneAtATime()
            ) { desk, upstream in
                let client = try await Handshake.begin(desk)
                try await client.send(desk.sessionCall("long", id: "7"))
                try await upstream.wait { $0.body.contains("long") }
                await client.close()
                try await upstream.wait { $0.body.contains("notifications/cancelled") }
                let told = try #require(upstream.requests.first { $0.body.contains("notifications/cancelled") })
                #expect(told.body.contains(#""requestId":7"#))
                #expect(told.header("Mcp-Session-Id") == "s-1")
                let other = try await desk.client()
                try await other.send(desk.sessionCall())
                #expect(try await other.answer().error.code == -31002)
                latch.open()
                #expect(try await waitForSlot(desk, desk.sessionCall()) < .seconds(3))
                #expect(try await desk.outcomes(of: "long") == (1, ["cancelled"]))
            }
        }

        @Test("A call that was taken back gives its slot back some seconds after the server was told")
        func takenBack() async throws {
            try await withDesk(
                Handshake.server { $0.body.contains("long") ? [] : [.json(Desk.result())] },
                policy: try oneAtATime()
            ) { desk, upstream in
                let client = try await Handshake.begin(desk)
                try await client.send(desk.sessionCall("long"))
                try await upstream.wait { $0.body.contains("long") }
                let other = try await desk.client()
                let note = #"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#
                try await other.send(desk.post(note, Handshake.version, Handshake.session()))
                #expect(try await other.answer().status == 202)
                let waited = try await waitForSlot(desk, desk.sessionCall(id: "2"))
                #expect(waited > .seconds(4) && waited < .seconds(7))
            }
        }

        @Test("A call that was taken back waits for no stream, and its slot comes back, whoever closes the first one")
        func takenBackBehindEvent() async throws {
            let progress =
                #"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}"#
            let latch = Latch()
            try await withDesk(
                Handshake.server { request in
                    guard request.body.contains("long") else { return [.json(Desk.result("2"))] }
                    let news = FakeUpstream.Step.event(progress, id: "p1")
                    return request.body.contains(#""id":7"#)
                        ? [.events(), news, .wait(latch), .lastChunk] : [.events(), news]
                },
                policy: try oneAtATime(),
                timeout: .seconds(60)
            ) { desk, upstream in
                for isServer in [false, true] {
                    let client = try await Handshake.begin(desk)
                    try await client.send(desk.sessionCall("long", id: isServer ? "7" : "1"))
                    try await client.wait { $0.text.contains("id: p1") }
                    let other = try await desk.client()
                    let note =
                        #"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":\#(isServer ? 7 : 1)}}"#
                    try await other.send(desk.post(note, Handshake.version, Handshake.session()))
                    #expect(try await other.answer().status == 202)
                    if isServer { latch.open() } else { await client.close() }
                    #expect(try await waitForSlot(desk, desk.sessionCall(id: "2")) < .seconds(7))
                    #expect(try await desk.wait(forEnds: isServer ? 2 : 1, of: "long").allSatisfy { $0 == "cancelled" })
                }
                // The server heard it from the client, and needs no second word.
                #expect(upstream.requests.count { $0.body.contains("notifications/cancelled") } == 2)
            }
        }

        @Test("A parked call keeps its slot until it is answered")
        func parked() async throws {
            try await withDesk(
                Handshake.server { request in
                    if request.line.hasPrefix("GET") { return [.events(), .event(Desk.result()), .lastChunk] }
                    return request.body.contains("long")
                        ? [.events(), .chunk("id: p1\ndata:\n\n"), .lastChunk] : [.json(Desk.result("2"))]
                },
                policy: try oneAtATime()
            ) { desk, _ in
                let client = try await Handshake.begin(desk)
                try await client.send(desk.sessionCall("long"))
                _ = try await client.answer()
                try await client.send(desk.sessionCall(id: "2"))
                #expect(try await client.answer().error.code == -31002)
                try await client.send(desk.stream(behind: "p1"))
                #expect(try await client.answer().events == [Desk.result()])
                try await client.send(desk.sessionCall(id: "2"))
                #expect(try await client.answer().error.code == nil)
            }
        }

        @Test("The end of a session is no way to a free slot either")
        func endedSession() async throws {
            try await withDesk(
                Handshake.server { request in
                    request.body.contains("long")
                        ? [.events(), .chunk("id: p1\ndata:\n\n"), .lastChunk] : [.json(Desk.result())]
                },
                policy: try oneAtATime()
            ) { desk, _ in
                let client = try await Handshake.begin(desk)
                try await client.send(desk.sessionCall("long"))
                _ = try await client.answer()
                try await client.send(
                    desk.request("DELETE /servers/up/mcp", [Handshake.version, Handshake.session()])
                )
                #expect(try await client.answer().status == 200)
                try await client.send(desk.call())
                #expect(try await client.answer().error.code == -31002)
                #expect(try await desk.outcomes(of: "long") == (1, ["cancelled"]))
            }
        }
    }
}
