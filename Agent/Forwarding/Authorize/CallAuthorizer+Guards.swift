internal import MCP
internal import Policy
internal import StrictJSON

// The guards that look at a message, its headers and the policy alone.
extension CallAuthorizer {
    /// What is wrong with the headers of a message, if anything is.
    static func flaw(
        of envelope: Envelope,
        in bytes: UnsafeBufferPointer<UInt8>,
        headers: MCPHeaders
    ) -> Refusal? {
        if let mismatch = headers.mismatch(with: envelope, in: bytes) { return .mismatch(mismatch) }
        if let version = envelope.protocolVersion {
            let text = version.withText(in: bytes) { Revisions.era(of: $0) == .modern ? nil : JSONText(utf8: $0) }
            return text.map(Refusal.version)
        }
        return flaw(ofVersion: headers.protocolVersion)
    }

    /// What is wrong with the header `MCP-Protocol-Version` of a message or request that says no version itself.
    static func flaw(ofVersion header: UnsafeBufferPointer<UInt8>?) -> Refusal? {
        guard let header, Revisions.era(of: header) == nil else { return nil }
        return .version(JSONText(utf8: header))
    }

    /// Whether a client may send this method in this era at all.
    static func isKnown(_ method: MCPMethod, in era: Revisions.Era) -> Bool {
        method.senders.contains(.client) && method.eras.contains(era == .modern ? .modern : .handshake)
    }

    /// What the policy says about a request or notification.
    static func decide(
        _ envelope: Envelope,
        in bytes: UnsafeBufferPointer<UInt8>,
        policy: PolicySnapshot,
        client: JSONText,
        server: JSONText,
        hints: (UnsafeBufferPointer<UInt8>) -> ToolHints
    ) -> Decision {
        func ask(_ ask: Ask, _ arguments: CallArguments = .none, _ hints: ToolHints = .assumed) -> Decision {
            policy.decide(client: client, server: server, ask: ask, arguments: arguments, hints: hints)
        }
        guard let item = envelope.item else {
            let decision = ask(envelope.method == .tasksList ? .task : .method)
            guard decision.isAllowed, envelope.method == .subscriptionsListen else { return decision }
            return decideSubscriptions(envelope, in: bytes) { ask($0) } ?? decision
        }
        return item.name.withText(in: bytes) { name in
            switch item.kind {
            case .tool:
                ask(.tool(name), arguments(of: envelope, in: bytes), policy.looksAtHints ? hints(name) : .assumed)
            case .prompt: ask(.prompt(name), arguments(of: envelope, in: bytes))
            case .resource: ask(.resource(name))
            case .task: ask(.task)
            }
        }
    }

    /// The arguments that go to the server with a call; a completion has none, so conditions on them miss their values.
    private static func arguments(of envelope: Envelope, in bytes: UnsafeBufferPointer<UInt8>) -> CallArguments {
        guard envelope.method != .completionComplete, let span = envelope.arguments else { return .none }
        return .json(UnsafeBufferPointer(rebasing: bytes[span.range]))
    }

    /// What the policy says about the first thing that the client wants to hear of and may not.
    private static func decideSubscriptions(
        _ envelope: Envelope,
        in bytes: UnsafeBufferPointer<UInt8>,
        _ ask: (Ask) -> Decision
    ) -> Decision? {
        if envelope.subscribesToTasks {
            let decision = ask(.task)
            if !decision.isAllowed { return decision }
        }
        for uri in envelope.resourceSubscriptionURIs(in: bytes) {
            let decision = uri.utf8.withUnsafeBufferPointer { ask(.resource($0)) }
            if !decision.isAllowed { return decision }
        }
        return nil
    }
}
