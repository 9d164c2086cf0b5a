internal import Errors
internal import ServiceKit

/// Where the agent listens over TCP: this machine and nowhere else.
package struct ListenAddress: Hashable, Sendable, CustomStringConvertible {
    /// A literal address: four decimal numbers, or `::1`.
    package let host: String
    /// 0 for one that is free.
    package let port: Int

    /// The address that clients are configured with when the user chooses no other.
    package static let standard = ListenAddress(host: "127.0.0.1", port: 7717)

    private init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Reads `HOST:PORT`: `127.0.0.1:7717`, `localhost:0`, `[::1]:7717`.
    ///
    /// - Throws: `ForwardingError` of the kind `notLoopback` for anything that is not loopback by its very spelling; no
    ///   name is looked up.
    package init(_ text: String) throws {
        guard let colon = text.lastIndex(of: ":") else { throw Self.refusal(text) }
        let digits = text[text.index(after: colon)...]
        guard let port = UInt16(digits), String(port) == digits else { throw Self.refusal(text) }
        let name = text[..<colon]
        switch name {
        case "localhost": host = "127.0.0.1"
        case "[::1]": host = "::1"
        default:
            guard Self.isLoopback(name) else { throw Self.refusal(text) }
            host = String(name)
        }
        self.port = Int(port)
    }

    package var description: String { host == "::1" ? "[::1]:\(port)" : "\(host):\(port)" }

    /// The same host with the port that the system chose.
    func with(port: Int) -> ListenAddress { ListenAddress(host: host, port: port) }

    /// The address that `localhost` means too; nil for one that it does not mean.
    var sameOverIPv6: ListenAddress? { host == "127.0.0.1" ? ListenAddress(host: "::1", port: port) : nil }

    /// Whether the name is an IPv4 address of 127.0.0.0/8, as four decimal numbers.
    private static func isLoopback(_ name: Substring) -> Bool {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.first == "127"
            && parts.allSatisfy { part in UInt8(part).map { String($0) == part } ?? false }
    }

    private static func refusal(_ text: String) -> ForwardingError {
        ForwardingError(
            .notLoopback,
            "\(text) is no loopback address with a port: the agent listens on this machine only.",
            next: "doorward agent --listen \(standard)"
        )
    }
}
