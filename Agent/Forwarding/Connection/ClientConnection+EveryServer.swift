internal import AuditLog
internal import Bytes
internal import MCP
internal import NIOCore
internal import StrictJSON
internal import Wire

// The endpoint of all servers.
extension ClientConnection {
    /// Serves a request to all servers.
    func serveEveryServer(_ bytes: UnsafeRawBufferPointer) {
        switch head.method {
        case .post: serveEveryServer(message: bytes)
        case .get: openMergedStream(bytes)
        case .delete: endEverySession(bytes)
        case .head, .put, .patch, .options, .other: answerPlainly(405)
        }
    }

    private func serveEveryServer(message bytes: UnsafeRawBufferPointer) {
        let body = UnsafeRawBufferPointer(rebasing: bytes[head.length...]).bindMemory(to: UInt8.self)
        let envelope: Envelope
        do {
            envelope = try Envelope.scan(body, limits: gate.messageLimits)
        } catch {
            return refuseUnreadable(error, bytes)
        }
        guard envelope.kind == .request else { return serveEveryServer(withoutID: envelope, body, bytes) }
        serveEveryServer(request: envelope, body, bytes, isRetry: false)
    }

    /// Looks at the request at hand once more: what was missing has come, or will not.
    func serveEveryServerAgain() {
        gathering = nil
        let request = request
        request.withUnsafeReadableBytes { bytes in
            let body = UnsafeRawBufferPointer(rebasing: bytes[head.length...]).bindMemory(to: UInt8.self)
            guard let envelope = try? Envelope.scan(body, limits: gate.messageLimits) else { return abort() }
            serveEveryServer(request: envelope, body, bytes, isRetry: true)
        }
    }

    private func serveEveryServer(
        request envelope: Envelope,
        _ body: UnsafeBufferPointer<UInt8>,
        _ bytes: UnsafeRawBufferPointer,
        isRetry: Bool
    ) {
        let header = head.value(.traceparent, in: bytes)
        let trace =
            envelope.traceparent?.withText(in: body) { TraceContext(body: $0, header: header, random: &gate.random) }
            ?? TraceContext(body: nil, header: header, random: &gate.random)
        let facts = CallAttributes(
            call: gate.random.id(),
            trace: trace.trace,
            client: visit.client,
            how: visit.how,
            server: RecordName.hash(of: ""),
            method: CallNames.method(of: envelope, in: body),
            item: CallNames.item(of: envelope, in: body)
        )
        let id = envelope.id.map { head.length + $0.lower..<head.length + $0.upper }
        let servers = path.everyServer.servers(of: visit.client)
        let session = everySession(envelope.era, bytes)
        let refusal = EveryServerGuard.refusal(
            envelope,
            in: body,
            headers: headers(in: bytes),
            gate,
            client: visit.client,
            session: session,
            hasServers: !servers.isEmpty
        )
        if let refusal { return deny(refusal, facts, id: id, server: nil, bytes) }
        let params = envelope.params.flatMap { span -> JSONObject? in
            let literal = UnsafeBufferPointer(rebasing: body[span.range])
            return (try? JSONValue(parsing: literal, limits: gate.messageLimits))?.object
        }
        let asker = Asker(
            visit,
            envelope,
            params: params,
            version: headers(in: bytes).protocolVersion.map { Array($0) },
            session: session.found,
            thread: thread(in: bytes),
            trace: trace
        )
        let request = EveryServerRequest(
            connection: self,
            envelope: envelope,
            params: params ?? JSONObject(),
            body: body,
            bytes: bytes,
            id: id,
            facts: facts,
            asker: asker,
            servers: servers,
            isRetry: isRetry
        )
        request.serve()
    }

    /// The session at all servers that the head names; the modern era has none, and ignores the header.
    func everySession(_ era: Revisions.Era, _ bytes: UnsafeRawBufferPointer) -> SessionLookup {
        guard era == .handshake, let value = head.value(.sessionID, in: bytes) else { return .none }
        guard SessionTable.isID(value) else { return .unknown }
        let key = SessionKey(client: visit.client, server: SessionKey.everyServer, id: JSONText(utf8: value))
        if let session = gate.sessions.find(key, now: lastActive) ?? gate.takeUp(key) {
            path.upkeep.wake()
            return .found(session)
        }
        return .unknown
    }

    // MARK: What has no id

    /// Opens the one stream for what all servers say of themselves.
    private func openMergedStream(_ bytes: UnsafeRawBufferPointer) {
        guard let asker = bareAsker(bytes) else { return }
        guard asker.session != nil else { return refusePlainly(.notBegun, 405) }
        let event = head.value(.lastEventID, in: bytes).flatMap { value in
            value.isEmpty ? nil : ExposedID.parts(of: JSONText(utf8: value))
        }
        MergedStream(on: self, asker).open(behind: event)
    }

    /// Ends a session at all servers, and with it those at each.
    private func endEverySession(_ bytes: UnsafeRawBufferPointer) {
        guard let asker = bareAsker(bytes) else { return }
        guard let session = asker.session else { return refusePlainly(.noSession.about("mcp"), 400) }
        for server in path.everyServer.servers(of: visit.client) {
            let key = SessionKey(client: visit.client, server: server.alias, id: session.key.id)
            guard let begun = gate.sessions.find(key, now: lastActive) else { continue }
            var message = asker.message([], method: nil, in: begun)
            message.method = .delete
            WholeAnswer.ask(server.alias, message, for: asker, on: self) { _ in
                // Whatever the server makes of it, its client takes the session for ended.
                if let left = self.gate.sessions.end(key) { self.gate.close(left) }
            }
        }
        if let ended = gate.sessions.end(session.key) { gate.close(ended) }
        answerPlainly(204)
    }

    /// Who asks by GET or DELETE; nil where the request is refused.
    private func bareAsker(_ bytes: UnsafeRawBufferPointer) -> Asker? {
        let headers = headers(in: bytes)
        if let refusal = CallAuthorizer.flaw(ofVersion: headers.protocolVersion) {
            answerRefusal(refusal, id: nil, record: nil)
            return nil
        }
        guard headers.era == .handshake else {
            refusePlainly(.noBareMethods, 405)
            return nil
        }
        let kind: CallKind = head.method == .get ? .stream : .delete
        if let refusal = gate.closed {
            refuseBare(refusal, refusal.status(for: kind) ?? 400)
            return nil
        }
        let session = everySession(.handshake, bytes)
        if case .unknown = session {
            refusePlainly(.unknownSession.about("mcp"), 404)
            return nil
        }
        return Asker(
            visit,
            version: headers.protocolVersion.map { Array($0) },
            session: session.found,
            thread: thread(in: bytes),
            trace: TraceContext(body: nil, header: head.value(.traceparent, in: bytes), random: &gate.random)
        )
    }

    /// Serves a message without an answer: it goes to the server that it is for, and the client hears nothing of it.
    private func serveEveryServer(
        withoutID envelope: Envelope,
        _ body: UnsafeBufferPointer<UInt8>,
        _ bytes: UnsafeRawBufferPointer
    ) {
        if let refusal = CallAuthorizer.flaw(of: envelope, in: body, headers: headers(in: bytes)) {
            return answerRefusal(refusal, id: nil, record: nil)
        }
        guard envelope.era == .handshake, headers(in: bytes).era == .handshake else { return answerPlainly(202) }
        guard let asker = bareAsker(bytes) else { return }
        if asker.session != nil {
            OwnMessages(connection: self, asker: asker).pass(envelope, body)
        }
        answerPlainly(202)
    }
}

extension SessionLookup {
    /// The session, if there is one.
    var found: Session? {
        if case .found(let session) = self { session } else { nil }
    }
}

extension SessionKey {
    /// In place of an alias: the session at all servers.
    static let everyServer: JSONText = ""
}
