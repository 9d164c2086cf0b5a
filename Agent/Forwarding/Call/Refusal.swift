internal import AuditLog
internal import MCP
internal import Policy
internal import StrictJSON

/// An answer that the agent gives itself to a request: why, in all the words that the answer and its record need.
struct Refusal: Equatable {
    /// How the answer looks over HTTP.
    enum Form: Equatable {
        /// A JSON-RPC error with this status.
        case rpc(status: Int)
        /// A status without words of JSON-RPC: nothing more is to be told.
        case plain(status: Int)
    }

    var form = Form.rpc(status: 200)
    let code: JSONRPCErrorCode
    /// The reason's code, in `data.reason` and in the record.
    let reason: JSONText
    /// One sentence, safe to show.
    let message: String
    /// Rules of the policy that decided.
    var rules: [JSONText] = []
    /// The limit that was hit, and how long to wait.
    var limiter: JSONText?
    var retryAfterMilliseconds: Int?
    /// What the user may type to go on.
    var command: String?
    /// The server that is down, and since when, in microseconds since 1970.
    var server: JSONText?
    var since: Int64?
    /// Further members of `data`.
    var more = JSONObject()

    /// The JSON-RPC error for the request whose id has this literal.
    ///
    /// - Parameters:
    ///   - id: the literal of the id; nil where it cannot be told.
    ///   - record: the audit id under which it was recorded.
    /// - Returns: the whole message.
    func body(id: [UInt8]?, record: AuditID?) -> [UInt8] {
        var data = more
        data["reason"] = .string(reason)
        if let record { data["record"] = .text(record.description) }
        if !rules.isEmpty { data["rules"] = .array(rules.map(JSONValue.string)) }
        if let retryAfterMilliseconds { data["retry_after_ms"] = .int(retryAfterMilliseconds) }
        if let command { data["command"] = .text(command) }
        if let server { data["server"] = .string(server) }
        if let since { data["since"] = .text(Timestamp.text(since)) }
        return GatewayError.encode(code: code, message: message, data: data, id: id)
    }
}

// MARK: - What is wrong with the request

extension Refusal {
    static func unreadable(_ error: EnvelopeError) -> Refusal {
        Refusal(
            form: .rpc(status: 400),
            code: error.code,
            reason: "bad_request",
            message: "The message cannot be taken: \(error.message)."
        )
    }

    static func mismatch(_ mismatch: MCPHeaders.Mismatch) -> Refusal {
        Refusal(
            form: .rpc(status: 400),
            code: .headerMismatch,
            reason: "header_mismatch",
            message: "\(mismatch.message)."
        )
    }

    /// A revision that nobody here knows; `requested` is what the client named.
    static func version(_ requested: JSONText) -> Refusal {
        Refusal(
            form: .rpc(status: 400),
            code: .unsupportedVersion,
            reason: "unsupported_version",
            message: "This revision of the protocol is not known here.",
            more: [
                "supported": .array((Revisions.modern + Revisions.handshake.reversed()).map { .text($0) }),
                "requested": .string(requested),
            ]
        )
    }

    static func unknownMethod(_ era: Revisions.Era) -> Refusal {
        Refusal(
            form: .rpc(status: era == .modern ? 404 : 200),
            code: .methodNotFound,
            reason: "unknown_method",
            message: "This method is not known."
        )
    }

    /// An alias that does not exist, or is not for this user: nothing tells the two apart.
    static let unknownServer = Refusal(
        form: .plain(status: 404),
        code: .methodNotFound,
        reason: "unknown_server",
        message: "There is no such server."
    )

    /// A session that this client does not have at this server: a client begins another then.
    static let unknownSession = Refusal(
        form: .rpc(status: 404),
        code: .invalidRequest,
        reason: "unknown_session",
        message: "There is no such session."
    )
}

// MARK: - What stands against it

extension Refusal {
    static func closed(_ closure: ForwardingState.Closure, words: String? = nil) -> Refusal {
        switch closure {
        case .notEnrolled:
            Refusal(
                code: .userMustAct,
                reason: "not_enrolled",
                message: "This machine is not enrolled with a coordinator.",
                command: "doorward login URL --token-file FILE"
            )
        case .locked:
            Refusal(
                code: .userMustAct,
                reason: "locked",
                message: "The keyring is locked: unlock it, and the agent goes on by itself.",
                command: "doorward status"
            )
        case .keyMissing:
            Refusal(
                code: .userMustAct,
                reason: "key_missing",
                message: words ?? "The keyring does not hold the key of this machine: restore it, or `doorward logout`.",
                command: "doorward logout"
            )
        case .revoked:
            Refusal(
                code: .userMustAct,
                reason: "revoked",
                message: words ?? "This machine was revoked by its coordinator: `doorward logout`, and enrol anew.",
                command: "doorward logout"
            )
        case .unusable:
            Refusal(
                code: .notRecorded,
                reason: "not_recorded",
                message: "This cannot be recorded, so it is not done: \(words ?? "see `doorward status`.")",
                command: "doorward status"
            )
        }
    }

    static func denied(_ decision: Decision) -> Refusal {
        let message =
            switch decision.reason {
            case .granted, .noGrant: "The policy does not grant this."
            case .forbidden:
                "The policy forbids this" + (decision.words.map { ": \($0.string)" } ?? ".")
            case .policyExpired:
                "The policy has expired: the agent has to reach its coordinator before anything is allowed again."
            }
        return Refusal(
            code: .denied,
            reason: PolicyFacts.code(decision.reason),
            message: message,
            rules: decision.rules
        )
    }

    static func limited(rule: JSONText, retryAfterMilliseconds: Int) -> Refusal {
        Refusal(
            code: .limited,
            reason: "limited",
            message: "The limit \(rule.string) is used up.",
            rules: [rule],
            limiter: rule,
            retryAfterMilliseconds: retryAfterMilliseconds
        )
    }

    static func credential(_ refusal: CredentialState.Refusal, server: JSONText) -> Refusal {
        switch refusal {
        case .needsSignIn:
            Refusal(
                code: .userMustAct,
                reason: "needs_sign_in",
                message: "You have to sign in to this server.",
                command: "doorward connect \(server.string)",
                server: server
            )
        case .locked:
            Refusal(
                code: .userMustAct,
                reason: "locked",
                message: "The keyring is locked: unlock it, and try again.",
                command: "doorward servers",
                server: server
            )
        case .unavailable:
            Refusal(
                code: .serverDown,
                reason: "sign_in_unavailable",
                message: "The server's sign-in service does not answer as it should: try again later.",
                server: server
            )
        }
    }

    /// The server wants more rights than the user gave it.
    static func insufficientScope(_ server: JSONText) -> Refusal {
        Refusal(
            code: .userMustAct,
            reason: "needs_sign_in",
            message: "The server wants a sign-in with more rights for this.",
            command: "doorward connect \(server.string)",
            server: server
        )
    }

    /// There is no way to write the record, so there is no call.
    static let notRecorded = Refusal(
        code: .notRecorded,
        reason: "not_recorded",
        message: "This cannot be recorded, so it is not done: see `doorward status`."
    )
}

// MARK: - What became of it

extension Refusal {
    /// The server cannot be reached, is too slow or refuses.
    static func down(_ reason: JSONText, _ message: String, server: JSONText, since: Int64? = nil) -> Refusal {
        Refusal(code: .serverDown, reason: reason, message: message, server: server, since: since)
    }

    /// The answer is too large, or breaks the protocol.
    static func badAnswer(_ reason: JSONText, _ message: String, server: JSONText) -> Refusal {
        Refusal(code: .badAnswer, reason: reason, message: message, server: server)
    }
}
