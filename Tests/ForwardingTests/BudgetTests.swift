import Forwarding
import Synchronization
import Testing

extension RealSockets {
    @Suite("What clients and servers make the agent hold")
    struct BudgetTests {
        /// Pages of a quarter of a megabyte, and how many were asked for.
        private final class LargePages: LocalEndpoints {
            private let state = Mutex(0)
            var count: Int { state.withLock { $0 } }

            func answer(_ request: LocalRequest) async -> LocalAnswer {
                state.withLock { $0 += 1 }
                return LocalAnswer(
                    status: 200,
                    contentType: "text/test",
                    body: [UInt8](repeating: 0x78, count: 1 << 18)
                )
            }
        }

        @Test("No next request is begun for a client that does not read its answers")
        func unread() async throws {
            let pages = LargePages()
            let desk = try await Desk(pages: pages)
            let client = try await desk.client()
            try await client.stopReading()
            let request = desk.request("GET /readyz", token: nil, [])
            try await client.send(String(repeating: request, count: 100))
            let other = try await desk.client()
            for _ in 0..<50 {
                try await other.send(desk.request("GET /healthz", token: nil, []))
                #expect(try await other.answer().status == 200)
            }
            // As many as the buffers of two sockets take.
            #expect((1..<80).contains(pages.count))
            try await client.startReading()
            try await client.wait(seconds: 30) { $0.text.utf8.count > 100 << 18 }
            #expect(pages.count == 100)
            await desk.stop()
        }

        @Test(
            "Answers that never end are bounded together, and those of others come through",
            arguments: [true, false]
        )
        func collected(isEvents: Bool) async throws {
            var configuration = ForwardingConfiguration()
            configuration.longestBody = 1 << 20
            configuration.longestReply = 1 << 20
            configuration.mostHeld = 4 << 20
            let filling = String(repeating: "x", count: 900_000)
            let latch = Latch()
            try await withDesk(
                { request in
                    guard request.header("Mcp-Name") == "greedy" else {
                        let half = Desk.result().prefix(20)
                        return [
                            .send(
                                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 400000\r\n\r\n"
                            ),
                            .send(half + ""), .wait(latch),
                            .send(
                                Desk.result().dropFirst(20)
                                    + String(repeating: " ", count: 400_000 - Desk.result().utf8.count)
                            ),
                        ]
                    }
                    let type = isEvents ? "text/event-stream" : "application/json"
                    return [
                        .send("HTTP/1.1 200 OK\r\nContent-Type: \(type)\r\nContent-Length: 1000000\r\n\r\n"),
                        .send((isEvents ? "data: " : "{\"a\":\"") + filling),
                    ]
                },
                configuration: configuration
            ) { desk, _ in
                let good = try await desk.client()
                try await good.send(desk.call().replacing(Desk.token, with: Desk.otherToken))
                var greedy: [RawClient] = []
                for _ in 0..<10 {
                    let client = try await desk.client()
                    try await client.send(desk.call("greedy"))
                    greedy.append(client)
                }
                // At least so many have to go.
                for _ in 0..<500 where greedy.count(where: { !$0.text.isEmpty }) < 6 {
                    try await Task.sleep(for: .milliseconds(10))
                }
                let gone = greedy.filter { !$0.text.isEmpty }
                #expect((6...7).contains(gone.count))
                for client in gone { #expect(try await client.answer().error == (-31006, "too_large")) }
                #expect(greedy.allSatisfy { !$0.isClosed })
                latch.open()
                #expect(try await good.answer().body.hasPrefix(Desk.result()))
            }
        }

        @Test("Answers that no client reads are bounded together")
        func unreadAnswers() async throws {
            var configuration = ForwardingConfiguration()
            // Four of the longest answers.
            configuration.mostHeld = 0
            let large = Desk.result("1", String(repeating: "x", count: 7_500_000))
            try await withDesk(
                { [.json($0.header("Mcp-Name") == "large" ? large : Desk.result())] },
                configuration: configuration
            ) { desk, _ in
                var stuck: [RawClient] = []
                for _ in 0..<16 {
                    let client = try await RawClient(port: desk.port, isNarrow: true)
                    try await client.stopReading()
                    try await client.send(desk.call("large"))
                    stuck.append(client)
                }
                _ = try await desk.wait(forEnds: 16, of: "large")
                let other = try await desk.client()
                try await other.send(desk.call().replacing(Desk.token, with: Desk.otherToken))
                #expect(try await other.answer().body == Desk.result())
                // Some were let go: they find the end behind what the kernel has of their answer, or an error in its place.
                for client in stuck { try await client.startReading() }
                var whole = 0
                for client in stuck {
                    let text = try await client.wait(seconds: 20) {
                        $0.isClosed || $0.text.utf8.count > large.utf8.count || $0.text.contains("-31006")
                    }
                    if text.utf8.count > large.utf8.count { whole += 1 }
                }
                #expect((1..<16).contains(whole))
            }
        }

        @Test("Bodies that never end are bounded together: the greediest client goes, and no other")
        func bodies() async throws {
            var configuration = ForwardingConfiguration()
            configuration.longestBody = 1 << 20
            configuration.longestReply = 1 << 20
            configuration.mostHeld = 4 << 20
            try await withDesk({ _ in [.json(Desk.result())] }, configuration: configuration) { desk, _ in
                let head =
                    "POST /servers/up/mcp HTTP/1.1\r\nHost: 127.0.0.1:\(desk.port)\r\n"
                    + "Authorization: Bearer \(Desk.token)\r\nContent-Type: application/json\r\n"
                let other = try await desk.client()
                let call = desk.call().replacing(Desk.token, with: Desk.otherToken)
                try await other.send(String(call.dropLast(10)))
                var greedy: [RawClient] = []
                for number in 0..<8 {
                    let client = try await desk.client()
                    let filling = String(repeating: "x", count: 900_000)
                    try await client.send(
                        number % 2 == 0
                            ? head + "Content-Length: 1000000\r\n\r\n" + filling
                            : head + "Transfer-Encoding: chunked\r\n\r\nF4240\r\n" + filling
                    )
                    greedy.append(client)
                }
                for _ in 0..<500 where greedy.count(where: \.isClosed) < 4 {
                    try await Task.sleep(for: .milliseconds(10))
                }
                #expect((4...5).contains(greedy.count(where: \.isClosed)))
                try await other.send(String(call.suffix(10)))
                #expect(try await other.answer().body == Desk.result())
            }
        }
    }
}
