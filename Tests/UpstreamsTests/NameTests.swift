import Foundation
import NIOCore
import Synchronization
import Testing
import Upstreams

/// Name servers of which some say nothing: a look-up of such a name hangs until the test ends.
private final class NameServers: Sendable {
    private let gate = DispatchSemaphore(value: 0)
    private let asked = Mutex<[String]>([])
    private let known: [String: [String]]

    init(_ known: [String: [String]] = [:]) { self.known = known }

    /// Every question, in order.
    var questions: [String] { asked.withLock { $0 } }

    func addresses(of name: String) throws -> [SocketAddress] {
        asked.withLock { $0.append(name) }
        if let addresses = known[name] { return try addresses.map { try SocketAddress(ipAddress: $0, port: 0) } }
        gate.wait()
        gate.signal()
        return []
    }

    func end() { gate.signal() }
}

@Suite("Names of servers")
struct NameTests {
    private func url(_ name: String, _ port: Int = 1) -> String { "https://\(name):\(port)/mcp" }

    private func state(_ bench: PoolBench, _ url: String) async throws -> EndpointHealth.State {
        let endpoint = try UpstreamEndpoint(url: url, allowsLoopback: true)
        return try await bench.onLoop { $0.server(for: endpoint).health.state }
    }

    @Test("Name servers that are silent hold up no other server: not a literal address, and not another name")
    func silence() async throws {
        let names = NameServers(["well.localhost": ["127.0.0.1"]])
        defer { names.end() }
        let server = try RawServer.counting()
        let bench = try await PoolBench {
            $0.resolve = names.addresses
            $0.connectTimeout = .seconds(3)
        }
        let hanging = (0..<8).map { url("silent-\($0).example") }
        async let outcomes = withThrowingTaskGroup(of: Outcome.self) { group in
            // Every name many times over.
            for url in hanging + hanging + hanging { group.addTask { try await bench.outcome(of: url) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        while names.questions.count < 8 { try await Task.sleep(for: .milliseconds(2)) }
        let clock = ContinuousClock()
        let took = try await clock.measure {
            for _ in 0..<20 {
                let literal = try await bench.outcome(port: server.port)
                #expect(literal.status == 200)
                let named = try await bench.outcome(of: "http://well.localhost:\(server.port)/")
                #expect(named.status == 200)
                try await bench.onLoop { $0.closeIdle() }
            }
        }
        #expect(took < .seconds(2))
        #expect(try await outcomes.map(\.notSent) == Array(repeating: .timeout, count: 24))
        #expect(Set(names.questions.filter { $0.hasPrefix("silent") }).count == 8)
        #expect(names.questions.count { $0.hasPrefix("silent") } == 8)
        #expect(!names.questions.contains("127.0.0.1"))
        #expect(try await state(bench, "http://127.0.0.1:\(server.port)/mcp") == .up)
        #expect(try await state(bench, "http://well.localhost:\(server.port)/") == .up)
        #expect(try await state(bench, hanging[0]) == .down)
    }

    @Test("A name whose look-up hangs is not asked for again, and a caller that comes then is told at once")
    func hanging() async throws {
        let names = NameServers()
        defer { names.end() }
        let bench = try await PoolBench {
            $0.resolve = names.addresses
            $0.connectTimeout = .milliseconds(300)
            $0.failuresBeforePause = 100
        }
        #expect(try await bench.outcome(of: url("silent.example")).notSent == .timeout)
        let clock = ContinuousClock()
        let took = try await clock.measure {
            for _ in 0..<20 {
                let outcome = try await bench.outcome(of: url("silent.example"))
                #expect(outcome.notSent == .timeout)
            }
        }
        // A caller that waited as long as the first would take six seconds.
        #expect(took < .seconds(3))
        #expect(names.questions == ["silent.example"])
    }

    @Test("A name for which there is no thread left is not called a failure of its server")
    func bound() async throws {
        let names = NameServers(["late.localhost": ["127.0.0.1"]])
        let server = try RawServer.counting()
        let late = "http://late.localhost:\(server.port)/"
        let bench = try await PoolBench {
            $0.resolve = names.addresses
            $0.maxLookUps = 2
            $0.connectTimeout = .seconds(5)
            $0.failuresBeforePause = 1
        }
        for name in ["a.example", "b.example"] {
            _ = try await bench.begin(UpstreamEndpoint(url: url(name), allowsLoopback: false))
        }
        for _ in 0..<5 { #expect(try await bench.outcome(of: late).notSent == .noRoom) }
        #expect(try await state(bench, late) == .up)
        names.end()
        var outcome = try await bench.outcome(of: late)
        while outcome.notSent == .noRoom { outcome = try await bench.outcome(of: late) }
        #expect(outcome.status == 200)
    }

    @Test("Each address of a name is judged, and those that may not be connected to are left out")
    func judged() async throws {
        let names = NameServers([
            "private.example": ["10.0.0.1", "169.254.169.254", "::ffff:127.0.0.1"], "none.example": [],
            "mixed.localhost": ["10.0.0.1", "127.0.0.1"], "this.example": ["127.0.0.1"],
        ])
        let server = try RawServer.counting()
        let bench = try await PoolBench { $0.resolve = names.addresses }
        #expect(try await bench.outcome(of: url("private.example")).notSent == .refusedAddress)
        #expect(
            try await bench.outcome(of: url("this.example", server.port), allowsLoopback: false).notSent
                == .refusedAddress
        )
        #expect(try await bench.outcome(of: url("none.example")).notSent == .connect)
        #expect(try await bench.outcome(of: "http://mixed.localhost:\(server.port)/").status == 200)
        #expect(server.connections == 1)
    }

    @Test("A name of very many addresses takes few files, and the first that answers is taken")
    func manyAddresses() async throws {
        // No server listens on the first, and the port of the others is the same.
        let addresses = (2...60).map { "127.0.0.\($0)" }
        let names = NameServers(["many.localhost": addresses, "two.localhost": ["127.0.0.9", "127.0.0.1"]])
        let server = try RawServer.counting()
        let bench = try await PoolBench { $0.resolve = names.addresses }
        #expect(try await bench.outcome(of: "http://two.localhost:\(server.port)/").status == 200)
        #expect(try await bench.outcome(of: "http://many.localhost:\(server.port)/").notSent == .connect)
        #expect(try await bench.onLoop { $0.connectionCount } == 1)
    }

    @Test("A caller that goes away while a name is looked up leaves nothing behind")
    func abandoned() async throws {
        let names = NameServers()
        defer { names.end() }
        let bench = try await PoolBench {
            $0.resolve = names.addresses
            $0.maxCalls = 2
            $0.maxWaiting = 0
        }
        let endpoint = try UpstreamEndpoint(url: url("silent.example"), allowsLoopback: false)
        for _ in 0..<100 { try await bench.cancel(try await bench.begin(endpoint)) }
        // All slots are free again.
        let last = try await bench.begin(endpoint)
        try await bench.onLoop { pool in
            #expect(last.value.exchange?.isEnded == false)
            #expect(pool.server(for: endpoint).health.state == .up)
        }
        try await bench.cancel(last)
        #expect(names.questions == ["silent.example"])
    }
}
