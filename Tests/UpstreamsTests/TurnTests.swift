import Foundation
import NIOCore
import Testing
import Upstreams

@Suite("Turns at one server")
struct TurnTests {
    /// Answers streams with a head alone, and calls once the gate is opened.
    private func server(_ gate: DispatchSemaphore) throws -> RawServer {
        try RawServer { server, connection in
            while let request = connection.readRequest() {
                server.note(String(request.prefix(4)))
                if request.hasPrefix("GET ") {
                    connection.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
                    _ = connection.waitForEnd(seconds: 10)
                    return
                }
                gate.wait()
                gate.signal()
                connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            }
        }
    }

    private func wait(for count: Int, at server: RawServer) async throws {
        while server.notes.count < count { try await Task.sleep(for: .milliseconds(5)) }
    }

    @Test("Beyond the limit calls wait, and beyond the queue they are refused")
    func queue() async throws {
        let gate = DispatchSemaphore(value: 0)
        let server = try server(gate)
        let bench = try await PoolBench {
            $0.maxCalls = 1
            $0.maxWaiting = 1
        }
        let endpoint = try UpstreamEndpoint(url: "http://127.0.0.1:\(server.port)/mcp", allowsLoopback: true)
        let recorders = try await bench.onLoop { pool in
            NIOLoopBound((0..<3).map { _ in Recorder(pool.server(for: endpoint), body: "{}") }, eventLoop: bench.loop)
        }
        func outcome(_ index: Int) async throws -> Outcome {
            try await bench.loop.flatSubmit { recorders.value[index].promise.futureResult }.get()
        }
        #expect(try await outcome(2).notSent == .tooManyConnections)
        gate.signal()
        #expect(try await outcome(0).hasEnded)
        #expect(try await outcome(1).hasEnded)
        #expect(server.connections == 1)
        #expect(server.notes.count == 2)
    }

    @Test("No exchange waits for ever")
    func waitTimeout() async throws {
        let gate = DispatchSemaphore(value: 0)
        let server = try server(gate)
        let bench = try await PoolBench {
            $0.maxCalls = 1
            $0.waitTimeout = .milliseconds(50)
        }
        async let first = bench.outcome(port: server.port, body: "{}")
        try await wait(for: 1, at: server)
        #expect(try await bench.outcome(port: server.port, body: "{}").notSent == .tooManyConnections)
        gate.signal()
        #expect(try await first.hasEnded)
    }

    @Test("Streams that stay open take no turn from calls")
    func lanes() async throws {
        let gate = DispatchSemaphore(value: 1)
        let server = try server(gate)
        let bench = try await PoolBench {
            $0.maxCalls = 1
            $0.maxStreams = 2
            $0.maxWaiting = 0
        }
        let endpoint = try UpstreamEndpoint(url: "http://127.0.0.1:\(server.port)/mcp", allowsLoopback: true)
        let streams = try await bench.onLoop { pool in
            NIOLoopBound(
                (0..<2).map { _ in Recorder(pool.server(for: endpoint), lane: .stream) },
                eventLoop: bench.loop
            )
        }
        try await wait(for: 2, at: server)
        #expect(try await bench.outcome(port: server.port, body: "{}").hasEnded)
        #expect(try await bench.outcome(port: server.port, lane: .stream).notSent == .tooManyConnections)
        try await bench.onLoop { _ in
            for stream in streams.value {
                stream.exchange?.cancel()
                stream.giveUp()
            }
        }
        // Their places are free again.
        let next = try await bench.onLoop { pool in
            NIOLoopBound(Recorder(pool.server(for: endpoint), lane: .stream), eventLoop: bench.loop)
        }
        try await wait(for: 4, at: server)
        try await bench.onLoop { _ in
            next.value.exchange?.cancel()
            next.value.giveUp()
        }
    }

    @Test("One client's streams keep no other's out, and neither keeps the agent's own messages out")
    func streamsOfOneClient() async throws {
        let gate = DispatchSemaphore(value: 1)
        let server = try server(gate)
        let bench = try await PoolBench {
            $0.maxStreams = 8
            $0.maxStreamsOfOneClient = 3
            $0.waitTimeout = .milliseconds(100)
        }
        let endpoint = try UpstreamEndpoint(url: "http://127.0.0.1:\(server.port)/mcp", allowsLoopback: true)
        var streams: [NIOLoopBound<Recorder>] = []
        // Three have their turn, three wait, and the rest is refused.
        for _ in 0..<10 { streams.append(try await bench.begin(endpoint, lane: .stream, client: 1)) }
        try await wait(for: 3, at: server)
        for stream in streams[6...] {
            let outcome = try await bench.loop.flatSubmit { stream.value.promise.futureResult }.get()
            #expect(outcome.notSent == .tooManyConnections)
        }
        for client in 2...3 {
            streams.append(try await bench.begin(endpoint, lane: .stream, client: client))
            try await wait(for: 2 + client, at: server)
        }
        #expect(try await bench.outcome(port: server.port, body: "{}", lane: .aside).hasEnded)
        for stream in streams[3..<6] {
            let outcome = try await bench.loop.flatSubmit { stream.value.promise.futureResult }.get()
            #expect(outcome.notSent == .tooManyConnections)
        }
        // A place that a client gives back is its own again, though others were refused meanwhile.
        try await bench.cancel(streams[0])
        let asked = server.notes.count
        streams.append(try await bench.begin(endpoint, lane: .stream, client: 1))
        try await wait(for: asked + 1, at: server)
        for stream in streams { try await bench.cancel(stream) }
    }

    @Test("Streams have a bound over all servers, and of it each client a share")
    func streamsOverAll() async throws {
        let gate = DispatchSemaphore(value: 1)
        let servers = try (0..<8).map { _ in try server(gate) }
        // Sixteen files: eight streams in all, six of one client, one of it at each server.
        let bench = try await PoolBench { $0.maxConnections = 16 }
        let endpoints = try servers.map {
            try UpstreamEndpoint(url: "http://127.0.0.1:\($0.port)/mcp", allowsLoopback: true)
        }
        func begin(_ server: Int, _ client: Int) async throws -> NIOLoopBound<Recorder> {
            try await bench.begin(endpoints[server], lane: .stream, client: client)
        }
        func wait(for count: Int) async throws {
            while servers.reduce(0, { $0 + $1.notes.count }) < count { try await Task.sleep(for: .milliseconds(5)) }
        }
        var streams: [NIOLoopBound<Recorder>] = []
        for server in 0..<7 { streams.append(try await begin(server, 1)) }
        try await wait(for: 6)
        for server in 0..<2 { streams.append(try await begin(server, 2)) }
        try await wait(for: 8)
        streams.append(try await begin(7, 3))
        // Calls have files all the same, and two streams wait: one for its client's share, one for what all have.
        #expect(try await bench.outcome(port: servers[7].port, body: "{}").hasEnded)
        #expect(servers.reduce(0) { $0 + $1.notes.count } == 9)
        for waiting in [streams[6], streams[9]] {
            try await bench.onLoop { _ in #expect(waiting.value.exchange?.isEnded == false) }
        }
        // Each that ends lets one in, at whichever server it waits.
        for (ended, count) in [(0, 10), (1, 11)] {
            try await bench.cancel(streams[ended])
            try await wait(for: count)
        }
        for stream in streams { try await bench.cancel(stream) }
    }

    @Test("One client's calls that the server lets hang keep no other's out, neither running nor waiting")
    func callsOfOneClient() async throws {
        let gate = DispatchSemaphore(value: 0)
        let server = try server(gate)
        let bench = try await PoolBench {
            $0.maxCalls = 4
            $0.maxWaiting = 4
        }
        let endpoint = try UpstreamEndpoint(url: "http://127.0.0.1:\(server.port)/mcp", allowsLoopback: true)
        var calls: [NIOLoopBound<Recorder>] = []
        // Three run, three wait, and the rest is refused.
        for _ in 0..<8 { calls.append(try await bench.begin(endpoint, client: 1)) }
        for call in calls[6...] {
            let outcome = try await bench.loop.flatSubmit { call.value.promise.futureResult }.get()
            #expect(outcome.notSent == .tooManyConnections)
        }
        try await wait(for: 3, at: server)
        // Another's goes past those that wait.
        calls.append(try await bench.begin(endpoint, client: 2))
        try await wait(for: 4, at: server)
        calls.append(try await bench.begin(endpoint, client: 2))
        try await bench.cancel(calls[8])
        try await wait(for: 5, at: server)
        for call in calls[3..<6] { try await bench.onLoop { _ in #expect(call.value.exchange?.isEnded == false) } }
        for call in calls { try await bench.cancel(call) }
        for _ in calls { gate.signal() }
    }

    @Test("Of few files streams leave most to calls, and one client's calls some to others'")
    func streamsOfFewFiles() async throws {
        let gate = DispatchSemaphore(value: 1)
        let server = try server(gate)
        let bench = try await PoolBench {
            $0.maxConnections = 32
            $0.maxWaiting = 0
        }
        let endpoint = try UpstreamEndpoint(url: "http://127.0.0.1:\(server.port)/mcp", allowsLoopback: true)
        var streams: [NIOLoopBound<Recorder>] = []
        for client in 1...3 {
            for _ in 0..<3 { streams.append(try await bench.begin(endpoint, lane: .stream, client: client)) }
        }
        try await wait(for: 4, at: server)
        #expect(try await bench.outcome(port: server.port, body: "{}").hasEnded)
        #expect(try await bench.onLoop { $0.connectionCount } == 5)
        var calls: [NIOLoopBound<Recorder>] = []
        for _ in 0..<20 { calls.append(try await bench.begin(endpoint, client: 1)) }
        try await wait(for: 5 + 8, at: server)
        #expect(try await bench.outcome(port: server.port, body: "{}").hasEnded)
        for each in streams + calls { try await bench.cancel(each) }
    }

    @Test("What waits for a share of its own holds up no exchange behind it in the queue")
    func queueOfStreams() async throws {
        let gate = DispatchSemaphore(value: 1)
        let server = try server(gate)
        let bench = try await PoolBench {
            $0.maxStreams = 2
            $0.maxStreamsOfOneClient = 1
        }
        let endpoint = try UpstreamEndpoint(url: "http://127.0.0.1:\(server.port)/mcp", allowsLoopback: true)
        var streams: [NIOLoopBound<Recorder>] = []
        for client in [1, 2, 1, 3] { streams.append(try await bench.begin(endpoint, lane: .stream, client: client)) }
        try await wait(for: 2, at: server)
        try await bench.cancel(streams[1])
        // The third in the queue has its turn, before the second.
        try await wait(for: 3, at: server)
        for stream in streams[2...] {
            try await bench.onLoop { _ in #expect(stream.value.exchange?.isEnded == false) }
        }
        for stream in streams { try await bench.cancel(stream) }
    }

    @Test("What is cancelled before its turn or before its connection is told nothing, and leaves no trace")
    func cancelEarly() async throws {
        let gate = DispatchSemaphore(value: 0)
        let server = try server(gate)
        let bench = try await PoolBench { $0.maxCalls = 1 }
        let endpoint = try UpstreamEndpoint(url: "http://127.0.0.1:\(server.port)/mcp", allowsLoopback: true)
        let recorders = try await bench.onLoop { pool in
            let recorders = (0..<3).map { _ in Recorder(pool.server(for: endpoint), body: "{}") }
            // The first is connecting, the second waits.
            recorders[0].exchange?.cancel()
            recorders[2].exchange?.cancel()
            return NIOLoopBound(recorders, eventLoop: bench.loop)
        }
        try await wait(for: 1, at: server)
        gate.signal()
        let outcome = try await bench.loop.flatSubmit { recorders.value[1].promise.futureResult }.get()
        #expect(outcome.hasEnded)
        try await bench.onLoop { _ in
            for index in [0, 2] {
                #expect(recorders.value[index].outcome.calls == ["sent"])
                recorders.value[index].giveUp()
            }
        }
        #expect(server.notes.count == 1)
    }

    @Test("A pool that shuts down fails what waits and takes nothing more")
    func shutdown() async throws {
        let gate = DispatchSemaphore(value: 0)
        let server = try server(gate)
        let bench = try await PoolBench { $0.maxCalls = 1 }
        async let first = bench.outcome(port: server.port, body: "{}")
        try await wait(for: 1, at: server)
        async let second = bench.outcome(port: server.port, body: "{}")
        try await Task.sleep(for: .milliseconds(50))
        try await bench.onLoop { $0.shutdown() }
        #expect(try await second.notSent == .closed)
        #expect(try await bench.outcome(port: server.port, body: "{}").notSent == .closed)
        gate.signal()
        #expect(try await first.hasEnded)
    }
}
