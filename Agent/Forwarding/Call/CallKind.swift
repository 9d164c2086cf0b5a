internal import MCP

/// What a client's message or request is, as far as its answer depends on it.
enum CallKind: Equatable {
    /// A JSON-RPC request.
    case request(MCPMethod, Revisions.Era)
    /// A notification, or an answer to a request of the server.
    case message
    /// GET: the stream for what the server says of itself, in the handshake era.
    case stream
    /// DELETE: the end of a session.
    case delete

    /// Whether silence is not a failure: the server speaks when it has something to say.
    var isOpenEnded: Bool {
        switch self {
        case .stream: true
        case .request(let method, _): method == .subscriptionsListen
        case .message, .delete: false
        }
    }
}
