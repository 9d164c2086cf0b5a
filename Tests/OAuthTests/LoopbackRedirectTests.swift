import Addresses
import Fetch
import Foundation
import Testing

@testable import OAuth

@Suite("The address that the browser comes back to")
struct LoopbackRedirectTests {
    private func redirect() throws -> LoopbackRedirect {
        let redirect = try LoopbackRedirect { _ in true }
        redirect.open { $0["state"] == "right" }
        return redirect
    }

    /// Sends bytes as they are; the answer's first line, or nothing.
    private func send(_ text: String, to redirect: LoopbackRedirect, keepOpen: Bool = false) throws -> String {
        let connection = try connect(redirect)
        defer { if !keepOpen { close(connection) } }
        _ = text.withCString { Glibc.send(connection, $0, strlen($0), Int32(MSG_NOSIGNAL)) }
        if keepOpen { return "" }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = max(0, recv(connection, &bytes, bytes.count, 0))
        return String(decoding: bytes[..<count], as: UTF8.self).components(separatedBy: "\r\n")[0]
    }

    private func connect(_ redirect: LoopbackRedirect) throws -> Int32 {
        let connection = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        try connect(connection, redirect)
        return connection
    }

    private func connect(_ connection: Int32, _ redirect: LoopbackRedirect) throws {
        let port = try #require(WebURL(redirect.url)).port
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let isConnected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(connection, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isConnected else { throw POSIXError(.ECONNREFUSED) }
        var deadline = timeval(tv_sec: 3, tv_usec: 0)
        setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &deadline, socklen_t(MemoryLayout<timeval>.size))
    }

    private func head(_ redirect: LoopbackRedirect, _ target: String, host: String? = nil, method: String = "GET")
        -> String
    {
        let authority = redirect.url.dropFirst(7).prefix { $0 != "/" }
        return "\(method) \(target) HTTP/1.1\r\nHost: \(host ?? String(authority))\r\n\r\n"
    }

    @Test("The answer to this sign-in is taken once, and then the port is closed")
    func answer() async throws {
        let redirect = try redirect()
        #expect(try send(head(redirect, "/callback?state=right&code=c"), to: redirect) == "HTTP/1.1 200 OK")
        #expect(await redirect.wait() == ["state": "right", "code": "c"])
        #expect(await redirect.wait() == ["state": "right", "code": "c"])
        await #expect(throws: FetchError.self) {
            try await Fetcher(proxies: .none).fetch(
                FetchRequest("GET", redirect.url, timeout: .seconds(2), addresses: .loopbackToo)
            )
        }
    }

    @Test("While there is no file for a connection the listener rests, and it is taken afterwards")
    func noFiles() throws {
        let redirect = try LoopbackRedirect { _ in true }
        let client = try connect(redirect)
        defer { close(client) }
        var attempts = 0
        // A process without files cannot be had here: the system's own libraries do not survive it.
        var connections = CallbackConnections { listener in
            attempts += 1
            guard attempts > 1 else {
                errno = EMFILE
                return -1
            }
            return accept(listener, nil, nil)
        }
        defer { connections.closeAll() }
        let head = head(redirect, "/callback?state=right&code=c")
        _ = head.withCString { Glibc.send(client, $0, strlen($0), Int32(MSG_NOSIGNAL)) }
        let start = ContinuousClock.now
        var polls = 0
        var queries: [String?] = []
        while queries.isEmpty, ContinuousClock.now - start < .seconds(10) {
            polls += 1
            queries = connections.poll(redirect.listener) { _ in true }.map(\.1.query)
        }
        #expect(queries == ["state=right&code=c"])
        #expect(attempts == 2)
        // One that fails, some that wait out the rest, one that takes it, one that reads it.
        #expect(polls < 10, "\(polls) polls")
    }

    @Test("Everything else is turned away and ends nothing")
    func turnedAway() async throws {
        let redirect = try redirect()
        let foreign = "HTTP/1.1 400 Bad Request"
        let nothing = "HTTP/1.1 404 Not Found"
        #expect(try send(head(redirect, "/callback?state=wrong&code=c"), to: redirect) == foreign)
        #expect(try send(head(redirect, "/callback?code=c"), to: redirect) == foreign)
        for target in [
            "/callback", "/", "/favicon.ico", "/callback/?state=right", "/callback?state=right&state=right",
            "/callback?state=%zz", "http://127.0.0.1/callback?state=right",
        ] {
            #expect(try send(head(redirect, target), to: redirect) == nothing, "\(target)")
        }
        let good = "/callback?state=right&code=c"
        for host in ["evil.example", "localhost", "127.0.0.1", "127.0.0.1:1"] {
            #expect(try send(head(redirect, good, host: host), to: redirect) == nothing, "\(host)")
        }
        #expect(try send(head(redirect, good, method: "POST"), to: redirect) == nothing)
        #expect(try send("GET \(good) HTTP/1.1\r\n\r\n", to: redirect) == nothing)
        let host = redirect.url.dropFirst(7).prefix { $0 != "/" }
        #expect(try send("GET \(good) HTTP/1.1\r\nHost: \(host)\r\nHost: evil\r\n\r\n", to: redirect) == nothing)
        // What another reader could take for the right host, or for the end of the head.
        for fields in [
            "Host : \(host)", " Host: \(host)", "X: y\nHost: \(host)", "X: y\r\n Host: \(host)", "Host: \(host)\u{1}",
        ] {
            #expect(try send("GET \(good) HTTP/1.1\r\n\(fields)\r\n\r\n", to: redirect) == nothing, "\(fields)")
        }
        #expect(try send("GET \(good) HTTP/1.0\r\nHost: \(host)\r\n\r\n", to: redirect) == nothing)
        #expect(try send(String(repeating: "x", count: 20_000), to: redirect) == "")
        #expect(try send(head(redirect, good), to: redirect) == "HTTP/1.1 200 OK")
    }

    @Test("Connections that say nothing, or say it slowly, do not keep the browser out")
    func slowConnections() async throws {
        let redirect = try redirect()
        for _ in 0..<30 { _ = try send("GET /callback?state=", to: redirect, keepOpen: true) }
        let begin = ContinuousClock.now
        #expect(try send(head(redirect, "/callback?state=right&code=c"), to: redirect) == "HTTP/1.1 200 OK")
        #expect(ContinuousClock.now - begin < .seconds(2))
    }

    @Test("Who waits is told when it is closed, before or after it began, opened or not")
    func closing() async throws {
        let redirect = try redirect()
        async let answer = redirect.wait()
        try await Task.sleep(for: .milliseconds(20))
        redirect.close()
        redirect.close()
        #expect(await answer == nil)
        #expect(await redirect.wait() == nil)
        let never = try LoopbackRedirect { _ in true }
        never.close()
        #expect(await never.wait() == nil)
        let cancelled = try LoopbackRedirect { _ in true }
        let waiting = Task { await cancelled.wait() }
        waiting.cancel()
        #expect(await waiting.value == nil)
    }

    @Test("The pages have no scripts and nothing that came in")
    func pages() {
        for page in CallbackPage.allCases {
            let text = String(decoding: page.bytes, as: UTF8.self)
            #expect(text.contains("default-src 'none'"))
            #expect(!text.contains("<script"))
            let body = text.components(separatedBy: "\r\n\r\n")[1]
            #expect(text.contains("Content-Length: \(body.utf8.count)\r\n"))
        }
    }
}
