internal import AuditLog
internal import MCP
internal import NIOCore
internal import Policy
internal import ServiceKit
internal import StrictJSON
internal import Wire

// What has no id of its own: notifications, answers to requests of the server, GET and DELETE.
extension ClientConnection {
    /// The session that a request belongs to.
    enum SessionLookup {
        /// It is within none.
        case none
        case found(Session)
        /// It names one that this client does not have here.
        case unknown
    }

    /// Looks for the session that the header names; the modern era has none, and ignores the header.
    func session(for era: Revisions.Era, _ server: ServedServer, _ bytes: UnsafeRawBufferPointer) -> SessionLookup {
        guard era == .handshake, let value = head.value(.sessionID, in: bytes) else { return .none }
        guard SessionTable.isID(value) else { return .unknown }
        let key = SessionKey(client: visit.client, server: server.alias, id: JSONText(utf8: value))
        if let session = gate.sessions.find(key, now: lastActive) { return .found(session) }
        guard let session = gate.takeUp(key) else { return .unknown }
        path.upkeep.wake()
        return .found(session)
    }

    /// The era of what has no `_meta`: the header says it.
    func headerEra(_ bytes: UnsafeRawBufferPointer) -> Revisions.Era {
        head.value(.protocolVersion, in: bytes).flatMap(Revisions.era(of:)) ?? .handshake
    }

    // MARK: Notifications and answers

    /// Serves a message without an answer: whatever becomes of it, the next request carries the error.
    func serveNote(_ envelope: Envelope, _ body: UnsafeBufferPointer<UInt8>, _ bytes: UnsafeRawBufferPointer) {
        if let refusal = flaw(of: envelope, body, bytes) {
            answerRefusal(refusal.about(shownAlias(in: bytes)), id: nil, record: nil)
            return
        }
        guard let server = openServer(.message, bytes) else { return }
        // Over HTTP the modern era has no messages of clients but requests.
        guard headerEra(bytes) == .handshake, envelope.era == .handshake else { return answerPlainly(202) }
        let lookup = session(for: .handshake, server, bytes)
        if case .unknown = lookup { return answerRefusal(.unknownSession.about(server.alias), id: nil, record: nil) }
        let call = bareCall(server, bytes)
        if case .found(let session) = lookup { call.session = session }
        switch envelope.kind {
        case .response, .errorResponse:
            guard let pending = takePending(envelope, body, call) else { return answerPlainly(202) }
            call.answered = pending
            call.method = envelope.kind == .errorResponse ? .unknown : .ping
        case .notification, .request:
            guard CallJudge.isKnown(envelope.method, in: .handshake), isAllowed(envelope, body, server) else {
                return answerPlainly(202)
            }
            gate.countNotification(server)
            if envelope.method == .cancelled, let span = envelope.cancelledID, let id = RequestID(span, in: body) {
                call.session?.cancel(id)
                path.releaseLater(id, of: call)
            }
        }
        send(call, .message)
    }

    private func isAllowed(_ envelope: Envelope, _ body: UnsafeBufferPointer<UInt8>, _ server: ServedServer) -> Bool {
        CallJudge.decide(envelope, in: body, policy: gate.policy, client: visit.client, server: server.alias)
            .isAllowed
    }

    /// The request of the server that an answer is for; an answer to nothing goes nowhere.
    private func takePending(
        _ envelope: Envelope,
        _ body: UnsafeBufferPointer<UInt8>,
        _ call: Call
    ) -> Session.Pending? {
        guard let span = envelope.id, let id = RequestID(span, in: body) else { return nil }
        let session = call.session ?? gate.sessions.find(call.sessionless, now: lastActive)
        return session?.answer(id, now: lastActive)
    }

    // MARK: GET and DELETE

    /// Serves the request for a server's own stream, or for the end of a session.
    func serveBare(_ kind: CallKind, _ bytes: UnsafeRawBufferPointer) {
        if let refusal = CallJudge.flaw(ofVersion: head.value(.protocolVersion, in: bytes)) {
            answerRefusal(refusal.about(shownAlias(in: bytes)), id: nil, record: nil)
            return
        }
        // The modern era has neither.
        guard headerEra(bytes) == .handshake else { return refusePlainly(.noBareMethods, 405) }
        guard let server = openServer(kind, bytes) else { return }
        let call = bareCall(server, bytes)
        if kind == .stream { call.listen(for: .all, shown: gate.policy) }
        switch session(for: .handshake, server, bytes) {
        case .unknown: return refusePlainly(.unknownSession.about(server.alias), 404)
        case .none:
            guard kind == .stream else { return refusePlainly(.noSession.about(server.alias), 400) }
        case .found(let session): call.session = session
        }
        let decision = gate.policy.decide(client: visit.client, server: server.alias, ask: .method)
        guard decision.isAllowed else { return answerInstead(.denied(decision).about(server.alias), kind) }
        if kind == .stream, let id = head.value(.lastEventID, in: bytes), !id.isEmpty, !wasGiven(event: id, call) {
            return answerRefusal(.unknownEvent.about(server.alias), id: nil, record: nil)
        }
        send(call, kind)
    }

    /// Whether an event with this id went out to the client in this session: a server may take an id for all that it needs
    /// to know, and show what it said to somebody else.
    private func wasGiven(event id: UnsafeBufferPointer<UInt8>, _ call: Call) -> Bool {
        guard let session = call.openSession else { return false }
        let event = EventIDs.hash(UnsafeRawBufferPointer(id))
        if session.knows(event: event) { return true }
        // A client can come back before it is seen that its stream has ended.
        return path.table.connections.contains { $0.call?.lastEvent == event && $0.call?.session === session }
    }

    /// The server of the path, if it is open to this user at all; else the answer has gone out.
    private func openServer(_ kind: CallKind, _ bytes: UnsafeRawBufferPointer) -> ServedServer? {
        if let refusal = gate.closed {
            answerInstead(refusal.about(shownAlias(in: bytes)), kind)
            return nil
        }
        if gate.policy.isClosed {
            let decision = gate.policy.decide(client: visit.client, server: "", ask: .method)
            answerInstead(.denied(decision).about(shownAlias(in: bytes)), kind)
            return nil
        }
        guard let server = server(in: bytes), gate.policy.knows(server: server.alias) else {
            answerPlainly(404)
            return nil
        }
        return server
    }

    private func bareCall(_ server: ServedServer, _ bytes: UnsafeRawBufferPointer) -> Call {
        Call(
            on: self,
            server: server,
            trace: TraceContext(body: nil, header: head.value(.traceparent, in: bytes), random: &gate.random),
            body: head.length..<bytes.count
        )
    }

    /// Sends what is not recorded, with the credential that there is.
    private func send(_ call: Call, _ kind: CallKind) {
        let server = call.server
        var isStale = false
        switch server.credential.map(gate.credentials.current) ?? .notNeeded {
        case .notNeeded: break
        case .ready(id: _, let header): call.authorization = header
        case .stale: isStale = true
        case .refused(let refusal):
            if let pending = call.answered { gate.endPending(pending, .notSent, bytesOut: 0, now: lastActive) }
            answerInstead(.credential(refusal, server: server.alias), kind)
            return
        }
        call.begin(kind, isStale: isStale)
    }

    /// Answers what cannot be answered with an error.
    func answerInstead(_ refusal: Refusal, _ kind: CallKind) {
        refuseBare(refusal, refusal.status(for: kind) ?? 400)
    }
}

extension ClientConnection {
    /// Policy, servers or clients are others: a stream that stays open for long ends, if it would not be opened now.
    func reconsider() {
        guard let call, call.isUnanswered, call.machine.kind.isOpenEnded else { return }
        let decision = gate.policy.decide(client: call.client, server: call.server.alias, ask: .method)
        let isServed = gate.servers.contains { $0 === call.server }
        guard gate.closure != nil || !decision.isAllowed || !isServed || !gate.isKnown(client: call.client) else {
            return
        }
        breakOff()
    }
}
