import Foundation
import Glibc
import Synchronization

/// A server of bytes on loopback: each connection is served by a script on a thread of its own, and what the script does
/// is what the client gets, however wrong.
final class RawServer: Sendable {
    /// One accepted connection, numbered from 1.
    struct Connection {
        let number: Int
        fileprivate let descriptor: Int32

        /// Reads one head, and the body that `Content-Length` promises; nil at the end of the connection.
        func readRequest() -> String? {
            var bytes: [UInt8] = []
            while true {
                let text = String(decoding: bytes, as: UTF8.self)
                if let end = text.range(of: "\r\n\r\n") {
                    let length = text.lowercased().range(of: "content-length: ")
                        .flatMap { Int(text[$0.upperBound...].prefix { $0.isNumber }) }
                    if text[end.upperBound...].utf8.count >= length ?? 0 { return text }
                }
                guard let more = read(65536) else { return nil }
                bytes += more
            }
        }

        /// Reads up to so many bytes; nil at the end of the connection.
        func read(_ most: Int) -> [UInt8]? {
            var buffer = [UInt8](repeating: 0, count: most)
            let count = Glibc.recv(descriptor, &buffer, most, 0)
            return count > 0 ? Array(buffer[..<count]) : nil
        }

        /// Sends all of it, as far as the client takes it.
        @discardableResult
        func send(_ text: String) -> Bool {
            var bytes = Array(text.utf8)[...]
            while !bytes.isEmpty {
                let count = bytes.withUnsafeBytes {
                    Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                guard count > 0 else { return false }
                bytes = bytes.dropFirst(count)
            }
            return true
        }

        /// Waits until the client closes; false if it has not within the time.
        func waitForEnd(seconds: Int, readingSlowly isSlow: Bool = false) -> Bool {
            var limit = timeval(tv_sec: seconds, tv_usec: 0)
            setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
            var buffer = [UInt8](repeating: 0, count: 65536)
            while true {
                let count = Glibc.recv(descriptor, &buffer, buffer.count, 0)
                if count == 0 || (count < 0 && errno == ECONNRESET) { return true }
                if count < 0 { return false }
                if isSlow { usleep(1000) }
            }
        }

        /// Hands everything on to a server of this machine, and back, until either end closes.
        func relay(to port: Int) {
            let other = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            defer { Glibc.close(other) }
            let address = RawServer.loopback(port: port)
            let isOpen = withUnsafePointer(to: address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(other, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
                }
            }
            guard isOpen else { return }
            var files = [descriptor, other].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            var buffer = [UInt8](repeating: 0, count: 65536)
            while poll(&files, 2, -1) > 0 {
                for (index, file) in files.enumerated() where file.revents != 0 {
                    let count = recv(file.fd, &buffer, buffer.count, 0)
                    guard count > 0, Glibc.send(files[1 - index].fd, buffer, count, Int32(MSG_NOSIGNAL)) == count else {
                        return
                    }
                }
            }
        }

        /// Closes at once, with a reset or in order.
        func close(reset: Bool) {
            var linger = Glibc.linger(l_onoff: reset ? 1 : 0, l_linger: 0)
            setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
            // The number stays taken until the script has returned.
            let null = Glibc.open("/dev/null", O_RDWR)
            dup2(null, descriptor)
            Glibc.close(null)
        }
    }

    let port: Int
    private let listener: Int32
    private let owner: uid_t
    private let script: @Sendable (RawServer, Connection) -> Void
    private let accepted = Mutex(0)
    private let received = Mutex<[String]>([])

    /// How many connections came in.
    var connections: Int { accepted.withLock { $0 } }
    /// What scripts have noted, in order.
    var notes: [String] { received.withLock { $0 } }

    /// Waits on the thread that calls until a script has noted so much.
    func waitForNotes(_ count: Int) {
        for _ in 0..<5000 where notes.count < count { usleep(1000) }
    }

    func note(_ text: String) {
        received.withLock { $0.append(text) }
    }

    /// Takes a port.
    ///
    /// - Parameters:
    ///   - port: 0 for one that is free.
    ///   - isListening: without it connections are refused until `listen` is called, and no other program gets the
    ///     port.
    ///   - owner: whose its sockets are, in place of this user's; only root can be another.
    ///   - script: serves one connection, which is closed when it returns.
    /// - Throws: where there is no port.
    init(
        port: Int = 0,
        isListening: Bool = true,
        owner: uid_t = geteuid(),
        _ script: @escaping @Sendable (RawServer, Connection) -> Void
    ) throws {
        self.script = script
        self.owner = owner
        // Of this thread alone; a socket belongs to whom its maker is in the file system.
        setFileSystemUser(owner)
        defer { setFileSystemUser(geteuid()) }
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        _ = fcntl(listener, F_SETFD, FD_CLOEXEC)
        var reuse: Int32 = 1
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &reuse, socklen_t(MemoryLayout<Int32>.size))
        var address = Self.loopback(port: port)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = listener
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                bind(listener, raw, length) == 0 && getsockname(listener, raw, &length) == 0
            }
        }
        guard isBound else { throw POSIXError(.EADDRINUSE) }
        self.port = Int(UInt16(bigEndian: address.sin_port))
        if isListening { listen() }
    }

    /// Has connections wait which the server does not take.
    func queue() { Glibc.listen(listener, 64) }

    /// Takes no more connections, and gives the port back.
    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        Glibc.close(listener)
    }

    func listen() {
        Glibc.listen(listener, 64)
        Thread.detachNewThread { [self] in
            setFileSystemUser(owner)
            while true {
                let descriptor = accept(listener, nil, nil)
                if descriptor < 0, errno == EMFILE {
                    usleep(1000)
                    continue
                }
                guard descriptor >= 0 else { return }
                // A program that another test starts would keep it open.
                _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
                let number = accepted.withLock { count in
                    count += 1
                    return count
                }
                Thread.detachNewThread { [self] in
                    script(self, Connection(number: number, descriptor: descriptor))
                    close(descriptor)
                }
            }
        }
    }

    /// Whether a server listens on the port.
    static func isListening(on port: Int) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        let address = loopback(port: port)
        return withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }

    fileprivate static func loopback(port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        address.sin_port = UInt16(port).bigEndian
        return address
    }

    /// Answers each request of a connection with its number.
    static func counting() throws -> RawServer {
        try RawServer { server, connection in
            while let request = connection.readRequest() {
                server.note(request)
                let body = "connection \(connection.number)"
                connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
            }
        }
    }
}

/// `setfsuid(2)`, which the C library's module leaves out.
@_silgen_name("setfsuid")
@discardableResult
func setFileSystemUser(_ user: uid_t) -> Int32
