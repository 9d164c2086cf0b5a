internal import MCP
internal import StrictJSON
internal import Wire

/// What the head of a server's answer says, as far as anything depends on it.
struct ResponseSummary: Equatable {
    let status: Int
    let contentType: MediaType
    /// Whether `WWW-Authenticate` says `insufficient_scope`.
    var lacksScope = false
    /// Whether the request was within a session.
    var hasSession = false
    /// How long the server wants to be left alone (`Retry-After`).
    var retryAfterMilliseconds: Int?
}

/// What to do with an answer, once its head is known.
enum ResponseRoute: Equatable {
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
    init(_ facts: ResponseSummary, to kind: CallKind, server: JSONText) {
        switch kind {
        case .request(let method, _): self = Self.request(facts, method, server)
        case .message: self = Self.message(facts)
        case .stream: self = Self.stream(facts)
        case .delete: self = Self.delete(facts)
        }
    }

    private static func request(_ facts: ResponseSummary, _ method: MCPMethod, _ server: JSONText) -> ResponseRoute {
        switch facts.status {
        case 200...299:
            return answer(facts, server)
        case 304:
            let words = "The server says \"not modified\" (HTTP 304) to a call."
            return .refuse(.badAnswer("no_answer", words, server: server))
        case 300...399:
            let words =
                "The server points to another address, where nobody follows: an administrator can register that one."
            return .refuse(.down("redirected", words, server: server))
        case 401:
            return .unauthorized
        case 403:
            let words =
                "The server refuses this (HTTP 403): your account there may not do it, as its operator can tell."
            return .refuse(facts.lacksScope ? .insufficientScope(server) : .down("refused", words, server: server))
        case 404 where facts.hasSession && facts.contentType != .json:
            return .sessionEnded
        case 400, 404, 405, 406, 415:
            // A modern server knows this method: a server that refuses it without JSON-RPC is an older one.
            let isProbe = method == .serverDiscover
            return failed(facts, isProbe ? .notModern(facts.status, server: server) : failure(facts, server))
        default:
            return failed(facts, failure(facts, server))
        }
    }

    private static func answer(_ facts: ResponseSummary, _ server: JSONText) -> ResponseRoute {
        switch facts.contentType {
        case .json: return .collect
        case .eventStream: return .events
        case .absent, .other:
            guard facts.status == 200 else {
                return .refuse(
                    .badAnswer("no_answer", "The server took the request and gave no answer.", server: server)
                )
            }
            return .refuse(.badAnswer("media_type", "The server answers neither JSON nor events.", server: server))
        }
    }

    private static func failed(_ facts: ResponseSummary, _ refusal: Refusal) -> ResponseRoute {
        facts.contentType == .json ? .collectError(status: facts.status, otherwise: refusal) : .refuse(refusal)
    }

    private static func failure(_ facts: ResponseSummary, _ server: JSONText) -> Refusal {
        let words =
            switch facts.status {
            case 406: "The server wants to be asked with another Accept header (HTTP 406)"
            case 429: "The server asks for fewer requests (HTTP 429)"
            case 400...499: "The server refuses the request with HTTP \(facts.status), and does not say why"
            default: "The server fails with HTTP \(facts.status)"
            }
        let again =
            switch (facts.retryAfterMilliseconds, facts.status) {
            case (let wait?, _): ": try again in \(Refusal.wait(wait))."
            case (nil, 429), (nil, 500...): ": try again in a minute, `doorward status` shows how it does."
            case (nil, _): ": its operator can tell more."
            }
        return .down(
            facts.status == 429 ? "busy" : JSONText("status_\(facts.status)"),
            words + again,
            server: server,
            retryAfterMilliseconds: facts.retryAfterMilliseconds
        )
    }

    /// What has no id cannot be answered with an error: the next request carries it.
    private static func message(_ facts: ResponseSummary) -> ResponseRoute {
        switch facts.status {
        case 401: .unauthorized
        case 404 where facts.hasSession: .sessionEnded
        default: .status(202)
        }
    }

    private static func stream(_ facts: ResponseSummary) -> ResponseRoute {
        switch facts.status {
        case 200: facts.contentType == .eventStream ? .events : .status(502)
        case 401: .unauthorized
        case 404 where facts.hasSession: .sessionEnded
        case 400...499: .status(facts.status == 403 ? 405 : facts.status)
        default: .status(502)
        }
    }

    private static func delete(_ facts: ResponseSummary) -> ResponseRoute {
        switch facts.status {
        case 200...299: .status(facts.status == 200 ? 200 : 204)
        case 401: .unauthorized
        // The client's session is the agent's own: it ends, whether or not the server lets its own be ended.
        case 403, 405: .status(204)
        case 404: .sessionEnded
        case 400...499: .status(facts.status)
        default: .status(502)
        }
    }
}
