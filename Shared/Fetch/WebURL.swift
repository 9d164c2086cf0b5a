package import Addresses
import CCurl

/// An absolute `http` or `https` URL, read by the same parser that later connects: nothing can mean one host
/// to a check and another to the connection.
package struct WebURL: Sendable, Hashable, CustomStringConvertible {
    /// The text as it was given.
    package let text: String
    /// `http` or `https`.
    package let scheme: String
    /// Lower case; IPv4 in any notation (hex, octal, one number) as four decimals; IPv6 in brackets.
    package let host: String
    /// The port, given or the scheme's own.
    package let port: Int
    /// Begins with a slash; percent-encoding as given.
    package let path: String
    /// Without the question mark; nil without one.
    package let query: String?
    /// Without the number sign; nil without one.
    package let fragment: String?

    /// Reads a URL; nil for whatever is not plainly one: other schemes, user names, spaces, control
    /// characters, backslashes, names that are not ASCII (the resolver would fold full-width digits to an
    /// address after every check), over 4,096 bytes.
    package init?(_ text: String) {
        let bytes = text.utf8
        guard bytes.count <= 4096, bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "\\") }) else {
            return nil
        }
        guard let handle = curl_url() else { return nil }
        defer { curl_url_cleanup(handle) }
        // Two slashes exactly, and no percent-encoding in the authority: curl forgives one slash or three and decodes
        // hosts, other parsers do not.
        guard let separator = text.range(ofFirst: "://"), Self.hasPlainAuthority(text.utf8.dropFirst(separator + 3)),
            curl_url_set(handle, CURLUPART_URL, text, UInt32(CURLU_DISALLOW_USER)) == CURLUE_OK,
            let scheme = Self.part(CURLUPART_SCHEME, of: handle)?.lowercased(),
            scheme == "https" || scheme == "http",
            text.utf8.prefix(separator).elementsEqual(scheme.utf8, by: { $0 | 0x20 == $1 }),
            let host = Self.part(CURLUPART_HOST, of: handle)?.lowercased(), !host.isEmpty,
            host.utf8.allSatisfy({ Self.isHostByte($0) }),
            Self.part(CURLUPART_ZONEID, of: handle) == nil,
            let portText = Self.part(CURLUPART_PORT, of: handle, flags: UInt32(CURLU_DEFAULT_PORT)),
            let port = Int(portText), (1...65535).contains(port),
            let path = Self.part(CURLUPART_PATH, of: handle)
        else { return nil }
        self.text = text
        self.scheme = scheme
        self.host = host
        self.port = port
        self.path = path
        query = Self.part(CURLUPART_QUERY, of: handle)
        fragment = Self.part(CURLUPART_FRAGMENT, of: handle)
    }

    /// Scheme, host and port as RFC 6454 writes them: a default port is left out.
    package var origin: String {
        let isDefault = port == (scheme == "https" ? 443 : 80)
        return "\(scheme)://\(host)" + (isDefault ? "" : ":\(port)")
    }

    /// Host and port, for messages: paths and queries may hold secrets.
    package var authority: String {
        "\(host):\(port)"
    }

    /// The address, where the host is a literal one.
    package var address: IPAddress? {
        host.hasPrefix("[") ? IPAddress(literal: String(host.dropFirst().dropLast())) : IPAddress(literal: host)
    }

    /// Whether the host is this machine by its very spelling: a literal loopback address, or a name under
    /// `localhost` (RFC 6761).
    package var isLoopback: Bool {
        address?.kind == .loopback || isLocalhostName
    }

    var isLocalhostName: Bool {
        let name = host.hasSuffix(".") ? String(host.dropLast()) : host
        return name == "localhost" || name.hasSuffix(".localhost")
    }

    package var description: String {
        text
    }

    private static func hasPlainAuthority(_ rest: Substring.UTF8View) -> Bool {
        let authority = rest.prefix { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") }
        return !authority.isEmpty && !authority.contains(UInt8(ascii: "%"))
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "["), UInt8(ascii: "]"),
            UInt8(ascii: ":"):
            true
        default: false
        }
    }

    private static func part(_ part: CURLUPart, of handle: OpaquePointer, flags: UInt32 = 0) -> String? {
        var text: UnsafeMutablePointer<CChar>?
        guard curl_url_get(handle, part, &text, flags) == CURLUE_OK, let text else { return nil }
        defer { curl_free(text) }
        return String(cString: text)
    }
}

extension String {
    /// How many bytes precede the first `mark`, or nil.
    fileprivate func range(ofFirst mark: String) -> Int? {
        let bytes = Array(utf8)
        let wanted = Array(mark.utf8)
        return bytes.indices.first { bytes[$0...].starts(with: wanted) }
    }
}
