internal import AuditLog
internal import MCP
internal import StrictJSON
internal import Wire

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

    /// Whether silence is no failure: the server speaks when it has something to say.
    var isOpenEnded: Bool {
        switch self {
        case .stream: true
        case .request(let method, _): method == .subscriptionsListen
        case .message, .delete: false
        }
    }
}

/// What the head of a server's answer says, as far as anything depends on it.
struct ReplyFacts: Equatable {
    let status: Int
    let contentType: MediaType
    /// Whether `WWW-Authenticate` says `insufficient_scope`.
    var lacksScope = false
    /// Whether the request was within a session.
    var hasSession = false
}

/// What to do with an answer, once its head is known.
enum ReplyRoute: Equatable {
    /// Collect the one message that it is, and judge it.
    case collect
    /// Pass its events on, each once it is whole and judged.
    case events
    /// Collect it: a JSON-RPC error goes on with this status, anything else is answered with the refusal.
    case collectError(status: Int, otherwise: Refusal)
    /// Nothing comes back but this status.
    case status(Int)
    /// The session has ended: the client is to know, so that it begins another.
    case sessionEnded
    /// The credential is not good (any more).
    case unauthorized
    /// The agent answers in the server's place.
    case refuse(Refusal)

    /// The route for an answer.
    init(_ facts: ReplyFacts, to kind: CallKind, server: JSONText) {
        switch kind {
        case .request: self = Self.request(facts, server)
        case .message: self = Self.message(facts)
        case .stream: self = Self.stream(facts)
        case .delete: self = Self.delete(facts)
        }
    }

    private static func request(_ facts: ReplyFacts, _ server: JSONText) -> ReplyRoute {
        switch facts.status {
        case 200:
            switch facts.contentType {
            case .json: return .collect
            case .eventStream: return .events
            case .absent, .other:
                return .refuse(.badAnswer("media_type", "The server answers neither JSON nor events.", server: server))
            }
        case 201...299:
            return .refuse(.badAnswer("no_answer", "The server took the request and gave no answer.", server: server))
        case 300...399:
            return .refuse(.down("redirected", "The server points elsewhere, and nobody follows.", server: server))
        case 401:
            return .unauthorized
        case 403:
            return .refuse(
                facts.lacksScope
                    ? .insufficientScope(server) : .down("refused", "The server refuses this.", server: server)
            )
        case 404 where facts.hasSession && facts.contentType != .json:
            return .sessionEnded
        case 429:
            return .refuse(.down("busy", "The server asks for fewer requests.", server: server))
        case 400...499:
            let refusal = Refusal.down(
                JSONText("status_\(facts.status)"),
                "The server answers with HTTP \(facts.status).",
                server: server
            )
            return facts.contentType == .json
                ? .collectError(status: facts.status, otherwise: refusal) : .refuse(refusal)
        default:
            return .refuse(
                .down(JSONText("status_\(facts.status)"), "The server fails with HTTP \(facts.status).", server: server)
            )
        }
    }

    /// What has no id cannot be answered with an error: the next request carries it.
    private static func message(_ facts: ReplyFacts) -> ReplyRoute {
        switch facts.status {
        case 401: .unauthorized
        case 404 where facts.hasSession: .sessionEnded
        default: .status(202)
        }
    }

    private static func stream(_ facts: ReplyFacts) -> ReplyRoute {
        switch facts.status {
        case 200: facts.contentType == .eventStream ? .events : .status(502)
        case 401: .unauthorized
        case 404 where facts.hasSession: .sessionEnded
        case 400...499: .status(facts.status == 403 ? 405 : facts.status)
        default: .status(502)
        }
    }

    private static func delete(_ facts: ReplyFacts) -> ReplyRoute {
        switch facts.status {
        case 200...299: .status(facts.status == 200 ? 200 : 204)
        case 401: .unauthorized
        case 403: .status(204)
        case 404: .sessionEnded
        case 400...499: .status(facts.status)
        default: .status(502)
        }
    }
}

/// Looks into `WWW-Authenticate` (RFC 6750 section 3).
enum Challenge {
    /// Whether a challenge says that the token is good and its scope is not enough.
    static func lacksScope(_ value: UnsafeBufferPointer<UInt8>) -> Bool {
        let wanted = Array("insufficient_scope".utf8)
        guard value.count >= wanted.count else { return false }
        for start in 0...value.count - wanted.count where value[start] == wanted[0] {
            if value[start..<start + wanted.count].elementsEqual(wanted) { return true }
        }
        return false
    }
}
