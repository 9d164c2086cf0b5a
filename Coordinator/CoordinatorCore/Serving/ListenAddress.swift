internal import Contract
internal import Errors
internal import ServiceKit

/// Where a server listens: a host and a port, 0 for a free one.
struct ListenAddress: Equatable, Sendable {
    /// A name or an address, without brackets.
    let host: String
    let port: Int

    /// - Throws: `usage` for anything but `HOST:PORT` and `[ADDRESS]:PORT`.
    init(_ text: String, option: String) throws {
        let failure = CoordinatorError(
            .usage,
            "\(option) needs HOST:PORT.",
            next: "Give an address like 127.0.0.1:8443 or [::1]:8443"
        )
        guard let colon = text.lastIndex(of: ":") else { throw failure }
        let digits = text[text.index(after: colon)...]
        guard let port = Int(digits), String(port) == digits, (0...65535).contains(port) else { throw failure }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = String(host.dropFirst().dropLast())
            guard TLSHost(host).address?.count == 16 else { throw failure }
        } else {
            guard !host.isEmpty, !host.contains(":"), !host.contains("[") else { throw failure }
        }
        self.host = host
        self.port = port
    }

    /// Where people reach the coordinator, which is where it listens unless it is told otherwise.
    init(_ url: ServerURL) {
        host = url.host
        port = url.port
    }

    /// Whether only this machine can reach it.
    var isLoopback: Bool { TLSHost(host).isLoopback }

    /// As it is shown.
    func text(port: Int? = nil) -> String {
        "\(host.contains(":") ? "[\(host)]" : host):\(port ?? self.port)"
    }
}
