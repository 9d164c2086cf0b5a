internal import MCP
internal import Policy
internal import StrictJSON

/// The guards of the endpoint of all servers, before it is known which server a request is for: those of the server follow
/// where the request is served as one to it.
enum EveryServerGuard {
    /// Asks every guard until one refuses, in the order of `CallAuthorizer.authorize`.
    ///
    /// - Parameters:
    ///   - envelope: the request.
    ///   - body: the bytes that hold it.
    ///   - headers: the headers that repeat parts of it.
    ///   - gate: the state of the agent.
    ///   - client: who asks.
    ///   - session: the session that the head names.
    ///   - hasServers: whether the client may use any server.
    /// - Returns: the refusal of the first guard that refuses; nil where none does.
    static func refusal(
        _ envelope: Envelope,
        in body: UnsafeBufferPointer<UInt8>,
        headers: MCPHeaders,
        _ gate: Gate,
        client: JSONText,
        session: SessionLookup,
        hasServers: Bool
    ) -> Refusal? {
        if let refusal = CallAuthorizer.flaw(of: envelope, in: body, headers: headers) { return refusal }
        if let refusal = gate.closed { return refusal }
        let decision = gate.policy.decide(client: client, server: "", ask: .method)
        guard !gate.policy.isClosed, hasServers else { return .deniedEverywhere(decision) }
        guard CallAuthorizer.isKnown(envelope.method, in: envelope.era) else { return .unknownMethod(envelope.era) }
        // What the agent answers itself is held to the protocol as a server would hold it.
        if envelope.era == .modern, !hasCapabilities(envelope, in: body) { return .noCapabilities }
        guard envelope.era == .handshake else { return nil }
        switch session {
        case .unknown: return .unknownSession.about("mcp")
        case .none: return envelope.method == .initialize || envelope.method == .ping ? nil : .notBegun
        case .found: return nil
        }
    }

    private static func hasCapabilities(_ envelope: Envelope, in body: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let params = envelope.params else { return false }
        let literal = UnsafeBufferPointer(rebasing: body[params.range])
        let value = try? JSONValue(parsing: literal, limits: JSONLimits(maxBytes: literal.count, maxDepth: 64))
        return value?["_meta"]?["io.modelcontextprotocol/clientCapabilities"]?.object != nil
    }
}

// What is refused at the endpoint of all servers alone.
extension Refusal {
    /// The client may use no server, or nothing is allowed at all.
    static func deniedEverywhere(_ decision: Decision) -> Refusal {
        guard decision.reason == .noGrant || decision.isAllowed else { return .denied(decision) }
        return Refusal(
            code: .denied,
            reason: DecisionEncoder.code(.noGrant),
            message: "The policy grants you no server: an administrator of your organisation can change that."
        )
    }

    /// A modern request that does not say what its client can do (2026-07-28, "Requests").
    static let noCapabilities = Refusal(
        form: .rpc(status: 400),
        code: .invalidParams,
        reason: "no_capabilities",
        message:
            "`_meta` of the request lacks `io.modelcontextprotocol/clientCapabilities`, so no server was asked. The "
            + "program that sent it has to be mended."
    )

    /// A request of the handshake era without a session.
    static let notBegun = Refusal(
        form: .rpc(status: 400),
        code: .invalidRequest,
        reason: "no_session",
        message: "The header Mcp-Session-Id is missing: begin a session with `initialize`."
    )

    /// A name that stands in no list that this client can have been shown.
    static func unknownName(_ kind: MCPMethod.ItemKind, _ era: Revisions.Era) -> Refusal {
        let word =
            switch kind {
            case .tool: "tool"
            case .prompt: "prompt"
            case .resource: "resource"
            case .task: "task"
            }
        let more =
            kind == .resource
            ? " URIs here begin with `doorward+ALIAS:`, as the lists and links of this endpoint have them."
            : " Ask for the list again: it may be another one by now."
        return Refusal(
            code: kind == .resource && era == .handshake ? .resourceNotFound : .invalidParams,
            reason: JSONText("unknown_\(word)"),
            message: "There is no such \(word) at any of your servers, so none was asked.\(more)"
        )
    }

    /// A server whose list is needed to know what a name stands for, and does not come.
    static func unlisted(_ server: JSONText) -> Refusal {
        .down(
            "unlisted",
            "{server} does not say now which tools it has, so it was not asked: try again in a minute, `doorward status` "
                + "shows how it does.",
            server: server
        )
    }

    /// A client that sends a cursor which the agent never gave it: its lists are whole.
    static let unknownCursor = Refusal(
        code: .invalidParams,
        reason: "unknown_cursor",
        message: "There is no such cursor: the lists of this endpoint come whole, without one."
    )
}
