internal import AuditLog
internal import MCP
internal import Policy
internal import StrictJSON

/// Judges what a server says in return, message by message: no state, no I/O.
struct ReplyJudge {
    /// The method of the request that is answered; `unknown` on a stream that answers none.
    let method: MCPMethod
    let era: Revisions.Era
    let policy: PolicySnapshot
    let client: JSONText
    let server: JSONText
    let limits: JSONLimits

    /// The same, about an answer to another request.
    func about(_ method: MCPMethod) -> ReplyJudge {
        ReplyJudge(method: method, era: era, policy: policy, client: client, server: server, limits: limits)
    }

    // MARK: Responses

    /// What becomes of a response.
    enum Response: Equatable {
        case pass(Outcome.Kind)
        /// Other bytes go in its place: entries of a list that are not granted are gone.
        case replace([UInt8], Outcome.Kind)
        /// It does not go to the client; this does.
        case refuse(Refusal, Outcome.Kind)
    }

    /// Judges a response to a request of `method`.
    func judge(response envelope: Envelope, in bytes: UnsafeBufferPointer<UInt8>) -> Response {
        guard envelope.kind == .response else { return .pass(.rpcError) }
        if envelope.resultType == .other {
            return bad("result_type", "The server gave a kind of result that nobody here knows.")
        }
        if envelope.hasInputRequests || envelope.resultType == .inputRequired {
            guard era == .modern, mayAskForInput else {
                return bad("input_requests", "The server asks for input where the protocol lets it not.")
            }
            if let refusal = refusal(of: envelope.inputRequests) { return .refuse(refusal, .rpcError) }
        }
        let kind: Outcome.Kind = envelope.isToolError && method == .toolsCall ? .toolError : .ok
        guard method.isList else { return .pass(kind) }
        do {
            switch try ListFilter.filter(bytes, method: method, limits: limits, isGranted: isListed) {
            case .unchanged: return .pass(kind)
            case .filtered(let bytes, hidden: _): return .replace(bytes, kind)
            }
        } catch {
            return bad("malformed", "The server's list cannot be read: \(error.reason).")
        }
    }

    private func bad(_ reason: JSONText, _ message: String) -> Response {
        .refuse(.badAnswer(reason, message, server: server), .upstreamError)
    }

    /// Whether the protocol lets a server ask for input in answer to this method (2026-07-28, "Multi Round-Trip
    /// Requests").
    private var mayAskForInput: Bool {
        switch method {
        case .toolsCall, .promptsGet, .resourcesRead, .tasksGet: true
        default: false
        }
    }

    private func refusal(of requests: Envelope.InputRequests) -> Refusal? {
        if requests.contains(.other) {
            return Refusal(
                code: .denied,
                reason: "unknown_method",
                message: "The server asks the client for something that the protocol does not know."
            )
        }
        let kinds: [(Envelope.InputRequests, ServerRequest)] = [
            (.elicitation, .elicitation), (.sampling, .sampling), (.roots, .roots),
        ]
        for (flag, kind) in kinds where requests.contains(flag) {
            let decision = policy.decide(client: client, server: server, ask: .serverRequest(kind))
            if !decision.isAllowed { return .denied(decision) }
        }
        return nil
    }

    private func isListed(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
        let ask: Ask =
            switch method {
            case .toolsList: .tool(name)
            case .promptsList: .prompt(name)
            default: .resource(name)
            }
        return policy.decide(client: client, server: server, ask: ask).isAllowed
    }

    // MARK: Notifications

    /// Whether a notification goes on to the client; one that the protocol does not know in this era does not.
    func passes(notification envelope: Envelope, in bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        let method = envelope.method
        guard method.senders.contains(.server), method.eras.contains(era == .modern ? .modern : .handshake) else {
            return false
        }
        if envelope.hasInputRequests {
            guard method == .tasks, refusal(of: envelope.inputRequests) == nil else { return false }
        }
        if method == .tasks || method == .tasksStatus {
            return policy.decide(client: client, server: server, ask: .task).isAllowed
        }
        guard method == .resourcesUpdated, let item = envelope.item else { return true }
        return item.name.withText(in: bytes) { uri in
            policy.decide(client: client, server: server, ask: .resource(uri)).isAllowed
        }
    }

    // MARK: Requests

    /// What becomes of a request of the server.
    enum Request: Equatable {
        /// It goes to the client, and is recorded.
        case ask(Decision)
        /// It goes to the client: everybody may ask whether the other side is there.
        case ping
        /// It is answered with -32601; the policy's word for it, or nil where the method is none.
        case refuse(Decision?)
        /// There are no such requests in this era.
        case violation
    }

    /// Judges a request of the server to the client.
    func judge(request envelope: Envelope) -> Request {
        guard era == .handshake else { return .violation }
        if envelope.method == .ping { return .ping }
        guard let kind = envelope.method.serverRequest else { return .refuse(nil) }
        let decision = policy.decide(client: client, server: server, ask: .serverRequest(kind))
        return decision.isAllowed ? .ask(decision) : .refuse(decision)
    }
}
