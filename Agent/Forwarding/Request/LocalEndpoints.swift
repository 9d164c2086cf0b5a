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
    /// The browser's cookies, where this is the user's own page; nil without any.
    package let cookie: String?
    /// Whether it is for the user's own page.
    package let isOwnPage: Bool
}

/// What goes back.
package struct LocalAnswer: Sendable {
    package let status: Int
    package let contentType: String
    package let body: [UInt8]
    /// Further headers.
    package let headers: [(name: String, value: String)]

    package init(
        status: Int,
        contentType: String,
        body: [UInt8],
        headers: [(name: String, value: String)] = []
    ) {
        self.status = status
        self.contentType = contentType
        self.body = body
        self.headers = headers
    }

    /// An answer in plain text.
    package init(status: Int, text: String) {
        self.init(status: status, contentType: "text/plain; charset=utf-8", body: Array(text.utf8))
    }
}

/// Answers what is not an MCP route: `/readyz` and `/metrics` on both listeners, `/control/...` on the unix socket, and the
/// user's own page on the port.
///
/// Peer, `Host`, `Origin` and credential were judged before, but for the page's cookie. It is called off the event loop, and its task is cancelled
/// when the client goes away.
package protocol LocalEndpoints: Sendable {
    func answer(_ request: LocalRequest) async -> LocalAnswer
}
