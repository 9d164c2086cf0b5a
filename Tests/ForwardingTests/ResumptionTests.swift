import MCP
import Testing

@testable import Forwarding

extension RealSockets {
    /// What official servers and clients do with event ids (Streamable HTTP, "Resumability and Redelivery").
    @Suite("Streams that are taken up again")
    struct ResumptionTests {
        private static let progress =
            #"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}"#
        private static let mark = FakeUpstream.Step.chunk("id: p1\nretry: 300\ndata:\n\n")
        private static let news = FakeUpstream.Step.event(progress, id: "p1")

        /// How a stream ends without an answer.
        enum Ending: CaseIterable {
            case clean, cut, silent

            var steps: [FakeUpstream.Step] {
                switch self {
                case .clean: [.lastChunk]
                case .cut: [.close]
                case .silent: []
                }
            }
        }

        private func resumable(_ first: FakeUpstream.Step, _ ending: Ending)
            -> @Sendable (FakeUpstream.Request) -> [FakeUpstream.Step]
        {
            Handshake.server { request in
                request.line.hasPrefix("GET")
                    ? [.events(), .event(Desk.result(), id: "p2"), .lastChunk] : [.events(), first] + ending.steps
            }
        }

        @Test(
            "However a stream ends behind an event with an id, it is taken up again, and the call has one end",
            arguments: [true, false],
            Ending.allCases
        )
        func resumed(isMark: Bool, ending: Ending) async throws {
            try await withDesk(
                resumable(isMark ? Self.mark : Self.news, ending),
                timeout: .milliseconds(500)
            ) { desk, upstream in
                let client = try await Handshake.begin(desk)
                try await client.send(desk.sessionCall())
                let first: String
                if ending == .clean {
                    first = try await client.answer().body
                } else {
                    first = try await client.end()
                    #expect(!first.hasSuffix("0\r\n\r\n"))
                }
                #expect(first.contains("id: p1\r\n"))
                #expect(first.contains(isMark ? "retry: 300\r\n" : "notifications/progress"))
                #expect(!first.contains("error"))
                let again = try await desk.client()
                try await again.send(desk.stream(behind: "p1"))
                #expect(try await again.answer().events == [Desk.result()])
                #expect(upstream.requests.last?.header("Last-Event-ID") == "p1")
                #expect(try await desk.outcomes() == (1, ["ok"]))
                #expect(!upstream.requests.contains { $0.body.contains("notifications/cancelled") })
            }
        }

        @Test(
            "A stream that breaks without an id ends with an answer of the agent, in both eras",
            arguments: [true, false]
        )
        func broken(isModern: Bool) async throws {
            try await withDesk(Handshake.server { _ in [.events(), .event(Self.progress), .close] }) { desk, _ in
                let client = try await Handshake.begin(desk)
                try await client.send(isModern ? desk.call() : desk.sessionCall())
                let answer = try await client.answer()
                #expect(answer.events.first == Self.progress)
                #expect(Answer.error(in: answer.events.last ?? "") == (-31004, "unreachable"))
                #expect(answer.events.last?.contains(answer.headers["doorward-record"] ?? "none") == true)
                #expect(try await desk.outcomes() == (1, ["upstream_error"]))
            }
        }

        @Test("A call that no client takes up again ends when its time is over, and the server is told")
        func aged() async throws {
            try await withDesk(resumable(Self.news, .cut), timeout: .milliseconds(300)) { desk, upstream in
                let client = try await Handshake.begin(desk)
                try await client.send(desk.sessionCall())
                _ = try await client.end()
                #expect(try await desk.wait(forEnds: 1) == ["timeout"])
                try await upstream.wait { $0.body.contains("notifications/cancelled") }
            }
        }

        @Test("A call that waits for its stream when the agent stops has its end, and which one is unknown")
        func stopped() async throws {
            try await withDesk(resumable(Self.news, .clean)) { desk, _ in
                let client = try await Handshake.begin(desk)
                try await client.send(desk.sessionCall())
                #expect(try await client.answer().events == [Self.progress])
                #expect(try await desk.outcomes() == (1, []))
                await desk.service.shutdown()
                #expect(try await desk.outcomes() == (1, ["unknown"]))
            }
        }

        @Test("Nor does it lose its end when its membership ends")
        func left() async throws {
            try await withDesk(resumable(Self.news, .clean)) { desk, _ in
                let client = try await Handshake.begin(desk)
                try await client.send(desk.sessionCall())
                #expect(try await client.answer().events == [Self.progress])
                await desk.service.endCalls(in: desk.spool)
                #expect(try await desk.outcomes() == (1, ["unknown"]))
            }
        }

        @Test("An id that is as long as a document is not kept: such a call ends with its stream")
        func longID() async throws {
            let id = #""\#(String(repeating: "a", count: RequestID.maxBytes))""#
            try await withDesk(resumable(Self.news, .clean)) { desk, _ in
                let client = try await Handshake.begin(desk)
                try await client.send(desk.sessionCall(id: id))
                let answer = try await client.answer()
                #expect(Answer.error(in: answer.events.last ?? "") == (-31006, "no_answer"))
                #expect(answer.events.last?.contains(id) == true)
                #expect(try await desk.outcomes() == (1, ["upstream_error"]))
            }
        }

        @Test("Of too many calls that wait the oldest ends, and the server is told")
        func crowded() async throws {
            var configuration = ForwardingConfiguration()
            configuration.mostParked = 3
            try await withDesk(
                Handshake.server { _ in [.events(), Self.news, .lastChunk] },
                configuration: configuration
            ) { desk, upstream in
                let client = try await Handshake.begin(desk)
                for number in 0..<5 {
                    try await client.send(desk.sessionCall(id: "\(number)"))
                    #expect(try await client.answer().events == [Self.progress])
                }
                #expect(try await desk.outcomes() == (5, ["cancelled", "cancelled"]))
                for number in 0..<2 {
                    try await upstream.wait {
                        $0.body.contains("notifications/cancelled") && $0.body.contains(#""requestId":\#(number),"#)
                    }
                }
                #expect(upstream.requests.count { $0.body.contains("notifications/cancelled") } == 2)
            }
        }

        @Test("A client that lets many calls wait loses its own, and no other client's")
        func shared() async throws {
            var configuration = ForwardingConfiguration()
            configuration.mostParked = 3
            try await withDesk(resumable(Self.news, .clean), configuration: configuration) { desk, _ in
                let other = try await Handshake.begin(desk, token: Desk.otherToken)
                try await other.send(desk.sessionCall(token: Desk.otherToken))
                #expect(try await other.answer().events == [Self.progress])
                let client = try await Handshake.begin(desk)
                for number in 0..<4 {
                    try await client.send(desk.sessionCall(id: "\(number)"))
                    #expect(try await client.answer().events == [Self.progress])
                }
                try await other.send(desk.stream(behind: "p1", token: Desk.otherToken))
                #expect(try await other.answer().events == [Desk.result()])
                #expect(try await desk.outcomes() == (5, ["cancelled", "cancelled", "ok"]))
            }
        }

        @Test("A client that listens when the time of its call is over gets the answer that it is")
        func agedBesideStream() async throws {
            let silent = Handshake.server { request in
                request.line.hasPrefix("GET") ? [.events()] : [.events(), Self.news, .close]
            }
            try await withDesk(silent, timeout: .milliseconds(300)) { desk, _ in
                let client = try await Handshake.begin(desk)
                try await client.send(desk.sessionCall())
                _ = try await client.end()
                let again = try await desk.client()
                try await again.send(desk.stream(behind: "p1"))
                let text = try await again.wait { $0.text.contains("-31004") }
                #expect(text.contains(#""id":1,"error""#))
                #expect(try await desk.outcomes() == (1, ["timeout"]))
            }
        }

        @Test("Only an id that went out to this client in this session is passed on")
        func foreignEvents() async throws {
            try await withDesk(resumable(Self.news, .clean)) { desk, upstream in
                let client = try await Handshake.begin(desk)
                try await client.send(desk.sessionCall())
                _ = try await client.answer()
                let other = try await Handshake.begin(desk, token: Desk.otherToken)
                let count = upstream.requests.count
                for (connection, line) in [
                    (other, desk.stream(behind: "p1", token: Desk.otherToken)), (client, desk.stream(behind: "p0")),
                    (client, desk.stream(behind: "p2")),
                    // Without the session there is no such event either.
                    (client, desk.request("GET /servers/up/mcp", [Handshake.version, "Last-Event-ID: p1"])),
                ] {
                    try await connection.send(line)
                    let answer = try await connection.answer()
                    #expect(answer.status == 400)
                    #expect(answer.error.reason == "unknown_event")
                }
                #expect(upstream.requests.count == count)
                try await client.send(desk.stream(behind: "p1"))
                #expect(try await client.answer().events == [Desk.result()])
            }
        }

        @Test("A POST takes no stream up again")
        func post() async throws {
            try await withDesk(Handshake.server { _ in [.json(Desk.result())] }) { desk, upstream in
                let client = try await Handshake.begin(desk)
                try await client.send(
                    desk.post(Desk.handshake(), Handshake.version, Handshake.session(), "Last-Event-ID: p9")
                )
                #expect(try await client.answer().status == 200)
                #expect(upstream.requests.last?.header("Last-Event-ID") == nil)
            }
        }

        @Test("A question of the server is answered after its stream has broken")
        func question() async throws {
            let ask = #"{"jsonrpc":"2.0","id":"q1","method":"elicitation/create","params":{"message":"?"}}"#
            try await withDesk(
                { request in
                    request.body.contains("accept")
                        ? [.empty("202 Accepted")]
                        : Handshake.server { _ in [.events(), .event(ask, id: "p1"), .close] }(request)
                }
            ) { desk, upstream in
                let client = try await Handshake.begin(desk)
                try await client.send(desk.sessionCall())
                _ = try await client.end()
                let reply = #"{"jsonrpc":"2.0","id":"q1","result":{"action":"accept","content":{}}}"#
                let other = try await desk.client()
                try await other.send(desk.post(reply, Handshake.version, Handshake.session()))
                #expect(try await other.answer().status == 202)
                try await upstream.wait { $0.body == reply }
            }
        }

        @Test("A server that keeps its connection alive is not waited for in silence")
        func patience() async throws {
            var configuration = ForwardingConfiguration()
            configuration.headPatience = .milliseconds(200)
            let latch = Latch()
            try await withDesk(
                { _ in
                    [
                        .events(), .chunk(": ping\n\n"), .wait(latch), .chunk(": ping\n\n"), .event(Desk.result()),
                        .lastChunk,
                    ]
                },
                configuration: configuration
            ) { desk, _ in
                let client = try await desk.client()
                try await client.send(desk.call())
                let head = try await client.wait { $0.text.contains("\r\n\r\n") }
                #expect(head.contains("text/event-stream"))
                latch.open()
                let answer = try await client.answer()
                #expect(answer.body.hasPrefix(":\r\n\r\n"))
                #expect(answer.events == [Desk.result()])
            }
        }
    }
}

@Suite("Ids of events")
struct EventIDsTests {
    private func hash(_ text: String) -> UInt64 { Array(text.utf8).withUnsafeBytes(EventIDs.hash) }

    @Test("The newest are remembered, and the last of the server's own stream")
    func newest() {
        var events = EventIDs()
        #expect(!events.contains(hash("a")))
        events.remember(hash("stream"), isOfStream: true)
        for number in 0..<200 { events.remember(hash("\(number)"), isOfStream: false) }
        #expect(events.contains(hash("stream")))
        #expect((0..<200).count { events.contains(hash("\($0)")) } == EventIDs.most)
        #expect(events.contains(hash("199")))
        #expect(!events.contains(hash("0")))
    }
}
