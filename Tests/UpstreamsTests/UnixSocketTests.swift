import Foundation
import Glibc
import Testing
import Upstreams

@Suite("A program on a unix socket")
struct UnixSocketTests {
    /// Listens on a socket, and answers the first request on it.
    private func answerOnce(_ path: String, _ text: String) throws {
        let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(status == 0 && listen(listener, 4) == 0)
        Thread {
            let connection = accept(listener, nil, nil)
            var bytes = [UInt8](repeating: 0, count: 4096)
            let count = recv(connection, &bytes, bytes.count, 0)
            let head = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
            let body = head.contains("GET /servers/a/mcp HTTP/1.1") && head.contains("host: localhost") ? text : head
            let answer = "HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
            _ = answer.withCString { send(connection, $0, strlen($0), Int32(MSG_NOSIGNAL)) }
            close(connection)
            close(listener)
        }.start()
    }

    @Test("It is asked like any server; nobody there is known at once")
    func asked() async throws {
        let path = NSTemporaryDirectory() + "dw-\(UUID().uuidString.prefix(8)).sock"
        defer { unlink(path) }
        let bench = try await PoolBench()
        let endpoint = try UpstreamEndpoint(unixSocket: path, target: "/servers/a/mcp")
        #expect(try await bench.outcome(at: endpoint).notSent == .connect)
        try answerOnce(path, "hello")
        #expect(try await bench.outcome(at: endpoint).body == "hello")
    }

    @Test("A path that is too long, and a target that is none, are refused")
    func refused() throws {
        #expect(throws: UpstreamError.self) {
            try UpstreamEndpoint(unixSocket: "/" + String(repeating: "x", count: 107), target: "/mcp")
        }
        #expect(throws: UpstreamError.self) { try UpstreamEndpoint(unixSocket: "/s", target: "/a b") }
    }
}
