import Errors
import ServiceKit
import Testing
import Wire

@testable import Forwarding

@Suite("Who may speak to the listener")
struct AccessTests {
    private let rules = AccessRules(port: 7717, origins: ["https://inspector.example"])

    private func status(_ lines: String..., socket: Bool = false) -> Int? {
        let text = "GET / HTTP/1.1\r\n" + lines.map { $0 + "\r\n" }.joined() + "\r\n"
        return Array(text.utf8).withUnsafeBytes { bytes in
            var scanner = RequestHeadScanner()
            guard scanner.scan(bytes) == .complete else { return -1 }
            return rules.refusal(of: scanner.head, in: bytes, isOverSocket: socket)
        }
    }

    @Test(
        "The three names of the machine with the port, in any case",
        arguments: [
            "127.0.0.1:7717", "localhost:7717", "LocalHost:7717", "[::1]:7717",
        ]
    )
    func ours(host: String) {
        #expect(status("Host: \(host)") == nil)
    }

    @Test(
        "Any other name, the same without a port included",
        arguments: [
            "evil.example", "127.0.0.1", "127.0.0.1:1", "localhost.:7717", "[::ffff:127.0.0.1]:7717", "0.0.0.0:7717",
            "127.0.0.1:77170", "127.0.0.1:07717", "127.1:7717", "",
        ]
    )
    func foreign(host: String) {
        #expect(status("Host: \(host)") == 421)
        #expect(status("Host: \(host)", socket: true) == nil)
    }

    @Test("No Host is a wrong one")
    func noHost() {
        #expect(status() == 421)
    }

    @Test(
        "An origin must be ours or one of the settings",
        arguments: [
            ("http://127.0.0.1:7717", nil), ("http://localhost:7717", nil), ("http://[::1]:7717", nil),
            ("https://inspector.example", nil), ("https://evil.example", 403), ("null", 403), ("http://127.0.0.1", 403),
            ("https://127.0.0.1:7717", 403), ("file://", 403), ("https://inspector.example.evil", 403), ("", 403),
        ] as [(String, Int?)]
    )
    func origin(value: String, expected: Int?) {
        #expect(status("Host: localhost:7717", "Origin: \(value)") == expected)
        #expect(status("Host: x", "Origin: \(value)", socket: true) == expected)
    }

    @Test("What a page fetches without an origin says where it comes from")
    func fetchMetadata() {
        #expect(status("Host: localhost:7717", "Sec-Fetch-Site: cross-site") == 403)
        #expect(status("Host: localhost:7717", "Sec-Fetch-Site: same-site") == 403)
        #expect(status("Host: localhost:7717", "Sec-Fetch-Site: none") == nil)
    }

    @Test(
        "A bearer token, and nothing else",
        arguments: [
            ("Bearer dwc1_x", "dwc1_x"), ("bearer dwc1_x", "dwc1_x"), ("BEARER a", "a"), ("Bearer", nil),
            ("Bearer ", nil), ("Bearer   ", nil), ("Bearer  dwc1_x", "dwc1_x"), ("bearer     a", "a"),
            ("Bearer  a b", nil),
            ("Basic YTpi", nil), ("Bearer a b", nil), ("Bearerdwc1_x", nil), ("", nil),
        ] as [(String, String?)]
    )
    func bearer(value: String, token: String?) {
        let found = Array(value.utf8).withUnsafeBufferPointer { value in
            BearerToken.token(in: value).map { String(decoding: $0, as: UTF8.self) }
        }
        #expect(found == token)
    }

    private func route(_ path: String) -> Route {
        Array(path.utf8).withUnsafeBufferPointer { Route($0) }
    }

    @Test("Each address has one spelling, but for one slash at its end")
    func routes() {
        #expect(route("/servers/github/mcp") == .server(9..<15))
        #expect(route("/servers/a/mcp") == .server(9..<10))
        #expect(route("/servers/a/mcp/") == .server(9..<10))
        #expect(route("/servers/a/threads/T-1_x/mcp") == .server(9..<10, thread: 19..<24))
        let longest = String(repeating: "t", count: 64)
        #expect(route("/servers/a/threads/\(longest)/mcp") == .server(9..<10, thread: 19..<83))
        for path in [
            "/servers/a/threads//mcp", "/servers/a/threads/mcp", "/servers/a/threads/\(longest)t/mcp",
            "/servers/a/threads/a.b/mcp", "/servers/a/threads/a/b/mcp", "/servers//threads/a/mcp",
            "/servers/a/Threads/a/mcp", "/servers/a/threads/%41/mcp", "/servers/a/threadsx/a/mcp",
        ] {
            #expect(route(path) == .nowhere, "\(path)")
        }
        #expect(route("/mcp") == .everyServer())
        #expect(route("/mcp/") == .everyServer())
        #expect(route("/threads/T-1/mcp") == .everyServer(thread: 9..<12))
        for path in [
            "/mcp//", "/MCP", "/mcp/x", "/threads/mcp", "/threads//mcp", "/threads/a/b/mcp", "/threads/a.b/mcp",
        ] {
            #expect(route(path) == .nowhere, "\(path)")
        }
        #expect(route("/healthz/") == .health)
        #expect(route("/metrics/") == .openPage)
        for path in [
            "/call", "/calls/x", "/open", "/servers//mcp", "/servers/mcp", "/servers/a/b/mcp", "/servers/a/mcp//",
            "/Servers/a/mcp",
            "/servers/a/MCP", "//servers/a/mcp", "/healthz//", "/healthz2", "///", "/control", "/controls/status",
            "/../healthz",
        ] {
            #expect(route(path) == .nowhere, "\(path)")
        }
        for path in ["/", "//", "/calls", "/machine", "/connect", "/close", "/page.css", "/open/x"] {
            #expect(route(path) == .ownPage, "\(path)")
        }
        #expect(route("/healthz") == .health)
        #expect(route("/readyz") == .openPage)
        #expect(route("/metrics") == .openPage)
        #expect(route("/control/status") == .control)
        #expect(route("/.well-known/oauth-protected-resource/servers/a/mcp") == .wellKnown)
    }

    @Test(
        "The agent listens on loopback only",
        arguments: [
            "0.0.0.0:0", "192.0.2.1:0", "[::]:0", "127.0.0.1", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:", ":0",
            "127.1:0", "0x7f.0.0.1:0", "127.0.0.01:0", "localhost.evil:0", "::1:0", "127.0.0.1:+1",
        ]
    )
    func refusedAddresses(text: String) {
        #expect(throws: ForwardingError(.notLoopback, "")) { try ListenAddress(text) }
    }

    @Test(
        "Loopback in its usual spellings",
        arguments: [
            ("127.0.0.1:7717", "127.0.0.1:7717"), ("localhost:0", "127.0.0.1:0"), ("[::1]:1", "[::1]:1"),
            ("127.8.9.10:80", "127.8.9.10:80"),
        ]
    )
    func addresses(text: String, expected: String) throws {
        #expect(try ListenAddress(text).description == expected)
    }
}
