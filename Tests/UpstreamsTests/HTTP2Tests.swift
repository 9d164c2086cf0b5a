import NIOCore
import Testing
import Upstreams

@Suite("Servers that speak HTTP/2 alone")
struct HTTP2Tests {
    private func bench(
        _ server: HTTP2Server,
        _ configure: (inout UpstreamConfiguration) -> Void = { _ in }
    ) async throws -> PoolBench {
        try await PoolBench {
            $0.authoritiesFile = server.certificate
            configure(&$0)
        }
    }

    private func endpoint(_ server: HTTP2Server) throws -> UpstreamEndpoint {
        try UpstreamEndpoint(url: "https://localhost:\(server.port)/mcp?a=b", allowsLoopback: true)
    }

    /// Answers every request with its number.
    private static let counting: HTTP2Server.Script = { connection, frame in
        if frame.endsStream { connection.answer(frame.stream, "\(frame.stream)") }
    }

    @Test("One is found out by its refusal, and then asked on one connection for all", arguments: [true, false])
    func found(alerts: Bool) async throws {
        let server = try HTTP2Server(alerts: alerts, Self.counting)
        defer { server.stop() }
        let bench = try await bench(server)
        let endpoint = try endpoint(server)
        if !alerts {
            // One that closes without a word may have done what it was asked.
            #expect(try await bench.outcome(at: endpoint, body: "{}").afterSending == .closed)
        }
        for number in 0..<3 {
            let outcome = try await bench.outcome(at: endpoint, body: "{}")
            #expect(outcome.status == 200)
            #expect(outcome.body == "\(1 + 2 * number)")
            #expect(outcome.calls == ["sent", "head", "body", "ended"])
        }
        #expect(server.connections == 2)
        #expect(try await bench.onLoop { $0.server(for: endpoint).health.state } == .up)
    }

    @Test("What may be asked twice is asked over HTTP/2 at once, where a server closes without a word")
    func repeated() async throws {
        let server = try HTTP2Server(alerts: false, Self.counting)
        defer { server.stop() }
        let bench = try await bench(server)
        let endpoint = try endpoint(server)
        let recorder = try await bench.onLoop { pool in
            NIOLoopBound(Recorder(pool.server(for: endpoint), isRepeatable: true, body: "{}"), eventLoop: bench.loop)
        }
        let outcome = try await bench.loop.flatSubmit { recorder.value.promise.futureResult }.get()
        #expect(outcome.body == "1")
    }

    @Test("One that closes without a word and speaks no HTTP/2 either is asked over HTTP/1.1 again")
    func suspected() async throws {
        let server = try HTTP2Server(protocols: [], alerts: false) { _, _ in }
        defer { server.stop() }
        let bench = try await bench(server)
        let endpoint = try endpoint(server)
        for expected in [1, 3, 4] {
            #expect(try await bench.outcome(at: endpoint, body: "{}").afterSending == .closed)
            #expect(server.connections == expected)
        }
        #expect(server.notes.allSatisfy { $0 == "no HTTP/2" })
    }

    @Test("Its request has the fields of the one that it was made of, and long bodies arrive whole")
    func request() async throws {
        let server = try HTTP2Server { connection, frame in
            if frame.kind == .headers { connection.server.note(connection.fields(frame)) }
            guard frame.kind == .data else { return }
            connection.kept += frame.payload.count
            let increment = HTTP2Server.Frame.number(max(1, frame.payload.count))
            connection.send(
                .init(kind: .window, payload: increment),
                .init(kind: .window, stream: frame.stream, payload: increment)
            )
            if frame.endsStream { connection.answer(frame.stream, "\(connection.kept)") }
        }
        defer { server.stop() }
        let bench = try await bench(server)
        let outcome = try await bench.outcome(at: try endpoint(server), body: String(repeating: "b", count: 1_000_000))
        #expect(outcome.body == "1000000")
        #expect(
            server.notes.last == """
                :method: POST
                :scheme: https
                :authority: localhost:\(server.port)
                :path: /mcp?a=b
                content-length: 1000000
                """
        )
    }

    @Test("Many exchanges share a connection, whatever the order of their answers")
    func shared() async throws {
        let server = try HTTP2Server { connection, frame in
            guard frame.endsStream else { return }
            connection.kept += 1
            guard connection.kept == 60 else { return }
            for number in (0..<60).reversed() { connection.answer(1 + 2 * number, "\(1 + 2 * number)") }
        }
        defer { server.stop() }
        let bench = try await bench(server)
        let endpoint = try endpoint(server)
        let bodies = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<60 { group.addTask { try await bench.outcome(at: endpoint, body: "{}").body } }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(bodies.count == 60)
        #expect(server.connections - server.notes.count { $0 == "refused" } == 1)
    }

    @Test("Where a server takes few at a time, others have connections of their own")
    func few() async throws {
        let server = try HTTP2Server(settings: [(3, 1)]) { connection, frame in
            guard frame.endsStream else { return }
            connection.server.note("asked")
            connection.later(300) { connection.answer(frame.stream, "\(connection.number)") }
        }
        defer { server.stop() }
        let bench = try await bench(server)
        let endpoint = try endpoint(server)
        #expect(try await bench.outcome(at: endpoint, body: "{}").hasEnded)
        let bodies = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<3 { group.addTask { try await bench.outcome(at: endpoint, body: "{}").body } }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(bodies.count == 3)
        let closed = try HTTP2Server(settings: [(3, 0)], Self.counting)
        defer { closed.stop() }
        let outcome = try await self.bench(closed).outcome(at: try self.endpoint(closed), body: "{}")
        #expect(outcome.notSent == .tooManyConnections)
    }

    @Test("Who gives an exchange up ends that one alone")
    func cancelled() async throws {
        let server = try HTTP2Server { connection, frame in
            if frame.kind == .reset { connection.server.note("reset \(frame.stream) \(frame.payload)") }
            if frame.kind == .headers, frame.stream == 1 {
                connection.send(connection.head(1), .data(1, "first"))
                connection.server.note("begun")
            } else if frame.kind == .headers {
                // What still comes for the other does no harm.
                connection.send(.data(1, "late"))
                connection.answer(frame.stream, "\(frame.stream)")
            }
        }
        defer { server.stop() }
        let bench = try await bench(server)
        let endpoint = try endpoint(server)
        let first = try await bench.begin(endpoint)
        while !server.notes.contains("begun") { try await Task.sleep(for: .milliseconds(2)) }
        try await bench.cancel(first)
        #expect(try await bench.outcome(at: endpoint).body == "3")
        #expect(server.notes.contains("reset 1 [0, 0, 0, 8]"))
        #expect(server.connections == 2)
    }

    @Test("A server that takes leave ends what it has begun, and what it has not looked at is sent elsewhere")
    func leaving() async throws {
        let server = try HTTP2Server { connection, frame in
            guard frame.endsStream else { return }
            connection.kept += 1
            if connection.server.notes.contains("left") { return connection.answer(frame.stream, "later") }
            guard connection.kept == 2 else { return }
            connection.server.note("left")
            connection.send(.goAway(after: 1))
            connection.answer(1, "begun")
        }
        defer { server.stop() }
        let bench = try await bench(server)
        let endpoint = try endpoint(server)
        async let first = bench.outcome(at: endpoint, body: "{}")
        async let second = bench.outcome(at: endpoint, body: "{}")
        #expect(try await Set([first.body, second.body]) == ["begun", "later"])
        #expect(try await bench.outcome(at: endpoint, body: "{}").body == "later")
    }

    @Test("A request that the server refuses unread is sent once more, and never a third time")
    func refused() async throws {
        let server = try HTTP2Server { connection, frame in
            guard frame.endsStream else { return }
            connection.server.note("asked")
            connection.send(.reset(frame.stream, 7))
        }
        defer { server.stop() }
        let outcome = try await bench(server).outcome(at: try endpoint(server), body: "{}")
        #expect(outcome.notSent == .tooManyConnections)
        #expect(server.notes.count { $0 == "asked" } == 2)
    }

    @Test("A request that was read and not answered is never sent twice")
    func neverTwice() async throws {
        let server = try HTTP2Server { connection, frame in
            guard frame.endsStream else { return }
            connection.server.note("asked")
            connection.close()
        }
        defer { server.stop() }
        let outcome = try await bench(server).outcome(at: try endpoint(server), body: "{}")
        #expect(outcome.afterSending == .closed)
        #expect(server.notes.count { $0 == "asked" } == 1)
    }

    @Test("A connection that has died in silence is found out, and the next exchange has another")
    func silence() async throws {
        let server = try HTTP2Server { connection, frame in
            if frame.kind == .ping { connection.server.note("ping") }
            guard frame.endsStream else { return }
            if connection.server.notes.contains("ping") { connection.answer(frame.stream, "alive") }
        }
        defer { server.stop() }
        let bench = try await bench(server) {
            $0.maxSilence = .milliseconds(100)
            $0.maxPingWait = .milliseconds(100)
        }
        let endpoint = try endpoint(server)
        let outcome = try await bench.outcome(at: endpoint, body: "{}")
        #expect(outcome.afterSending == .closed)
        #expect(outcome.message?.contains("no sign of life") == true)
        #expect(try await bench.outcome(at: endpoint, body: "{}").body == "alive")
    }

    @Test("A connection that answers its ping is left alone, however long an answer takes")
    func patience() async throws {
        let server = try HTTP2Server { connection, frame in
            if frame.kind == .ping {
                connection.send(.init(kind: .ping, flags: HTTP2Server.Frame.acknowledged, payload: frame.payload))
            }
            guard frame.endsStream else { return }
            connection.later(500) { connection.answer(frame.stream, "slow") }
        }
        defer { server.stop() }
        let bench = try await bench(server) {
            $0.maxSilence = .milliseconds(50)
            $0.maxPingWait = .milliseconds(200)
        }
        #expect(try await bench.outcome(at: try endpoint(server), body: "{}").body == "slow")
    }
}
