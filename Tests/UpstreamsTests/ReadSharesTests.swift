import Foundation
import NIOCore
import Synchronization
import Testing
import Upstreams

@Suite("Shares of what one turn reads")
struct ReadSharesTests {
    private final class Connection {}

    @Test("A few connections read as they like; many have one share of a turn between them")
    func shares() {
        let shares = ReadShares()
        let connections = (0..<40).map { _ in Connection() }
        let now = NIODeadline.uptimeNanoseconds(1)
        let given = connections.map { shares.share(of: $0, at: now) }
        #expect(given[..<4].allSatisfy { $0 == nil })
        #expect(given[4] == 32768)
        #expect(given[39] == 4096)
        // One alone again, once the others have brought little for a second.
        #expect(shares.share(of: connections[0], at: now + .milliseconds(1001)) == nil)
    }

    @Test("Large answers at once come in small pieces, whole, and one alone in large ones")
    func pieces() async throws {
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

        /// The longest piece of the last half of each answer.
        func longest(of count: Int) async throws -> [Int] {
            steps.expect(count)
            let longest = Mutex([Int](repeating: 0, count: count))
            let recorders = try await bench.onLoop { pool in
                let recorders = (0..<count).map { index in
                    var before = 0
                    return Recorder(pool.server(for: endpoint), body: "{}") { recorder, _ in
                        let after = recorder.outcome.body.utf8.count
                        if before > size / 2 { longest.withLock { $0[index] = max($0[index], after - before) } }
                        before = after
                    }
                }
                return NIOLoopBound(recorders, eventLoop: bench.loop)
            }
            for index in 0..<count {
                let outcome = try await bench.loop.flatSubmit { recorders.value[index].promise.futureResult }.get()
                #expect(outcome.hasEnded)
                #expect(outcome.body.utf8.count == size)
            }
            return longest.withLock { $0 }
        }

        let many = try await longest(of: others + 1)
        #expect(many.contains { $0 <= 16384 })
        // The same connections rest now, and one of them serves the next.
        try await Task.sleep(for: .milliseconds(1100))
        let alone = try await longest(of: 1)
        #expect(alone[0] > 32768)
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
