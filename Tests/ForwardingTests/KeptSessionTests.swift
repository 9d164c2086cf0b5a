import StrictJSON
import Testing
import TransparencyLog

@testable import Forwarding

@Suite("Sessions that are kept")
struct KeptSessionTests {
    private func session(_ number: Int, _ client: JSONText = "a", used: Int64 = 100) -> KeptSession {
        KeptSession(mark: .of(Array("\(number)".utf8)), client: client, lastUsed: used, sealed: [UInt8(number & 0xFF)])
    }

    @Test("Each is taken up once, by its client, while it is not too old")
    func taken() {
        var earlier = EarlierSessions([session(1), session(2, used: 5), session(3, used: 900)], now: 200)
        let taken = [(1, "b"), (1, "a"), (1, "a"), (2, "a")].map { number, client in
            earlier.take(session(number).mark, of: JSONText(client), usedSince: 10)
        }
        #expect(taken == [nil, [1], nil, nil])
        // A clock that was set back makes nothing younger than now.
        #expect(earlier.all(usedSince: 10) == [session(3, used: 200)])
        earlier.keepOnly(clients: ["b"])
        #expect(earlier.isEmpty)
    }

    @Test("Of too many each client keeps its share, those used last")
    func shared() {
        let greedy = (0..<KeptSession.most).map { session($0, "greedy", used: 1_000 + Int64($0)) }
        let kept = KeptSession.shared(greedy + [session(1, "a"), session(2, "b", used: 1)])
        #expect(kept.count == KeptSession.most)
        #expect(kept.contains(session(1, "a")))
        #expect(kept.contains(session(2, "b", used: 1)))
        #expect(!kept.contains(greedy[0]) && !kept.contains(greedy[1]))
        #expect(kept.contains(greedy[2]))
    }

    @Test("Of too much that is sealed the oldest is not kept, and its session is")
    func tooMuch() {
        let large = (0..<500).map { number in
            var large = session(number, used: 1_000 + Int64(number))
            large.sealed = Array(repeating: 1, count: SealedSession.longest)
            return large
        }
        let kept = KeptSession.shared(large)
        #expect(kept.count == 500)
        #expect(kept.reduce(0) { $0 + $1.sealed.count } <= KeptSession.mostSealed)
        #expect(kept.first { $0.mark == large[499].mark }?.sealed.isEmpty == false)
        #expect(kept.first { $0.mark == large[0].mark }?.sealed.isEmpty == true)
    }
}

extension RealSockets {
    @Suite("Sessions go on after a restart")
    struct RestartTests {
        private static func server(_ isGone: Latch = Latch()) -> @Sendable (FakeUpstream.Request) -> [FakeUpstream.Step]
        {
            Handshake.server { request in
                if request.line.hasPrefix("GET") { return [.events()] }
                return isGone.isOpen ? [.empty("404 Not Found")] : [.json(Desk.result())]
            }
        }

        /// Begins a session, ends the desk, and runs a test at another one that has what was kept.
        private func restarted(
            _ isGone: Latch = Latch(),
            change: @Sendable (inout ForwardingState) -> Void = { _ in },
            _ body: (Desk, FakeUpstream) async throws -> Void
        ) async throws {
            try await withDesk(Self.server(isGone)) { desk, upstream in
                _ = try await Handshake.begin(desk)
                let kept = await desk.service.keptSessions()
                #expect(kept.map(\.client) == ["tests"])
                #expect(!kept.contains { String(decoding: $0.sealed, as: UTF8.self).contains("s-1") })
                let next = try await Desk([try upstream.entry()])
                next.sessions.learn(desk.sessions.all)
                await next.service.restore(kept)
                await next.update(change)
                do {
                    try await body(next, upstream)
                } catch {
                    await next.stop()
                    throw error
                }
                await next.stop()
            }
        }

        @Test("The next request of the same client is taken; no other client's, and no other session's")
        func goesOn() async throws {
            try await restarted { desk, upstream in
                let client = try await desk.client()
                let count = upstream.requests.count
                // Another client's credential with the id, and an id that there never was.
                for (token, header) in [
                    (Desk.otherToken, Handshake.session()), (Desk.token, "Mcp-Session-Id: s-3"),
                ] {
                    try await client.send(desk.post(Desk.handshake(), token: token, Handshake.version, header))
                    #expect(try await client.answer().status == 404)
                }
                #expect(upstream.requests.count == count)
                try await client.send(desk.sessionCall())
                #expect(try await client.answer().body == Desk.result())
                #expect(upstream.requests.last?.header("Mcp-Session-Id") == "s-1")
                #expect(await desk.service.keptSessions().count == 1)
                try await client.send(desk.request("DELETE /servers/up/mcp", [Handshake.version, Handshake.session()]))
                #expect(try await client.answer().status == 200)
                #expect(await desk.service.keptSessions().isEmpty)
            }
        }

        @Test("Its stream opens too")
        func stream() async throws {
            try await restarted { desk, _ in
                let client = try await desk.client()
                try await client.send(desk.stream())
                try await client.wait { $0.text.contains("text/event-stream") }
            }
        }

        @Test("A session that the server does not know any more either is begun anew")
        func gone() async throws {
            let isGone = Latch()
            try await restarted(isGone) { desk, upstream in
                isGone.open()
                let client = try await desk.client()
                try await client.send(desk.sessionCall())
                // This server knows none at all any more.
                let answer = try await client.answer()
                #expect(answer.status == 200)
                #expect(answer.error == (-31004, "session_lost"))
                let begun = upstream.requests.suffix(3).map(\.body)
                #expect(begun[0].contains(#""method":"initialize""#))
                #expect(begun[1].contains("notifications/initialized"))
                #expect(await desk.service.keptSessions().count == 1)
            }
        }

        @Test("A client that is gone leaves no session to a later one of its name")
        func forgotten() async throws {
            try await restarted(change: { $0.clients.removeAll { $0.name == "tests" } }) { desk, _ in
                #expect(await desk.service.keptSessions().isEmpty)
            }
        }

        @Test("A server of the same name at another address is never told the session")
        func moved() async throws {
            let other = try await FakeUpstream(Self.server())
            let entry = try other.entry()
            try await restarted(change: { $0.servers = [entry] }) { desk, _ in
                let client = try await desk.client()
                try await client.send(desk.sessionCall())
                #expect(try await client.answer().status == 404)
                #expect(other.requests.isEmpty)
            }
            await other.stop()
        }

        @Test("The keeper of the sessions is told of each beginning and end, and of no call")
        func told() async throws {
            try await withDesk(Self.server()) { desk, _ in
                let (changes, change) = AsyncStream.makeStream(of: Void.self)
                await desk.service.onSessions { change.yield() }
                let client = try await Handshake.begin(desk)
                try await client.send(desk.sessionCall())
                _ = try await client.answer()
                try await client.send(desk.request("DELETE /servers/up/mcp", [Handshake.version, Handshake.session()]))
                _ = try await client.answer()
                await desk.service.onSessions {}
                change.finish()
                var count = 0
                for await _ in changes { count += 1 }
                #expect(count == 2)
            }
        }
    }
}
