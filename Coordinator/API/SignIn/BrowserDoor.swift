internal import HTTPTypes

/// What of a browser's request depends on where the coordinator stands.
package struct BrowserDoor: Sendable {
    /// The coordinator's own origin, `https://HOST[:PORT]`: where its pages are, whatever a proxy makes of `Host`.
    package let origin: String
    /// Whether every request comes through a TLS proxy on this machine, which says who asks.
    package let isBehindProxy: Bool

    /// - Parameters:
    ///   - origin: the URL that people know it by, without a slash at its end.
    ///   - isBehindProxy: whether it listens in plain HTTP, on this machine alone.
    package init(origin: String, isBehindProxy: Bool) {
        self.origin = origin
        self.isBehindProxy = isBehindProxy
    }

    /// The address that a call comes from, as text.
    ///
    /// Behind a proxy it is the last one in `X-Forwarded-For`, which the proxy itself has written: what stands before that
    /// a client may have made up.
    func address(of call: Call) -> String {
        let said = HTTPField.Name("X-Forwarded-For").flatMap { Self.last(of: call.headers[values: $0]) }
        return (isBehindProxy ? said : nil) ?? call.peer ?? "unknown"
    }

    static func last(of forwarded: [String]) -> String? {
        forwarded.last?.split(separator: ",").last.map { String($0.filter { $0 != " " }.prefix(64)) }
    }
}
