/// A request for the page, over TCP from a browser of this user; its peer, `Host`, `Origin` and `Sec-Fetch-Site` were judged.
package struct PageRequest: Sendable {
    /// `GET` or `POST`.
    package let method: String
    package let path: String
    package let query: String?
    /// The value of the header; nil without one.
    package let cookie: String?
    /// A form.
    package let body: [UInt8]

    package init(method: String, path: String, query: String?, cookie: String?, body: [UInt8]) {
        self.method = method
        self.path = path
        self.query = query
        self.cookie = cookie
        self.body = body
    }
}

/// What goes back.
package struct PageAnswer: Sendable {
    package let status: Int
    package let body: [UInt8]
    /// Beside type and length.
    package let headers: [(name: String, value: String)]

    package let mediaType: String

    init(_ status: Int, _ html: HTML, _ more: [(name: String, value: String)] = []) {
        self.status = status
        body = Array(html.text.utf8)
        mediaType = "text/html; charset=utf-8"
        headers = Self.always + more
    }

    /// A file that pages refer to.
    init(_ text: String, _ mediaType: String) {
        status = 200
        body = Array(text.utf8)
        self.mediaType = mediaType
        headers = Self.always
    }

    /// Leads on to another page of this agent.
    init(to path: String, _ more: [(name: String, value: String)] = []) {
        self.init(303, "", [("Location", path)] + more)
    }

    /// No other page may show, read, keep or be told of it.
    ///
    /// With a stricter word about referrers browsers would no longer say which page sends a form.
    private static let always: [(name: String, value: String)] = [
        ("Content-Security-Policy", Look.policy), ("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"), ("Referrer-Policy", "same-origin"), ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
    ]
}
