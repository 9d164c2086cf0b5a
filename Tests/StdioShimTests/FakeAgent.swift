import Foundation
import NIOCore
import Synchronization

@testable import StdioShim

/// An agent on a unix socket that answers as a test wants, and a client on pipes before it.
final class FakeAgent: Sendable {
    /// A request, and what is said to it; the connection is closed behind it.
    typealias Script = @Sendable (String) -> String

    private let path = NSTemporaryDirectory() + "dw-\(UUID().uuidString.prefix(8)).sock"
    private let listener: Int32
    private let input: (read: Int32, write: Int32)
    private let output: (read: Int32, write: Int32)
    private let seen = Mutex<[String]>([])
    private let said = Mutex<[UInt8]>([])

    init(_ script: @escaping Script) throws {
        listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        (input, output) = (try Self.pipe(), try Self.pipe())
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let listener = listener
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard status == 0, listen(listener, 64) == 0 else { throw POSIXError(.EADDRNOTAVAIL) }
        Thread { [weak self] in
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0, let self else { return }
                Thread { self.serve(connection, script) }.start()
            }
        }.start()
        let file = output.read
        Thread { [weak self] in
            var bytes = [UInt8](repeating: 0, count: 65536)
            while true {
                let count = read(file, &bytes, bytes.count)
                guard count > 0, let self else { return }
                self.said.withLock { $0 += bytes.prefix(count) }
            }
        }.start()
    }

    private static func pipe() throws -> (read: Int32, write: Int32) {
        var ends: [Int32] = [0, 0]
        guard Glibc.pipe(&ends) == 0 else { throw POSIXError(.EMFILE) }
        return (ends[0], ends[1])
    }

    /// Runs the shim until a client that says these lines has heard `count` messages, or two seconds have gone.
    func run(_ lines: [String], until count: Int) async throws -> [String] {
        var configuration = ShimConfiguration(socketPath: path, target: "/servers/a/mcp", server: "a", client: nil)
        configuration.lastWords = .milliseconds(100)
        let (settings, files) = (configuration, (input.read, output.write))
        async let end: Void = StdioShim.run(settings, input: files.0, output: files.1) { _ in }
        for line in lines { _ = (line + "\n").withCString { write(input.write, $0, strlen($0)) } }
        for _ in 0..<200 where messages.count < count { try await Task.sleep(for: .milliseconds(10)) }
        close(input.write)
        try await end
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
        unlink(path)
        return messages
    }

    /// What the client has heard.
    var messages: [String] {
        said.withLock { String(decoding: $0, as: UTF8.self) }.split(separator: "\n").map(String.init)
    }

    /// What was asked: method, what of the head a test looks for, and the body.
    var requests: [String] { seen.withLock { $0 } }

    private func serve(_ connection: Int32, _ script: Script) {
        defer { close(connection) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count > 0 else { return }
            bytes += buffer.prefix(count)
            let text = String(decoding: bytes, as: UTF8.self)
            guard let end = text.range(of: "\r\n\r\n") else { continue }
            let length = text.range(of: "Content-Length: ").flatMap {
                Int(text[$0.upperBound...].prefix { $0.isNumber })
            }
            guard text[end.upperBound...].utf8.count >= length ?? 0 else { continue }
            seen.withLock { $0.append(text) }
            let answer = script(text)
            _ = answer.withCString { send(connection, $0, strlen($0), Int32(MSG_NOSIGNAL)) }
            return
        }
    }

    /// An answer in JSON.
    static func json(_ body: String, status: Int = 200, _ more: String = "") -> String {
        "HTTP/1.1 \(status) -\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\nConnection: close\r\n"
            + "\(more)\r\n\(body)"
    }

    static let accepted = "HTTP/1.1 202 -\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    static let none = "HTTP/1.1 405 -\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

    /// An event stream that ends behind these events.
    static func events(_ events: String) -> String {
        "HTTP/1.1 200 -\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n\(events)"
    }
}
