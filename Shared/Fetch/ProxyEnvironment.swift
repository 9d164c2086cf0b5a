import Addresses
import Foundation

/// Which proxy an HTTPS request goes through: `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, in either case, as curl
/// and most programs of a desktop read them.
///
/// What is on this machine never goes through one.
package struct ProxyEnvironment: Sendable {
    private let proxy: String?
    private let exceptions: [String]

    /// No proxy for anything.
    package static let none = Self(environment: [:])

    package init(environment: [String: String] = ProcessInfo.processInfo.environment) {
        func value(_ names: String...) -> String? {
            names.lazy.compactMap { environment[$0] }.first { !$0.isEmpty }
        }
        proxy = value("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
        exceptions = (value("no_proxy", "NO_PROXY") ?? "")
            .split { $0 == "," || $0 == " " || $0 == "\t" }
            .map { $0.lowercased() }
    }

    /// The proxy's URL, which may hold a password; nil for a direct connection.
    package func proxy(for url: WebURL) -> String? {
        guard let proxy, url.scheme == "https", !url.isLoopback else { return nil }
        return exceptions.contains { Self.matches($0, url) } ? nil : proxy
    }

    private static func matches(_ exception: String, _ url: WebURL) -> Bool {
        if exception == "*" { return true }
        if let address = url.address, let network = IPNetwork(exception) { return network.contains(address) }
        var name = exception[...]
        if let colon = name.lastIndex(of: ":"), !name.hasPrefix("["), let port = Int(name[name.index(after: colon)...])
        {
            guard port == url.port else { return false }
            name = name[..<colon]
        }
        while name.hasPrefix(".") || name.hasPrefix("*") { name = name.dropFirst() }
        guard !name.isEmpty else { return false }
        return url.host == name || url.host.hasSuffix("." + name)
    }
}

/// An address with a prefix length, as in `10.0.0.0/8`; without one, the single address.
struct IPNetwork {
    private let bits: [UInt8]
    private let length: Int

    init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        let literal = parts[0].filter { $0 != "[" && $0 != "]" }
        guard parts.count <= 2, let address = IPAddress(literal: literal) else { return nil }
        bits = address.bytes
        guard let length = parts.count == 2 ? Int(parts[1]) : bits.count * 8, (0...bits.count * 8).contains(length)
        else {
            return nil
        }
        self.length = length
    }

    func contains(_ address: IPAddress) -> Bool {
        let other = address.bytes
        guard other.count == bits.count else { return false }
        return (0..<length).allSatisfy { bit in
            (bits[bit / 8] ^ other[bit / 8]) & (0x80 >> UInt8(bit % 8)) == 0
        }
    }
}
