import NIOCore
import Testing

@testable import Upstreams

@Suite("Health and habits of servers")
struct HealthTests {
    private let failure = UpstreamError(.connect, "Nobody answers.")

    private func at(_ milliseconds: Int64) -> NIODeadline {
        .uptimeNanoseconds(1_000_000_000) + .milliseconds(milliseconds)
    }

    @Test("A server is up until something says otherwise, and down since the first failure to connect")
    func states() {
        var health = EndpointHealth(UpstreamConfiguration())
        #expect(health.state == .up)
        #expect(health.since == nil)
        health.exchangeFailed(UpstreamError(.closed, "Closed."), at: at(1))
        #expect(health.state == .degraded)
        health.connectFailed(failure, at: at(2), chance: 1)
        health.connectFailed(failure, at: at(3), chance: 1)
        #expect(health.state == .down)
        #expect(health.since == at(2))
        health.connected(at: at(4))
        #expect(health.state == .up)
        #expect(health.lastFailure?.code == .connect)
        health.exchangeFailed(failure, at: at(5))
        health.exchangeEnded(at: at(6))
        #expect(health.state == .up)
        #expect(health.since == at(6))
    }

    private func admits(_ health: inout EndpointHealth, _ milliseconds: Int64) -> Bool {
        health.admitsConnection(at: at(milliseconds))
    }

    @Test("Pauses double up to a bound, are shortened by chance, and let one probe through")
    func pauses() {
        var health = EndpointHealth(UpstreamConfiguration())
        for moment in 0..<2 {
            health.connectFailed(failure, at: at(Int64(moment)), chance: 1)
            #expect(admits(&health, Int64(moment)))
        }
        var now: Int64 = 1000
        for pause: Int64 in [250, 500, 1000, 2000, 4000, 5000, 5000] {
            health.connectFailed(failure, at: at(now), chance: 1)
            #expect(!admits(&health, now + pause - 1))
            now += pause
            #expect(admits(&health, now))
            // The probe is under way: no other request is admitted.
            #expect(!admits(&health, now + 60_000))
        }
        health.connectFailed(failure, at: at(now), chance: 0)
        #expect(!health.refuses(at: at(now + 2500)))
        #expect(health.refuses(at: at(now + 2490)))
        health.connected(at: at(now))
        #expect(admits(&health, now))
        #expect(admits(&health, now))
    }

    @Test("A probe that was given up leaves the way free for the next one")
    func abandonedProbe() {
        var health = EndpointHealth(UpstreamConfiguration())
        for _ in 0..<3 { health.connectFailed(failure, at: at(0), chance: 1) }
        #expect(admits(&health, 250))
        #expect(!admits(&health, 251))
        health.connectAbandoned()
        #expect(health.state == .down)
        #expect(admits(&health, 252))
        #expect(!admits(&health, 253))
    }

    @Test("A probe that is a request's second try ends too, and the next one may go")
    func repeatedProbe() async throws {
        // It takes connections, and no TLS comes about on them.
        let server = try RawServer { _, _ in }
        let bench = try await PoolBench {
            $0.failuresBeforePause = 1
            $0.firstPause = .milliseconds(10)
            $0.longestPause = .milliseconds(10)
        }
        let endpoint = try UpstreamEndpoint(url: "https://127.0.0.1:\(server.port)/", allowsLoopback: true)
        let failure = failure
        try await bench.onLoop { pool in
            let server = pool.server(for: endpoint)
            server.health.connectFailed(failure, at: pool.loop.now - .seconds(1), chance: 1)
            #expect(!server.isKnownDown)
        }
        let probe = try await bench.onLoop { pool in
            let probe = Recorder(pool.server(for: endpoint), isRepeatable: true)
            probe.exchange?.isRepeated = true
            #expect(pool.server(for: endpoint).isKnownDown)
            return NIOLoopBound(probe, eventLoop: bench.loop)
        }
        let outcome = try await bench.loop.flatSubmit { probe.value.promise.futureResult }.get()
        #expect(outcome.afterSending != nil)
        try await Task.sleep(for: .milliseconds(50))
        #expect(try await bench.onLoop { !$0.server(for: endpoint).isKnownDown })
    }

    @Test("A server's habit of closing is learned from one sight, for a while")
    func habits() {
        var limit = IdleLimit(.seconds(60))
        #expect(limit.current(at: at(0)) == .seconds(60))
        // A restart is no habit.
        limit.serverClosed(afterIdle: .milliseconds(400), at: at(0))
        #expect(limit.current(at: at(0)) == .seconds(60))
        limit.serverClosed(afterIdle: .seconds(8), at: at(0))
        #expect(limit.current(at: at(1)) == .seconds(6))
        limit.serverClosed(afterIdle: .seconds(4), at: at(1))
        #expect(limit.current(at: at(2)) == .seconds(3))
        limit.serverClosed(afterIdle: .seconds(40), at: at(3))
        #expect(limit.current(at: at(4)) == .seconds(3))
        limit.serverClosed(afterIdle: .seconds(1), at: at(5))
        #expect(limit.current(at: at(6)) == .seconds(1))
        #expect(limit.current(at: at(601_000)) == .seconds(60))
    }
}
