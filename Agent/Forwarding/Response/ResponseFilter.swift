internal import AuditLog
internal import MCP
internal import Policy
internal import StrictJSON

/// Judges what a server says in return, message by message: no I/O, and no state but what lists say of tools.
struct ResponseFilter {
    /// The method of the request that is answered; `unknown` on a stream that answers none.
    let method: MCPMethod
    let era: Revisions.Era
    let policy: PolicySnapshot
    let client: JSONText
    let server: JSONText
    let limits: JSONLimits
    /// Which client each task belongs to; without the table, tasks belong to no client.
    var tasks: TaskTable?
    /// The definitions of the server's tools: what a list says of them is noted there, and what is held back not shown.
    var pins: ToolPins?

    /// The same, about an answer to another request.
    func about(_ method: MCPMethod) -> ResponseFilter {
        ResponseFilter(
            method: method,
            era: era,
            policy: policy,
            client: client,
            server: server,
            limits: limits,
            tasks: tasks,
            pins: pins
        )
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
        guard envelope.kind == .response else {
            // It asks what a request of its own would ask: that the user open an address.
            if envelope.errorCode == JSONRPCErrorCode.urlElicitationRequired.rawValue,
                let refusal = refusal(of: .elicitation)
            {
                return .refuse(refusal, .rpcError)
            }
            return Self.renumbered(envelope, in: bytes).map { .replace($0, .rpcError) } ?? .pass(.rpcError)
        }
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
            switch try listed(envelope, bytes) {
            case .unchanged: return .pass(kind)
            case .filtered(let bytes, hidden: _): return .replace(bytes, kind)
            }
        } catch {
            return bad("malformed", "The server's list cannot be read: \(error.reason).")
        }
    }

    /// A server's error under a code that is not the gateway's: no server can speak with its voice, and have what it
    /// says taken for the next thing to do; nil for one whose code is the server's own.
    static func renumbered(_ envelope: Envelope, in bytes: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
        if let code = envelope.errorCode, !JSONRPCErrorCode(rawValue: code).isOfGateway { return nil }
        func literal(_ span: JSONSpan?) -> [UInt8] { span.map { Array(bytes[$0.range]) } ?? Array("null".utf8) }
        var body = Array(#"{"jsonrpc":"2.0","id":"#.utf8) + literal(envelope.id)
        body += Array(#","error":{"code":\#(JSONRPCErrorCode.upstreamError.rawValue),"message":"#.utf8)
        body += literal(envelope.errorMessage)
        body += Array(#","data":{"upstream":{"code":\#(envelope.errorCode ?? 0),"data":"#.utf8)
        return body + literal(envelope.errorData) + Array("}}}}".utf8)
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
                message:
                    "{server} asks your client for something that MCP does not know, so its answer was not passed on: "
                    + "tell its operator.",
                server: server
            )
        }
        let kinds: [(Envelope.InputRequests, ServerRequest)] = [
            (.elicitation, .elicitation), (.sampling, .sampling), (.roots, .roots),
        ]
        for (flag, kind) in kinds where requests.contains(flag) {
            let decision = policy.decide(client: client, server: server, ask: .serverRequest(kind))
            if !decision.isAllowed { return .denied(decision, request: kind, server: server) }
        }
        return nil
    }

    private func listed(
        _ envelope: Envelope,
        _ bytes: UnsafeBufferPointer<UInt8>
    ) throws(JSONError) -> ListFilter.Outcome {
        guard method == .toolsList, let pins else {
            return try ListFilter.filter(bytes, method: method, limits: limits, isGranted: isListed)
        }
        // All tools are compared, also those that this client may not call: what the server showed first is all of them.
        let outcome = try ListFilter.filter(
            bytes,
            method: method,
            limits: limits,
            isShown: { name, entry in pins.admits(name, entry) && isListed(name) }
        )
        pins.listEnded(hasMore: envelope.nextCursor != nil)
        return outcome
    }

    private func isListed(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
        if method == .tasksList { return isOwn(task: name) }
        let ask: Ask =
            switch method {
            case .toolsList: .tool(name)
            case .promptsList: .prompt(name)
            default: .resource(name)
            }
        let hints = method == .toolsList ? hints(of: name) : .assumed
        return policy.decide(client: client, server: server, ask: ask, arguments: .any, hints: hints).isAllowed
    }

    /// What the policy may believe of a tool, where a rule looks at it.
    private func hints(of tool: UnsafeBufferPointer<UInt8>) -> ToolHints {
        policy.looksAtHints ? pins?.hints(of: tool) ?? .assumed : .assumed
    }

    /// Whether the client made this task, with a tool that it may still call.
    private func isOwn(task id: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let tool = tasks?.tool(of: id, client: client, server: server) else { return false }
        return tool.utf8.withUnsafeBufferPointer {
            policy.decide(client: client, server: server, ask: .tool($0), arguments: .any, hints: hints(of: $0))
                .isAllowed
        }
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
            return envelope.item?.name.withText(in: bytes) { isOwn(task: $0) } ?? false
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
        /// It goes to the client: both sides may ask whether the other one is there.
        case ping
        /// The agent answers with -32601. The value is the policy's decision, or nil where the method does not exist.
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
