internal import Bytes

/// The cookie that carries a session's secret.
///
/// The prefix `__Host-` makes browsers keep it to this very host, over TLS, for every path: no sibling domain, and nobody
/// on the way without TLS, can plant one (RFC 6265bis section 4.1.3.2).
package enum SessionCookie {
    package static let name = "__Host-doorward"

    private static let attributes = "Path=/; Secure; HttpOnly; SameSite=Lax"

    /// The value of `Set-Cookie` that hands a secret to a browser; the browser forgets it when it is closed.
    static func handingOut(_ secret: [UInt8]) -> String { "\(name)=\(Base64.url(secret)); \(attributes)" }

    /// The value of `Set-Cookie` that makes a browser forget it.
    package static let takingBack = "\(name)=; \(attributes); Max-Age=0"

    /// The secret in the values of `Cookie` headers; nil where there is none, or more than one.
    ///
    /// A browser sends one. Where something on the way has added another, nothing says which of them is the person's.
    static func secret(in headers: [String]) -> [UInt8]? {
        let found = headers.flatMap { $0.split(separator: ";") }.compactMap { pair -> Substring.UTF8View? in
            let pair = pair.utf8.drop { $0 == UInt8(ascii: " ") }
            guard pair.starts(with: "\(name)=".utf8) else { return nil }
            return Substring(pair.dropFirst(name.utf8.count + 1)).utf8
        }
        guard found.count == 1, let secret = Base64.decodeURL(found[0]), secret.count == BrowserSessions.secretLength
        else { return nil }
        return secret
    }
}
