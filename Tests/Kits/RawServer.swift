import Foundation
import Synchronization

/// A server on 127.0.0.1 that answers each request with exactly the bytes that a test wants, so that it can be as rude
/// as no honest server is.
///
/// Each connection has a thread of its own. What came in is kept.
package final class RawServer: Sendable {
    /// What to do with a request that was read to the end of its head and body.
    package enum Answer: Sendable {
        /// Send these bytes, and close the connection.
        case close([UInt8])
        /// Send these bytes, and wait for the next request on the same connection.
        case keep([UInt8])
        /// Say nothing until the test ends.
        case silence

        /// An HTTP answer with a body and a content length.
        package static func http(
            _ status: Int = 200,
            _ headers: [String] = [],
            body: String = ""
        ) -> Answer {
            let lines = ["HTTP/1.1 \(status) -", "Content-Length: \(body.utf8.count)"] + headers + ["", body]
            return .close(Array(lines.joined(separator: "\r\n").utf8))
        }

        /// The bytes that are sent.
        package var bytes: [UInt8] {
            switch self {
            case .close(let bytes), .keep(let bytes): bytes
            case .silence: []
            }
        }
    }

    /// Where it listens.
    package let port: Int
    private let listener: Int32
    private let state = Mutex(State())

    private struct State {
        var requests: [String] = []
        var open: [Int32] = []
        var accepted = 0
        var isEnded = false
    }

    /// Starts to listen on a free port; as root also as the server of another user.
    package init(owner: UInt32 = geteuid(), _ answer: @escaping @Sendable (String) -> Answer) throws {
        // Of this thread alone; a socket belongs to whom its maker is in the file system.
        setFileSystemUser(owner)
        defer { setFileSystemUser(geteuid()) }
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = listener
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                bind(listener, raw, length) == 0 && listen(listener, 64) == 0
                    && getsockname(listener, raw, &length) == 0
            }
        }
        guard isListening else { throw POSIXError(.EADDRNOTAVAIL) }
        port = Int(UInt16(bigEndian: address.sin_port))
        Thread { [weak self] in
            setFileSystemUser(owner)
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0, let self else { return }
                self.state.withLock {
                    $0.open.append(connection)
                    $0.accepted += 1
                }
                Thread { self.serve(connection, answer) }.start()
            }
        }.start()
    }

    deinit { end() }

    /// Closes everything.
    package func end() {
        state.withLock { state in
            guard !state.isEnded else { return }
            state.isEnded = true
            shutdown(listener, Int32(SHUT_RDWR))
            close(listener)
            for connection in state.open { shutdown(connection, Int32(SHUT_RDWR)) }
        }
    }

    /// `http://127.0.0.1:PORT`.
    package var origin: String { "http://127.0.0.1:\(port)" }

    /// How many connections were taken.
    package var connections: Int { state.withLock { $0.accepted } }

    /// Every request so far, head and body, in the order of their arrival.
    package var requests: [String] { state.withLock { $0.requests } }

    private func serve(_ connection: Int32, _ answer: @Sendable (String) -> Answer) {
        while let request = Self.read(connection) {
            state.withLock { $0.requests.append(request) }
            let answer = answer(request)
            if case .silence = answer { return }
            Self.send(answer.bytes, connection)
            guard case .keep = answer else {
                shutdown(connection, Int32(SHUT_RDWR))
                return
            }
        }
        close(connection)
    }

    private static func send(_ bytes: [UInt8], _ connection: Int32) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Foundation.send(connection, $0.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { break }
            sent += count
        }
    }

    /// Reads a head and as much body as it announces; nil where the connection ends before.
    private static func read(_ connection: Int32) -> String? {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let text = String(decoding: bytes, as: UTF8.self)
            if let end = text.range(of: "\r\n\r\n") {
                let announced = text[..<end.lowerBound].lowercased().components(separatedBy: "\r\n")
                    .first { $0.hasPrefix("content-length:") }
                    .flatMap { Int($0.dropFirst(15).trimmingCharacters(in: .whitespaces)) }
                if text[end.upperBound...].utf8.count >= announced ?? 0 { return text }
            }
            let count = recv(connection, &chunk, chunk.count, 0)
            guard count > 0 else { return nil }
            bytes += chunk[..<count]
        }
    }
}

/// `setfsuid(2)`, which the C library's module leaves out.
@_silgen_name("setfsuid")
@discardableResult
private func setFileSystemUser(_ user: uid_t) -> Int32
