import Foundation
import NIOCore
import NIOPosix
import Synchronization
import Testing
import Upstreams

@Suite("Turns of connections that bring much")
struct ReadSharesTests {
    private final class Connection {}

    @Test("A few connections are read as they come, and more of them wait for turns until the others bring little")
    func crowd() {
        let shares = ReadShares(loop: MultiThreadedEventLoopGroup.singleton.next())
        let connections = (0..<40).map { _ in Connection() }
        let now = NIODeadline.uptimeNanoseconds(1)
        let crowded = connections.map { shares.isCrowded(with: ObjectIdentifier($0), at: now) }
        #expect(crowded.prefix(4).allSatisfy { !$0 })
        #expect(crowded.dropFirst(4).allSatisfy { $0 })
        #expect(!shares.isCrowded(with: ObjectIdentifier(connections[0]), at: now + .milliseconds(1001)))
    }

    /// What came of answers of 2 MiB each.
    private struct Arrival: Sendable {
        var bytes = 0
        /// When the first half of all had come, and when the last byte.
        var half: ContinuousClock.Instant?
        var end: ContinuousClock.Instant?
        var longest = 0
    }

    @Test("Large answers at once are read one after the other, whole, also where reading is held back in between")
    func turns() async throws {
        let size = 2 << 20
        let others = 15
        // All of them send a piece before any sends the next, however few cores there are.
        let steps = Steps()
        let server = try RawServer { _, connection in
            while connection.readRequest() != nil {
                connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\n\r\n")
                let piece = String(repeating: "x", count: size / 16)
                for _ in 0..<16 {
                    connection.send(piece)
                    steps.meet()
                }
            }
        }
        let bench = try await PoolBench { $0.maxCalls = 4 * others }
        let endpoint = try UpstreamEndpoint(url: "http://127.0.0.1:\(server.port)/mcp", allowsLoopback: true)

        func arrival(of count: Int) async throws -> Arrival {
            steps.expect(count)
            let arrival = Mutex(Arrival())
            let recorders = try await bench.onLoop { pool in
                let recorders = (0..<count).map { index in
                    var before = 0
                    return Recorder(pool.server(for: endpoint), body: "{}") { recorder, _ in
                        let after = recorder.outcome.body.utf8.count
                        arrival.withLock {
                            $0.bytes += after - before
                            $0.longest = max($0.longest, after - before)
                            if $0.half == nil, $0.bytes >= count * size / 2 { $0.half = .now }
                            if $0.bytes == count * size { $0.end = .now }
                        }
                        defer { before = after }
                        guard index == 0, before < size / 2, after >= size / 2 else { return }
                        recorder.exchange?.isReading = false
                        bench.loop.assumeIsolated().scheduleTask(in: .milliseconds(50)) {
                            recorder.exchange?.isReading = true
                        }
                    }
                }
                return NIOLoopBound(recorders, eventLoop: bench.loop)
            }
            for index in 0..<count {
                let outcome = try await bench.loop.flatSubmit { recorders.value[index].promise.futureResult }.get()
                #expect(outcome.hasEnded)
                #expect(outcome.body.utf8.count == size)
            }
            return arrival.withLock { $0 }
        }

        let many = try await arrival(of: others + 1)
        let (half, end) = (try #require(many.half), try #require(many.end))
        // At most 64 KiB in each interval.
        let intervals = (others + 1) * size / 2 / 65536
        #expect(end - half >= ReadShares.interval * (intervals / 2))
        // The same connections rest now, and one of them serves the next, in reads as long as they come.
        try await Task.sleep(for: .milliseconds(1100))
        let alone = try await arrival(of: 1)
        #expect(alone.longest > 32768)
    }
}

/// Has several threads take their steps together.
private final class Steps: Sendable {
    private struct State {
        var expected = 1
        var here = 0
        var step = 0
    }

    private let state = Mutex(State())
    private let condition = NSCondition()

    func expect(_ count: Int) { state.withLock { $0.expected = count } }

    /// Returns once all have come here.
    func meet() {
        condition.lock()
        defer { condition.unlock() }
        let (step, isLast) = state.withLock { state in
            state.here += 1
            let step = state.step
            guard state.here == state.expected else { return (step, false) }
            state.here = 0
            state.step += 1
            return (step, true)
        }
        guard !isLast else { return condition.broadcast() }
        while state.withLock({ $0.step }) == step { condition.wait() }
    }
}
