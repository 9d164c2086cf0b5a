internal import Addresses

/// The URL of an MCP server as an administrator may write it: http or https, a host, and nothing that two readers could
/// take for different addresses.
package struct ServerURL: Sendable, Equatable {
    /// As written.
    package let text: String
    /// Whether it is `https`.
    package let isSecure: Bool
    /// Lower case; an IPv6 address without its brackets.
    package let host: String
    package let port: Int
    /// Path and query, at least `/`.
    package let target: String

    /// Whether the host is this machine, by name or by number.
    package var isLoopback: Bool { host == "localhost" || address?.kind == .loopback }

    /// The host, where it is an address and no name.
    var address: IPAddress? { IPAddress(literal: host) }

    /// Reads a URL, or throws a message that says what is wrong with it.
    package init(_ text: String) throws(Unusable) {
        let bytes = Array(text.utf8)
        guard bytes.count <= 2048 else { throw Unusable("is longer than 2048 characters") }
        guard bytes.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw Unusable("must be printable ASCII without blanks")
        }
        // These mean different things to different readers, or nothing at all in a URL.
        guard !bytes.contains(where: { "\"<>\\^`{|}".utf8.contains($0) }) else {
            throw Unusable("has a character that no URL may have")
        }
        let rest: Substring
        // A scheme has no case (RFC 3986 section 3.1).
        switch text.prefix(while: { $0 != ":" }).lowercased() {
        case "https": isSecure = true
        case "http": isSecure = false
        default: throw Unusable("must begin with https://")
        }
        let start = isSecure ? 5 : 4
        guard text.dropFirst(start).hasPrefix("://") else { throw Unusable("must begin with https://") }
        rest = text.dropFirst(start + 3)
        guard !rest.contains("#") else { throw Unusable("must have no fragment") }
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        guard !authority.contains("@") else { throw Unusable("must hold no name or password") }
        let target = rest.dropFirst(authority.count)
        self.target = target.hasPrefix("/") ? String(target) : "/\(target)"
        (host, port) = try Self.hostAndPort(authority, standard: isSecure ? 443 : 80)
        self.text = text
    }

    /// Why a text is no usable URL, as the end of a sentence.
    package struct Unusable: Error, Equatable {
        package let why: String
        init(_ why: String) { self.why = why }
    }

    private static func hostAndPort(_ authority: Substring, standard: Int) throws(Unusable) -> (String, Int) {
        var name = authority
        var number: Substring?
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { throw Unusable("has a bracket that is not closed") }
            let after = authority[authority.index(after: end)...]
            guard after.isEmpty || after.hasPrefix(":") else { throw Unusable("has something between host and port") }
            number = after.isEmpty ? nil : after.dropFirst()
            name = authority[authority.index(after: authority.startIndex)..<end]
            guard name.contains(":"),
                name.utf8.allSatisfy({ isHexDigit($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") })
            else { throw Unusable("has a host that is no IPv6 address") }
        } else {
            if let colon = authority.firstIndex(of: ":") {
                name = authority[..<colon]
                number = authority[authority.index(after: colon)...]
            }
            guard isName(name) else { throw Unusable("has no valid host") }
        }
        let host = name.lowercased()
        guard let number else { return (host, standard) }
        guard let port = Int(number), String(port) == number, (1...65535).contains(port) else {
            throw Unusable("has no valid port")
        }
        return (host, port)
    }

    /// A DNS name, or an IPv4 address of four decimal numbers; `0x7f.1` and `2130706433` are neither.
    private static func isName(_ text: Substring) -> Bool {
        guard (1...253).contains(text.utf8.count) else { return false }
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        guard labels.allSatisfy(isLabel), let last = labels.last else { return false }
        let startsLikeNumber = last.utf8.first.map { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ?? false
        return !startsLikeNumber || IPAddress(literal: String(text)) != nil
    }

    private static func isLabel(_ label: Substring) -> Bool {
        guard (1...63).contains(label.utf8.count), !label.hasPrefix("-"), !label.hasSuffix("-") else { return false }
        return label.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"): true
            default: false
            }
        }
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            true
        default: false
        }
    }
}
