import Foundation
import NIOCore
import Testing
import Upstreams

@Suite("Connections to servers")
struct ConnectionTests {
    private func endpoint(_ server: RawServer) throws -> UpstreamEndpoint {
        try UpstreamEndpoint(url: "http://127.0.0.1:\(server.port)/mcp", allowsLoopback: true)
    }

    @Test("A connection that the server closed while it rested is not used")
    func closedWhileResting() async throws {
        let server = try RawServer { _, connection in
            _ = connection.readRequest()
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n\(connection.number)")
        }
        let bench = try await PoolBench()
        for number in 1...3 {
            let outcome = try await bench.outcome(port: server.port, body: "{}")
            #expect(outcome.body == "\(number)")
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// Ends one exchange; lets the server close while the loop is blocked for `microseconds` and reads nothing; then
    /// sends another and returns what becomes of it.
    private func afterUnseenClosing(reset: Bool, microseconds: UInt32) async throws -> (Outcome, connections: Int) {
        let gate = DispatchSemaphore(value: 0)
        let server = try RawServer { server, connection in
            guard connection.readRequest() != nil else { return }
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n\(connection.number)")
            gate.wait()
            connection.close(reset: reset)
            server.note("closed")
        }
        let bench = try await PoolBench()
        let endpoint = try endpoint(server)
        let first = try await bench.onLoop { pool in
            let first = Recorder(pool.server(for: endpoint), body: "{}") { recorder, call in
                guard call == "ended" else { return }
                gate.signal()
                server.waitForNotes(1)
                usleep(microseconds)
                recorder.successor = Recorder(pool.server(for: endpoint), body: "{}")
            }
            return NIOLoopBound(first, eventLoop: bench.loop)
        }
        let outcome = try await bench.loop.flatSubmit { first.value.promise.futureResult }.get()
        gate.signal()
        return (outcome, server.connections)
    }

    @Test("A closing that the loop has not seen yet is seen before the request is written", arguments: [false, true])
    func closedUnseen(reset: Bool) async throws {
        let (outcome, connections) = try await afterUnseenClosing(reset: reset, microseconds: 150_000)
        #expect(outcome.body == "2")
        #expect(connections == 2)
    }

    @Test("A write that fails has sent nothing, and goes out on another connection")
    func failedWrite() async throws {
        // Unless the machine is slow, too short a rest for a look at the connection's state.
        let (outcome, connections) = try await afterUnseenClosing(reset: true, microseconds: 0)
        #expect(outcome.body == "2")
        #expect(connections == 2)
    }

    @Test("A request that was read and not answered is never sent twice")
    func neverTwice() async throws {
        let server = try RawServer { server, connection in
            while connection.readRequest() != nil {
                server.note("\(connection.number)")
                if server.notes.count == 2 { return }
                connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            }
        }
        let bench = try await PoolBench()
        let first = try await bench.outcome(port: server.port, body: "{}")
        #expect(first.hasEnded, "\(first)")
        let outcome = try await bench.outcome(port: server.port, body: "{}")
        #expect(outcome.afterSending == .closed)
        #expect(server.notes == ["1", "1"])
        #expect(server.connections == 1)
        let endpoint = try endpoint(server)
        #expect(try await bench.onLoop { $0.server(for: endpoint).health.state } == .degraded)
        #expect(try await bench.outcome(port: server.port).hasEnded)
        #expect(try await bench.onLoop { $0.server(for: endpoint).health.state } == .up)
    }

    @Test("A connection is given up before the time that the server says")
    func keepAlive() async throws {
        let server = try RawServer { _, connection in
            while connection.readRequest() != nil {
                connection.send(
                    "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 1\r\n\r\n\(connection.number)"
                )
            }
        }
        let bench = try await PoolBench()
        #expect(try await bench.outcome(port: server.port).body == "1")
        try await Task.sleep(for: .milliseconds(20))
        #expect(try await bench.outcome(port: server.port).body == "2")
    }

    @Test("A connection that has rested too long is not used")
    func idle() async throws {
        let server = try RawServer.counting()
        let bench = try await PoolBench { $0.idleTimeout = .milliseconds(30) }
        for number in 1...2 {
            #expect(try await bench.outcome(port: server.port).body == "connection \(number)")
            try await Task.sleep(for: .milliseconds(60))
        }
    }

    @Test("A connection whose server does not say how long it keeps it is given up before most servers do")
    func silentIdle() async throws {
        #expect(UpstreamConfiguration().silentIdleTimeout == .seconds(4))
        let server = try RawServer { _, connection in
            while let request = connection.readRequest() {
                let says = request.contains("/says") ? "Keep-Alive: timeout=60\r\n" : ""
                connection.send("HTTP/1.1 200 OK\r\n\(says)Content-Length: 1\r\n\r\n\(connection.number)")
            }
        }
        let bench = try await PoolBench { $0.silentIdleTimeout = .milliseconds(30) }
        for body in ["1", "2"] {
            #expect(try await bench.outcome(port: server.port, path: "/silent").body == body)
            try await Task.sleep(for: .milliseconds(60))
        }
        for _ in 0..<2 {
            #expect(try await bench.outcome(port: server.port, path: "/says").body == "3")
            try await Task.sleep(for: .milliseconds(60))
        }
    }

    /// What becomes of a request whose connection, the second time that it is used, ends as `ending` does it.
    private func afterClosing(
        isRepeatable: Bool,
        body: String? = "{}",
        _ ending: @escaping @Sendable (RawServer.Connection) -> Void
    ) async throws -> (Outcome, RawServer) {
        let server = try RawServer { server, connection in
            while connection.readRequest() != nil {
                server.note("\(connection.number)")
                if server.notes.count == 2 { return ending(connection) }
                connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n\(connection.number)")
            }
        }
        let bench = try await PoolBench()
        #expect(try await bench.outcome(port: server.port).body == "1")
        let endpoint = try endpoint(server)
        let recorder = try await bench.onLoop { pool in
            NIOLoopBound(
                Recorder(pool.server(for: endpoint), isRepeatable: isRepeatable, body: body),
                eventLoop: bench.loop
            )
        }
        return (try await bench.loop.flatSubmit { recorder.value.promise.futureResult }.get(), server)
    }

    @Test(
        "What may be asked twice is asked once more, on a fresh connection, where not a byte came back",
        arguments: [false, true],
        [2, 100_000]
    )
    func askedAgain(reset: Bool, length: Int) async throws {
        let body = String(repeating: "a", count: length)
        let (outcome, server) = try await afterClosing(isRepeatable: true, body: body) { $0.close(reset: reset) }
        #expect(outcome.body == "2")
        #expect(outcome.calls == ["sent", "head", "body", "ended"])
        #expect(server.notes == ["1", "1", "2"])
    }

    @Test("It is not asked again once a byte came back, nor a second time, nor where it may not be")
    func notAskedAgain() async throws {
        let (begun, first) = try await afterClosing(isRepeatable: true) { $0.send("HTTP/1.1 200") }
        #expect(begun.afterSending == .closed)
        #expect(first.notes == ["1", "1"])
        let (call, second) = try await afterClosing(isRepeatable: false) { _ in }
        #expect(call.afterSending == .closed)
        #expect(second.notes == ["1", "1"])
        let server = try RawServer { server, connection in
            if connection.readRequest() != nil { server.note("asked") }
        }
        let bench = try await PoolBench()
        let endpoint = try endpoint(server)
        let recorder = try await bench.onLoop { pool in
            NIOLoopBound(Recorder(pool.server(for: endpoint), isRepeatable: true), eventLoop: bench.loop)
        }
        let outcome = try await bench.loop.flatSubmit { recorder.value.promise.futureResult }.get()
        #expect(outcome.afterSending == .closed)
        #expect(server.notes == ["asked", "asked"])
    }

    @Test("Where it cannot be asked again, it is said that it was sent")
    func sentAllTheSame() async throws {
        let server = try RawServer { server, connection in
            guard connection.readRequest() != nil else { return }
            server.stop()
        }
        let bench = try await PoolBench()
        let endpoint = try endpoint(server)
        let recorder = try await bench.onLoop { pool in
            NIOLoopBound(Recorder(pool.server(for: endpoint), isRepeatable: true), eventLoop: bench.loop)
        }
        let outcome = try await bench.loop.flatSubmit { recorder.value.promise.futureResult }.get()
        #expect(outcome.afterSending == .connect)
    }

    @Test("Connections that rest are closed on request")
    func closeIdle() async throws {
        let server = try RawServer.counting()
        let bench = try await PoolBench()
        #expect(try await bench.outcome(port: server.port).body == "connection 1")
        try await bench.onLoop { $0.closeIdle() }
        #expect(try await bench.outcome(port: server.port).body == "connection 2")
        try await bench.onLoop { $0.retain(only: []) }
        #expect(try await bench.outcome(port: server.port).body == "connection 3")
    }

    @Test("A server that is down is asked again only after a pause, by one probe")
    func circuit() async throws {
        let server = try RawServer(isListening: false) { _, connection in
            while connection.readRequest() != nil {
                connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nup")
            }
        }
        let port = server.port
        let bench = try await PoolBench {
            $0.firstPause = .seconds(2)
            $0.longestPause = .seconds(2)
        }
        let endpoint = try endpoint(server)
        for _ in 0..<3 {
            #expect(try await bench.outcome(port: port).notSent == .connect)
        }
        #expect(try await bench.outcome(port: port).notSent == .down)
        #expect(try await bench.onLoop { $0.server(for: endpoint).isKnownDown })
        #expect(try await bench.onLoop { $0.server(for: endpoint).health.state } == .down)
        server.listen()
        #expect(try await bench.outcome(port: port).notSent == .down)
        try await Task.sleep(for: .milliseconds(2100))
        #expect(try await bench.outcome(port: port).body == "up")
        #expect(try await bench.onLoop { $0.server(for: endpoint).health.state } == .up)
    }

    @Test("A server is not down for ever because the caller that probed it went away before TLS was established")
    func abandonedProbe() async throws {
        let server = try RawServer { _, connection in _ = connection.waitForEnd(seconds: 10) }
        let url = "https://127.0.0.1:\(server.port)/"
        let bench = try await PoolBench {
            $0.connectTimeout = .seconds(1)
            $0.failuresBeforePause = 1
            $0.firstPause = .milliseconds(10)
            $0.longestPause = .milliseconds(10)
        }
        let endpoint = try UpstreamEndpoint(url: url, allowsLoopback: true)
        #expect(try await bench.outcome(of: url).notSent == .timeout)
        try await Task.sleep(for: .milliseconds(50))
        let probe = try await bench.onLoop { pool in
            NIOLoopBound(Recorder(pool.server(for: endpoint)), eventLoop: bench.loop)
        }
        while server.connections < 2 { try await Task.sleep(for: .milliseconds(5)) }
        try await Task.sleep(for: .milliseconds(50))
        try await bench.onLoop { pool in
            #expect(pool.server(for: endpoint).isKnownDown)
            probe.value.exchange?.cancel()
            probe.value.giveUp()
            #expect(!pool.server(for: endpoint).isKnownDown)
        }
        #expect(try await bench.outcome(of: url).notSent == .timeout)
    }

    @Test("A connection whose server was forgotten meanwhile is closed and does not rest")
    func forgotten() async throws {
        let gate = DispatchSemaphore(value: 0)
        let server = try RawServer { server, connection in
            _ = connection.readRequest()
            server.note("read")
            gate.wait()
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            server.note(connection.waitForEnd(seconds: 10) ? "closed" : "open")
        }
        let bench = try await PoolBench()
        async let outcome = bench.outcome(port: server.port)
        while server.notes.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
        try await bench.onLoop { $0.retain(only: []) }
        gate.signal()
        #expect(try await outcome.body == "ok")
        while server.notes.count < 2 { try await Task.sleep(for: .milliseconds(5)) }
        #expect(server.notes == ["read", "closed"])
    }

    @Test(
        "Private addresses are refused, as literals and behind names",
        arguments: [
            "https://10.0.0.1/", "https://127.0.0.1:1/", "https://[::1]:1/", "https://localhost:1/",
            "https://0x7f.1:1/",
        ]
    )
    func privateAddresses(_ url: String) async throws {
        let outcome = try await PoolBench().outcome(of: url, allowsLoopback: false)
        #expect(outcome.notSent == .refusedAddress)
    }

    @Test("Only loopback is opened by allowing loopback")
    func loopbackOnly() async throws {
        #expect(try await PoolBench().outcome(of: "https://192.168.1.1/").notSent == .refusedAddress)
        #expect(throws: UpstreamError.self) { try UpstreamEndpoint(url: "http://192.168.1.1/", allowsLoopback: true) }
        #expect(throws: UpstreamError.self) { try UpstreamEndpoint(url: "http://127.0.0.1/", allowsLoopback: false) }
    }

    @Test("A server that accepts and says nothing is given up in time")
    func silentHandshake() async throws {
        let server = try RawServer { _, connection in _ = connection.waitForEnd(seconds: 5) }
        let bench = try await PoolBench { $0.connectTimeout = .milliseconds(200) }
        let outcome = try await bench.outcome(of: "https://127.0.0.1:\(server.port)/")
        #expect(outcome.notSent == .timeout)
    }

    @Test("A server that does not speak TLS, or whose certificate is not trusted, gets no byte of the request")
    func untrusted() async throws {
        let plain = try RawServer { server, connection in
            server.note(String(decoding: connection.read(4096) ?? [], as: UTF8.self))
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        }
        let bench = try await PoolBench()
        #expect(try await bench.outcome(of: "https://127.0.0.1:\(plain.port)/secret").notSent == .tls)
        #expect(plain.notes.allSatisfy { !$0.contains("secret") })
        let stranger = try TLSServer()
        defer { stranger.stop() }
        #expect(try await bench.outcome(of: "https://127.0.0.1:\(stranger.port)/").notSent == .tls)
    }

    @Test("Of a server that agrees on no version of HTTP it is said, and not that it cannot be trusted")
    func otherProtocol() async throws {
        let server = try TLSServer(protocols: "imap")
        defer { server.stop() }
        let bench = try await PoolBench { $0.authoritiesFile = server.certificate }
        for _ in 0..<2 {
            let outcome = try await bench.outcome(of: "https://localhost:\(server.port)/")
            #expect(outcome.notSent == .tls)
            #expect(outcome.message?.contains("neither HTTP/1.1 nor HTTP/2") == true)
        }
    }

    @Test("An entry's own authority vouches for its server, alone and for no other entry")
    func ownAuthorities() async throws {
        let (own, other) = (try TLSServer(), try TLSServer())
        defer {
            own.stop()
            other.stop()
        }
        let authorities = try String(contentsOfFile: own.certificate, encoding: .utf8)
        // The other one is trusted like those of the system; but not where an entry brings its own.
        let bench = try await PoolBench { $0.authoritiesFile = other.certificate }
        let (ownURL, otherURL) = ("https://localhost:\(own.port)/", "https://localhost:\(other.port)/")
        #expect(try await bench.outcome(of: ownURL, authorities: authorities).status == 200)
        #expect(try await bench.outcome(of: ownURL).notSent == .tls)
        #expect(try await bench.outcome(of: otherURL).status == 200)
        #expect(try await bench.outcome(of: otherURL, authorities: authorities).notSent == .tls)
        #expect(try await bench.outcome(of: ownURL, authorities: "no certificate").notSent == .tls)
    }

    @Test("A server whose certificate is trusted is spoken to, by name and by address")
    func trusted() async throws {
        let server = try TLSServer()
        defer { server.stop() }
        let bench = try await PoolBench { $0.authoritiesFile = server.certificate }
        for host in ["127.0.0.1", "localhost"] {
            let outcome = try await bench.outcome(of: "https://\(host):\(server.port)/")
            #expect(outcome.status == 200)
            #expect(outcome.body.contains("TLS"))
        }
    }
}
