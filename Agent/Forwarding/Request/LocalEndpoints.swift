package import StrictJSON

/// A request to the agent itself, not to a server behind it.
package struct LocalRequest: Sendable {
    /// `GET`, `POST`, ...
    package let method: String
    /// Without the query; percent-encoding is as it came.
    package let path: String
    package let query: String?
    package let body: [UInt8]
    /// The client's name; `local` for one that the socket alone vouches for.
    package let client: JSONText
    /// Whether it came over the unix socket, so that the user is proven by the kernel.
    package let isOverSocket: Bool
}

/// What goes back.
package struct LocalAnswer: Sendable {
    package let status: Int
    package let contentType: String
    package let body: [UInt8]

    package init(status: Int, contentType: String, body: [UInt8]) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }

    /// An answer in plain text.
    package init(status: Int, text: String) {
        self.init(status: status, contentType: "text/plain; charset=utf-8", body: Array(text.utf8))
    }
}

/// Answers what is not an MCP route: `/readyz` and `/metrics` on both listeners, and `/control/...` on the unix socket.
///
/// Peer, `Host`, `Origin` and credential were judged before. It is called off the event loop, and its task is cancelled
/// when the client goes away.
package protocol LocalEndpoints: Sendable {
    func answer(_ request: LocalRequest) async -> LocalAnswer
}
