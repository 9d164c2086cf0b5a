package import Addresses
package import Fetch

/// Where one MCP server listens: the address to connect to, and the text of the request line and `Host`.
package struct UpstreamEndpoint: Hashable, Sendable {
    /// The URL as the registry has it.
    package let url: WebURL
    /// What its name may resolve to.
    package let addresses: AddressRule
    /// The authorities that its certificate is verified by, and no others, in PEM; nil for those of the system.
    package let authorities: String?
    /// The path of the unix socket on which it listens; nil for a server that the URL leads to.
    package let unixSocket: String?

    /// Reads an `https` URL, or an `http` one where loopback is allowed.
    ///
    /// - Throws: `UpstreamError` with the code `badURL`.
    package init(
        url text: String,
        allowsLoopback: Bool,
        allowsForeignOwner: Bool = false,
        allowsPrivate: Bool = false,
        authorities: String? = nil
    ) throws {
        guard let url = WebURL(text), url.fragment == nil else {
            throw UpstreamError(.badURL, "The server's URL is not an absolute http(s) URL.")
        }
        guard url.scheme == "https" || (allowsLoopback && url.isLoopback) else {
            throw UpstreamError(.badURL, "The server's URL must use https.")
        }
        self.url = url
        addresses = AddressRule(
            allowsLoopback: allowsLoopback,
            ofAnybody: allowsForeignOwner,
            allowsPrivate: allowsPrivate
        )
        self.authorities = authorities
        unixSocket = nil
    }

    /// A program of this user that listens on a unix socket, and is called `localhost` there.
    ///
    /// - Parameters:
    ///   - path: of the socket, at most 107 bytes.
    ///   - target: path and query of the URL.
    /// - Throws: `UpstreamError` with the code `badURL`.
    package init(unixSocket path: String, target: String) throws {
        guard let url = WebURL("http://localhost\(target)"), url.fragment == nil, (1...107).contains(path.utf8.count)
        else {
            throw UpstreamError(.badURL, "The path of the socket is too long, or that of the URL is not one.")
        }
        self.url = url
        addresses = .loopbackToo
        authorities = nil
        unixSocket = path
    }

    /// Whether the connection is encrypted.
    package var usesTLS: Bool { url.scheme == "https" }

    /// The host as a resolver wants it: IPv6 without brackets.
    package var hostName: String {
        url.host.hasPrefix("[") ? String(url.host.dropFirst().dropLast()) : url.host
    }

    /// The request target: path and query, at least `/`.
    package var target: String { (url.path.isEmpty ? "/" : url.path) + (url.query.map { "?" + $0 } ?? "") }

    /// The value of the `Host` header: the port only where it is not the scheme's own.
    package var authority: String { String(url.origin.dropFirst(url.scheme.utf8.count + 3)) }
}
