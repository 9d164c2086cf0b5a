import Fetch
import Foundation
import NIOCore
import Testing
import Upstreams

@Suite("Files that connections to servers take")
struct FileTests {
    private func endpoint(_ port: Int, tls: Bool = false) throws -> UpstreamEndpoint {
        try UpstreamEndpoint(url: "http\(tls ? "s" : "")://127.0.0.1:\(port)/mcp", allowsLoopback: true)
    }

    private func count(_ bench: PoolBench) async throws -> Int { try await bench.onLoop { $0.connectionCount } }

    @Test("An attempt that no exchange waits for any more is closed at once", arguments: [false, true])
    func abandoned(tls: Bool) async throws {
        let full = try FullPort()
        let bench = try await PoolBench()
        let endpoint = try endpoint(full.port, tls: tls)
        var most = 0
        for _ in 0..<500 {
            let recorder = try await bench.begin(endpoint)
            most = max(most, try await count(bench))
            try await bench.cancel(recorder)
        }
        #expect(most == 1)
        #expect(try await count(bench) == 0)
        withExtendedLifetime(full) {}
    }

    @Test("A server that takes the connection and then says nothing keeps no file beyond the deadline")
    func silentHandshake() async throws {
        let server = try RawServer { _, connection in _ = connection.waitForEnd(seconds: 10) }
        let bench = try await PoolBench { $0.connectTimeout = .milliseconds(200) }
        #expect(try await bench.outcome(of: "https://127.0.0.1:\(server.port)/").notSent == .timeout)
        #expect(try await count(bench) == 0)
        // Nor where the caller went away in the middle of it.
        let recorder = try await bench.begin(endpoint(server.port, tls: true))
        while server.connections < 2 { try await Task.sleep(for: .milliseconds(2)) }
        try await Task.sleep(for: .milliseconds(50))
        try await bench.cancel(recorder)
        #expect(try await count(bench) == 0)
    }

    @Test("A port that takes no connection, and a proxy that never answers, keep no file beyond the deadline")
    func silentPort() async throws {
        let full = try FullPort()
        let bench = try await PoolBench { $0.connectTimeout = .milliseconds(200) }
        #expect(try await bench.outcome(port: full.port).notSent == .timeout)
        #expect(try await count(bench) == 0)
        withExtendedLifetime(full) {}
        let proxy = try RawServer { _, connection in _ = connection.waitForEnd(seconds: 10) }
        let environment = ProxyEnvironment(environment: ["HTTPS_PROXY": "http://127.0.0.1:\(proxy.port)"])
        let behind = try await PoolBench(proxies: environment) { $0.connectTimeout = .milliseconds(200) }
        #expect(try await behind.outcome(of: "https://mcp.example/").notSent == .timeout)
        #expect(proxy.connections == 1)
        #expect(try await count(behind) == 0)
    }

    @Test("Where there is no file left, the connection that has rested longest makes room, whosever it is")
    func oldestGoes() async throws {
        let servers = try (0..<3).map { _ in try RawServer.counting() }
        let bench = try await PoolBench { $0.maxConnections = 2 }
        for server in servers {
            #expect(try await bench.outcome(port: server.port).body == "connection 1")
            #expect(try await count(bench) <= 2)
        }
        // The second still rests, the first has made room.
        #expect(try await bench.outcome(port: servers[1].port).body == "connection 1")
        #expect(try await bench.outcome(port: servers[0].port).body == "connection 2")
    }

    /// Takes every file that this process may still open.
    private func takeAllFiles() throws -> (files: [Int32], limit: rlimit) {
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        try #require(getrlimit(resource, &limit) == 0)
        var low = limit
        // A number that is given back must be one that can be given again.
        let taken = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap { UInt($0) }
        low.rlim_cur = try #require(taken.max()) + 16
        try #require(setrlimit(resource, &low) == 0)
        var files: [Int32] = []
        while case let file = open("/dev/null", O_RDONLY | O_CLOEXEC), file >= 0 { files.append(file) }
        return (files, limit)
    }

    /// In a process of its own: one that lives for a second without files is ended by the system's libraries.
    @Test("Where the system gives no file, the connection that has rested longest makes room, and it is tried again")
    func noFile() async {
        await #expect(processExitsWith: .success) { try await FileTests().whileTheSystemGivesNoFile() }
    }

    private func whileTheSystemGivesNoFile() async throws {
        let old = try RawServer.counting()
        let new = try RawServer.counting()
        let bench = try await PoolBench { $0.failuresBeforePause = 1 }
        #expect(try await bench.outcome(port: old.port).body == "connection 1")
        var (files, limit) = try takeAllFiles()
        let made = try await bench.outcome(port: new.port)
        // Now nothing rests that could make room: its own connection is used.
        let used = try await bench.outcome(port: new.port)
        let refused = try await bench.outcome(port: old.port)
        for file in files { close(file) }
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        #expect(made.body == "connection 1", "\(made)")
        #expect(used.body == "connection 1")
        #expect(refused.body == "connection 2" || refused.notSent == .noRoom)
        for port in [old.port, new.port] {
            let endpoint = try endpoint(port)
            #expect(try await bench.onLoop { $0.server(for: endpoint).health.state } == .up)
        }
    }

    @Test("One server takes half of the files at most, and a lack of files is no server's failure")
    func share() async throws {
        let greedy = try RawServer { server, connection in
            _ = connection.readRequest()
            server.note("asked")
            _ = connection.waitForEnd(seconds: 10)
        }
        let other = try RawServer.counting()
        let bench = try await PoolBench {
            $0.maxConnections = 8
            $0.failuresBeforePause = 1
        }
        let endpoint = try endpoint(greedy.port)
        var open: [NIOLoopBound<Recorder>] = []
        for client in 1...4 { open.append(try await bench.begin(endpoint, client: client)) }
        while greedy.notes.count < 4 { try await Task.sleep(for: .milliseconds(2)) }
        for _ in 0..<3 { #expect(try await bench.outcome(port: greedy.port).notSent == .noRoom) }
        #expect(try await bench.onLoop { $0.server(for: endpoint).health.state } == .up)
        #expect(try await bench.outcome(port: other.port).status == 200)
        for recorder in open { try await bench.cancel(recorder) }
        #expect(try await count(bench) == 1)
    }

    @Test("Of connections that rest no more are kept than there may be")
    func restingBound() async throws {
        let server = try RawServer.counting()
        let bench = try await PoolBench { $0.maxResting = 3 }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    let outcome = try await bench.outcome(port: server.port)
                    #expect(outcome.status == 200)
                }
            }
            try await group.waitForAll()
        }
        let endpoint = try endpoint(server.port)
        #expect(try await bench.onLoop { $0.server(for: endpoint).restingCount } <= 3)
        #expect(try await count(bench) <= 3)
    }
}
