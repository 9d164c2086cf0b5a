internal import Glibc

/// Tells systemd the state of the service: the `sd_notify` protocol, a datagram to `$NOTIFY_SOCKET`.
///
/// Without that variable nothing happens, and a message that cannot be delivered is not worth an error: systemd's own
/// deadlines decide then. https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html
package enum ServiceNotification {
    /// The service answers now.
    package static func ready() {
        send("READY=1")
    }

    /// The service is still about to start, and wants to be given so much time more.
    package static func starting(for time: Duration) {
        send("EXTEND_TIMEOUT_USEC=\(time.components.seconds * 1_000_000)")
    }

    /// The service is on its way out.
    package static func stopping() {
        send("STOPPING=1")
    }

    private static func send(_ message: String) {
        guard let path = getenv("NOTIFY_SOCKET").map({ Array(String(cString: $0).utf8) }) else { return }
        send(Array(message.utf8), to: path)
    }

    /// Sends a datagram to a unix socket; `@` in front means a name without a file.
    static func send(_ message: [UInt8], to path: [UInt8]) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        guard let first = path.first, first == UInt8(ascii: "/") || first == UInt8(ascii: "@"),
            path.count < MemoryLayout.size(ofValue: address.sun_path)
        else { return }
        withUnsafeMutableBytes(of: &address.sun_path) { bytes in
            bytes.copyBytes(from: path)
            if first == UInt8(ascii: "@") { bytes[0] = 0 }
        }
        let length = MemoryLayout.offset(of: \sockaddr_un.sun_path).map { $0 + path.count } ?? 0
        let socket = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { return }
        defer { close(socket) }
        _ = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                sendto(socket, message, message.count, Int32(MSG_NOSIGNAL), address, socklen_t(length))
            }
        }
    }
}
