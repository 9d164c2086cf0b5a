internal import StrictJSON

/// A host of the web as a rule names it: `example.com`, or `*.example.com` for all hosts below that one.
package struct HostPattern: Hashable, Sendable {
    /// In lower case; of an address that has brackets, with them.
    private let host: [UInt8]
    private let isBelow: Bool

    /// Reads a pattern; throws where it is no host.
    init(_ json: JSONValue, at place: String) throws(ShapeError) {
        let text = try ObjectReader.identifier(json, at: place).utf8
        isBelow = text.starts(with: [UInt8(ascii: "*"), UInt8(ascii: ".")])
        let name = isBelow ? Array(text.dropFirst(2)) : text
        guard let host = name.withUnsafeBufferPointer(URLHost.init(authority:)), host.port == nil,
            !(isBelow && host.isAddress)
        else { throw ShapeError(place, "must be a host without a port, or *. and a host") }
        self.host = host.text
    }

    var json: JSONValue { .string(JSONText(utf8: (isBelow ? Array("*.".utf8) : []) + host)) }

    /// Whether it is this host.
    func matches(_ other: URLHost) -> Bool {
        guard isBelow else { return host == other.text }
        return !other.isAddress && other.text.count > host.count + 1 && other.text.suffix(host.count) == host[...]
            && other.text[other.text.count - host.count - 1] == UInt8(ascii: ".")
    }
}

/// The host of a URL, where all readers of URLs agree on it.
///
/// They differ on user names, backslashes, white space, percent-encoding, missing slashes and numbers (RFC 3986 against
/// the WHATWG's standard), so a URL with one of these has no host here.
struct URLHost {
    /// In lower case.
    let text: [UInt8]
    let port: Int?
    /// Whether it is an IP address in its usual spelling; of version 6 it has brackets, and then its spelling is one of
    /// many.
    let isAddress: Bool

    /// The longest URL that is looked at, in bytes.
    static let longest = 8192

    /// The host of an `http`, `https`, `ws` or `wss` URL; nil where readers could differ, and for what is no such URL.
    init?(url: UnsafeBufferPointer<UInt8>) {
        guard url.count <= Self.longest, url.allSatisfy({ (0x21..<0x7F).contains($0) && $0 != UInt8(ascii: "\\") }),
            let colon = url.firstIndex(of: UInt8(ascii: ":"))
        else { return nil }
        let scheme = url[..<colon].map { $0 | 0x20 }
        guard ["http", "https", "ws", "wss"].contains(where: { $0.utf8.elementsEqual(scheme) }),
            url.count > colon + 3, url[colon + 1] == UInt8(ascii: "/"), url[colon + 2] == UInt8(ascii: "/")
        else { return nil }
        let rest = url[(colon + 3)...]
        let end = rest.firstIndex { "/?#".utf8.contains($0) } ?? rest.endIndex
        self.init(authority: UnsafeBufferPointer(rebasing: rest[..<end]))
    }

    /// A host with perhaps a port; nil where readers could differ.
    init?(authority: UnsafeBufferPointer<UInt8>) {
        guard !authority.isEmpty, authority.count <= 300 else { return nil }
        var host = authority[...]
        if authority[0] == UInt8(ascii: "[") {
            guard let end = authority.firstIndex(of: UInt8(ascii: "]")), end > 2 else { return nil }
            host = authority[...end]
            guard
                authority[1..<end].allSatisfy({ Self.isHex($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") })
            else { return nil }
        } else if let colon = authority.firstIndex(of: UInt8(ascii: ":")) {
            host = authority[..<colon]
        }
        let rest = authority[host.endIndex...]
        if rest.isEmpty {
            port = nil
        } else {
            let digits = rest.dropFirst()
            guard rest.first == UInt8(ascii: ":"), (1...5).contains(digits.count),
                let number = Int(String(decoding: digits, as: UTF8.self)), number < 65_536,
                digits.allSatisfy(Self.isDigit)
            else { return nil }
            port = number
        }
        text = host.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }
        if authority[0] == UInt8(ascii: "[") {
            isAddress = true
        } else {
            guard let isAddress = Self.isAddress(text) else { return nil }
            self.isAddress = isAddress
        }
    }

    /// Whether an IP address of version 6, of which other spellings may be the same one.
    var hasManySpellings: Bool { text.first == UInt8(ascii: "[") }

    /// Whether a host without brackets is an address; nil where it is neither a name nor an address in its usual spelling.
    private static func isAddress(_ host: [UInt8]) -> Bool? {
        let labels = host.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard host.count <= 253, let last = labels.last else { return nil }
        for label in labels {
            guard (1...63).contains(label.count), label.allSatisfy(isNameByte) else { return nil }
        }
        // Whatever ends in a number is an address to some readers: `0x7f.1`, `2130706433`.
        guard last.allSatisfy(isDigit) || last.starts(with: "0x".utf8) else { return false }
        let isUsual =
            labels.count == 4
            && labels.allSatisfy { label in
                label.count <= 3 && label.allSatisfy(isDigit) && (label.count == 1 || label.first != UInt8(ascii: "0"))
                    && Int(String(decoding: label, as: UTF8.self)).map { $0 < 256 } ?? false
            }
        return isUsual ? true : nil
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func isHex(_ byte: UInt8) -> Bool {
        isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || byte == UInt8(ascii: "-")
            || byte == UInt8(ascii: "_")
    }
}
