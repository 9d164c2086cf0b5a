internal import MCP
internal import Policy
internal import ServiceKit
internal import StrictJSON
internal import Upstreams
internal import Wire

/// What the data path knows about one request of a connection.
struct RequestAuthorities: MessageAuthorities {
    let connection: ClientConnection
    /// The head of the request, and behind it its body.
    let bytes: UnsafeRawBufferPointer
    let server: ServedServer?

    private var gate: Gate { connection.gate }

    var client: JSONText { connection.visit.client }
    var policy: PolicySnapshot { gate.policy }
    var closed: Refusal? { gate.closed }

    /// The session that the head names; the modern era has none, and ignores the header.
    func session(in era: Revisions.Era, at server: ServedServer) -> SessionLookup {
        guard era == .handshake, let value = connection.head.value(.sessionID, in: bytes) else { return .none }
        guard SessionTable.isID(value) else { return .unknown }
        let key = SessionKey(client: client, server: server.alias, id: JSONText(utf8: value))
        if let session = gate.sessions.find(key, now: connection.lastActive) { return .found(session) }
        guard let session = gate.takeUp(key) else { return .unknown }
        connection.path.upkeep.wake()
        return .found(session)
    }

    func unmet(_ decision: Decision) -> Refusal? {
        UnmetObligation.all(decision.obligations, signedIn: policy.signedIn, gate.machine, now: connection.lastActive)
            .first
            .map { .unmet($0, decision) }
    }

    func hints(of tool: UnsafeBufferPointer<UInt8>, at server: ServedServer) -> ToolHints {
        server.pins.hints(of: tool)
    }

    func hold(on tool: UnsafeBufferPointer<UInt8>, at server: ServedServer) -> Refusal? {
        if server.pins.mayCall(tool) { return nil }
        return .quarantined(JSONText(utf8: tool), server: server.alias, server.pins)
    }

    func missingThread(in era: Revisions.Era, at server: ServedServer) -> Refusal? {
        guard era == .modern, server.isolation == .perSession, case .server(_, nil) = connection.visit.route else {
            return nil
        }
        return .noThread(server.alias)
    }

    func tool(ofTask id: UnsafeBufferPointer<UInt8>, at server: ServedServer) -> JSONText? {
        gate.tasks.tool(of: id, client: client, server: server.alias)
    }

    func downtime(of server: ServedServer) -> Refusal? {
        guard server.upstream?.isKnownDown ?? false else { return nil }
        let health = server.health(now: gate.clock.wall())
        return .down("down", health.error ?? "The server is down.", server: server.alias, since: health.since)
    }

    func admit(tool: UnsafeBufferPointer<UInt8>, at server: ServedServer) -> LimitTable.Admission {
        gate.limits.admit(client: client, server: server.alias, tool: tool, now: connection.lastActive)
    }

    func words(ofLimit rule: JSONText) -> String? { gate.limits.rule(named: rule)?.words }

    func credential(for server: ServedServer) -> CredentialState {
        server.credential.map(gate.credentials.current) ?? .notNeeded
    }

    // MARK: What has no id

    var shownAlias: JSONText? { connection.shownAlias(in: bytes) }

    func takePending(_ id: RequestID, in session: Session?, at server: ServedServer) -> Session.Pending? {
        open(session, at: server)?.answer(id, now: connection.lastActive)
    }

    func wasGiven(event id: UnsafeBufferPointer<UInt8>, in session: Session?, at server: ServedServer) -> Bool {
        guard let session = open(session, at: server) else { return false }
        let event = EventIDs.hash(UnsafeRawBufferPointer(id))
        if session.accepts(event: event) { return true }
        // A client can come back before it is seen that its stream has ended.
        return connection.path.table.connections.contains {
            $0.call?.lastEvent == event && $0.call?.session === session
        }
    }

    /// The session, or what client and server have in common outside of sessions.
    private func open(_ session: Session?, at server: ServedServer) -> Session? {
        session
            ?? gate.sessions.find(
                SessionKey(client: client, server: server.alias, id: ""),
                now: connection.lastActive
            )
    }
}

extension ServedServer: AuthorizedServer {}
