/// Why a server could not be reached or understood; equality is by `code`.
package struct UpstreamError: Error, Equatable, Sendable {
    /// The kinds of failure.
    package enum Code: Sendable {
        case badURL
        /// The server's name or address is one that may not be connected to.
        case refusedAddress
        case connect
        case tls
        case proxy
        /// It could not be connected to several times, and the pause before the next attempt is not over.
        case down
        /// As many exchanges as there may be are under way, and no turn came in time.
        case tooManyConnections
        /// This process, or the machine, has no file, thread or port left for a connection.
        case noRoom
        /// On the server's port of this machine listens a program of another user.
        case foreignServer
        case closed
        case malformedResponse
        /// What came is longer than it may be.
        case tooLarge
        case timeout
    }

    package let code: Code
    /// Safe to show and to log: holds no URL query, header or body.
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// Whether the server is to blame, so that its health shows it.
    var blamesServer: Bool {
        switch code {
        case .noRoom, .tooManyConnections: false
        case .badURL, .refusedAddress, .connect, .tls, .proxy, .down, .foreignServer, .closed, .malformedResponse,
            .timeout, .tooLarge:
            true
        }
    }

    package static func == (left: UpstreamError, right: UpstreamError) -> Bool { left.code == right.code }
}

/// How an exchange ended when it did not end well: the difference decides what may be tried again.
package enum UpstreamFailure: Sendable {
    /// No byte of the request has left.
    case notSent(UpstreamError)
    /// The request has left, at least in part; the server may have acted on it.
    case afterSending(UpstreamError)
}
