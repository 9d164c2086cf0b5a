import Foundation
import NIOCore
import Testing
import Upstreams

@Suite(
    "Whose program a loopback address leads to",
    .enabled(if: geteuid() == 0, "needs root, to listen as another user")
)
struct OwnerTests {
    private static let stranger: uid_t = 65534

    private func outcome(
        _ bench: PoolBench,
        _ url: String,
        allowsForeignOwner: Bool = false
    ) async throws -> (Outcome, EndpointHealth) {
        let endpoint = try UpstreamEndpoint(url: url, allowsLoopback: true, allowsForeignOwner: allowsForeignOwner)
        let recorder = try await bench.begin(endpoint)
        let outcome = try await bench.loop.flatSubmit { recorder.value.promise.futureResult }.get()
        return (outcome, try await bench.onLoop { $0.server(for: endpoint).health })
    }

    @Test(
        "Another user's program gets not a byte, by address and by name, with and without TLS",
        arguments: ["http://127.0.0.1", "https://127.0.0.1", "http://localhost", "https://localhost"]
    )
    func stranger(_ place: String) async throws {
        let server = try RawServer(owner: Self.stranger) { server, connection in
            server.note("\(connection.read(4096)?.count ?? 0)")
        }
        let bench = try await PoolBench { $0.failuresBeforePause = 1 }
        for number in 1...3 {
            let (outcome, health) = try await outcome(bench, "\(place):\(server.port)/")
            #expect(outcome.notSent == .foreignServer)
            #expect(health.state == .down)
            #expect(health.lastFailure?.message.contains("user id 65534") == true)
            while server.notes.count < number { try await Task.sleep(for: .milliseconds(2)) }
        }
        #expect(server.notes == ["0", "0", "0"])
        #expect(try await bench.onLoop { $0.connectionCount } == 0)
    }

    @Test("Another user's program that has not even taken the connection is known by its listener")
    func notAccepted() async throws {
        let server = try RawServer(isListening: false, owner: Self.stranger) { _, _ in }
        server.queue()
        let (outcome, _) = try await outcome(try await PoolBench(), "http://127.0.0.1:\(server.port)/")
        #expect(outcome.notSent == .foreignServer)
    }

    @Test("An entry can say that another user may run the server")
    func allowed() async throws {
        let server = try RawServer(owner: Self.stranger) { _, connection in
            _ = connection.readRequest()
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        }
        let (outcome, health) = try await outcome(
            try await PoolBench(),
            "http://127.0.0.1:\(server.port)/",
            allowsForeignOwner: true
        )
        #expect(outcome.body == "ok")
        #expect(health.state == .up)
    }

    @Test("Once the server's own program is back, it is up again at once")
    func back() async throws {
        let bench = try await PoolBench()
        var stranger: RawServer? = try RawServer(owner: Self.stranger) { _, _ in }
        let port = try #require(stranger).port
        #expect(try await outcome(bench, "http://127.0.0.1:\(port)/").0.notSent == .foreignServer)
        stranger?.stop()
        stranger = nil
        let own = try RawServer(port: port) { _, connection in
            _ = connection.readRequest()
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        }
        let (outcome, health) = try await outcome(bench, "http://127.0.0.1:\(own.port)/")
        #expect(outcome.body == "ok")
        #expect(health.state == .up)
    }
}
