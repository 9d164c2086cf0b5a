import Fetch
import Testing

@testable import Upstreams

@Suite("Servers behind a proxy")
struct ProxyTests {
    @Test("A server that is named by its address is refused: the certificate checked would be the proxy's")
    func literal() async throws {
        let proxy = try RawServer { _, connection in _ = connection.readRequest() }
        let environment = ["HTTPS_PROXY": "http://127.0.0.1:\(proxy.port)"]
        let bench = try await PoolBench(proxies: ProxyEnvironment(environment: environment))
        for host in ["93.184.215.14", "[2606:2800:21f:cb07:6820:80da:af6b:8b2c]"] {
            #expect(try await bench.outcome(of: "https://\(host)/mcp").notSent == .proxy)
        }
        #expect(proxy.connections == 0)
    }

    @Test("One that speaks HTTP/2 alone is found out and reached through the proxy too", arguments: [true, false])
    func newerHTTP(alerts: Bool) async throws {
        let server = try HTTP2Server(alerts: alerts) { connection, frame in
            if frame.endsStream { connection.answer(frame.stream, "\(frame.stream)") }
        }
        defer { server.stop() }
        let proxy = try RawServer { proxy, connection in
            proxy.note(connection.readRequest() ?? "")
            connection.send("HTTP/1.1 200 Connected\r\n\r\n")
            connection.relay(to: server.port)
        }
        let environment = ["HTTPS_PROXY": "http://127.0.0.1:\(proxy.port)"]
        let bench = try await PoolBench(proxies: ProxyEnvironment(environment: environment)) {
            $0.authoritiesFile = server.certificate
        }
        if !alerts { #expect(try await bench.outcome(of: "https://mcp.example/").afterSending == .closed) }
        for number in 0..<3 {
            #expect(try await bench.outcome(of: "https://mcp.example/", body: "{}").body == "\(1 + 2 * number)")
        }
        #expect(proxy.notes.count == 2 && proxy.notes.allSatisfy { $0.hasPrefix("CONNECT mcp.example:443 ") })
    }

    @Test("A server that has a name is asked for by it")
    func name() async throws {
        let proxy = try RawServer { server, connection in
            server.note(connection.readRequest() ?? "")
            connection.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        }
        let environment = ["HTTPS_PROXY": "http://ann:pass@127.0.0.1:\(proxy.port)"]
        let bench = try await PoolBench(proxies: ProxyEnvironment(environment: environment))
        #expect(try await bench.outcome(of: "https://mcp.example/secret").notSent == .proxy)
        #expect(
            proxy.notes == [
                "CONNECT mcp.example:443 HTTP/1.1\r\nHost: mcp.example:443\r\n"
                    + "Proxy-Authorization: Basic YW5uOnBhc3M=\r\n\r\n"
            ]
        )
    }
}
