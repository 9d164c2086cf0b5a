internal import AuditLog
internal import MCP
internal import NIOCore
internal import Policy
internal import ServiceKit
internal import StrictJSON
internal import Upstreams

// How a call ends: its answer, its record, its numbers.
extension ClientConnection {
    /// The client has its answer: what is left of the exchange is read for the sake of its connection.
    func settle() {
        if exchange == nil {
            machine.abandoned()
        } else {
            drained = 0
            machine.answered()
        }
    }

    /// Answers in the server's place, and ends the call.
    func end(with refusal: Refusal, _ outcome: Outcome.Kind) {
        guard let call else { return }
        collected = ByteBuffer()
        if machine.state == .idle { dropExchange() }
        let literal = literalID
        let kind = machine.kind
        let refusal = refusal.about(call.server, call.facts?.item, gate.configuration).dated(by: call.server, gate)
        endCall(wasCancelled ? .cancelled : outcome)
        if let status = refusal.status(for: kind) {
            // Its client takes the session for ended, whatever the server makes of it.
            if kind == .delete, status == 204, let session = call.session { dropSession(session) }
            return refuseBare(refusal, status)
        }
        answerRefusal(refusal, id: literal, record: refusal.code == .notRecorded ? nil : call.facts?.call)
    }

    /// Answers what has no id with a status.
    func endBare(_ status: Int, _ outcome: Outcome.Kind) {
        guard let call else { return }
        if machine.state == .idle { dropExchange() }
        if machine.kind == .delete, (200...299).contains(status), let session = call.session { dropSession(session) }
        endCall(outcome)
        guard status >= 400 else { return answerPlainly(status) }
        refuseBare(.bare(status, machine.kind, server: call.server.alias), status)
    }

    /// The server knows the session no more, so nobody does.
    func endSession() {
        guard let call else { return }
        if let session = call.session { dropSession(session) }
        if case .request = machine.kind {
            end(with: .unknownSession, .upstreamError)
            return
        }
        endCall(.upstreamError)
        refusePlainly(.unknownSession.about(call.server.alias), 404)
    }

    /// The server ended the stream before it answered.
    func endStream() {
        guard let call else { return }
        collected = ByteBuffer()
        if machine.kind == .stream {
            endCall(.ok)
        } else if park(isClientHere: true) {
            // The server wants to be asked again, as it may in the handshake era: the client has the mark to do so.
            if !call.isCommitted { openStream() }
        } else {
            let refusal = Refusal.badAnswer(
                "no_answer",
                "The server ended its answer before it gave one.",
                server: call.server.alias
            )
            return call.isCommitted ? endStream(with: refusal, .upstreamError) : end(with: refusal, .upstreamError)
        }
        if let chunk = events.take(isLast: true) { send(chunk, isLast: visit.closes) }
        finishRequest()
    }

    /// Answers in the server's place, as the last event of a stream on which others have gone out.
    func endStream(with refusal: Refusal, _ outcome: Outcome.Kind) {
        guard let call else { return }
        collected = ByteBuffer()
        dropExchange()
        let told = refusal.about(call.server, call.facts?.item, gate.configuration).dated(by: call.server, gate)
        let body = told.body(id: literalID, record: call.facts?.call)
        let wasCancelled = wasCancelled
        // A request that was taken back has no answer.
        if !wasCancelled {
            call.bytesOut += body.count
            body.withUnsafeBytes { events.append(data: $0, id: nil) }
        }
        endCall(wasCancelled ? .cancelled : outcome)
        if let chunk = events.take(isLast: true) { send(chunk, isLast: visit.closes) }
        finishRequest()
    }

    /// The agent ends, or the membership of the call, and so does what is still under way.
    func stopCall(isLeaving: Bool = false) {
        guard machine.isUnanswered, call != nil else { return }
        visit.closes = true
        stop(machine.stopping(isLeaving: isLeaving))
    }

    /// Breaks the stream off, so that the client sees that something is missing.
    func cut(_ outcome: Outcome.Kind) {
        dropExchange()
        endCall(wasCancelled ? .cancelled : outcome)
        call = nil
        breakOff()
    }

    private func dropExchange() {
        let exchange = exchange
        self.exchange = nil
        exchange?.cancel()
    }

    /// Whether the client has taken its request back.
    var wasCancelled: Bool {
        guard let call, let session = call.session, let id = requestID else { return false }
        return session.endCancelled(id)
    }

    var requestID: RequestID? {
        guard let range = call?.id else { return nil }
        let request = request
        return request.withUnsafeReadableBytes { bytes in
            RequestID(literal: UnsafeRawBufferPointer(rebasing: bytes[range]).bindMemory(to: UInt8.self))
        }
    }

    /// The literal of the id of the request at hand.
    var literalID: [UInt8]? { literal(call?.id) }

    /// What stands at this place of the request at hand.
    func literal(_ range: Range<Int>?) -> [UInt8]? {
        let request = request
        return range.map { range in request.withUnsafeReadableBytes { Array($0[range]) } }
    }

    // MARK: Sessions

    /// Binds the session that begins with this answer to the client and the server; returns its id.
    func bindSession() -> JSONText? {
        guard let call, let id = call.newSession else { return nil }
        let key = SessionKey(client: call.client, server: call.server.alias, id: id)
        self.call?.session = beginSession(key)
        return id
    }

    /// The session of a key, which begins if there is none.
    func beginSession(_ key: SessionKey) -> Session {
        defer { path.upkeep.wake() }
        return gate.beginSession(key)
    }

    /// Forgets a session that has ended.
    func dropSession(_ session: Session) {
        guard let ended = gate.sessions.end(session.key) else { return }
        gate.close(ended)
    }

    // MARK: Records

    /// Records the end of the call at hand, and lets go of what it holds.
    func endCall(_ kind: Outcome.Kind) {
        guard let call else { return }
        // The server may well work on behind a stream that can be taken up again, and stops some time after it was told.
        if kind == .cancelled, call.lastEvent != nil { gate.keepSlots(call.takePermit()) }
        leave(call)
        let now = gate.now()
        if let pending = call.answered {
            let outcome: Outcome.Kind = kind == .ok && call.method == .unknown ? .rpcError : kind
            gate.endPending(pending, outcome, bytesOut: call.body.count, now: now)
        }
        guard let facts = call.facts else { return }
        let outcome = Outcome(
            kind,
            milliseconds: Gate.milliseconds(call.began, now),
            bytesIn: call.body.count,
            bytesOut: call.bytesOut
        )
        gate.recordEnd(facts, outcome, in: call.spool)
        call.server.metrics.count(outcome)
        call.server.metrics.latency.observe(seconds: Double(now - call.began) / 1e9)
    }

    /// Gives back what the call holds, and ends the requests of the server that went over its stream.
    func leave(_ call: Call) {
        self.call?.permit.release()
        call.server.metrics.active.add(-1)
        guard call.era == .handshake else { return }
        // The request has ended, so that it was taken back says nothing any more.
        if let session = call.session, session.hasCancelled, let id = requestID { _ = session.endCancelled(id) }
        let session = call.session ?? gate.sessions.find(sessionless(call.server), now: gate.now())
        guard let session else { return }
        let now = gate.now()
        for pending in session.abandon(stream: ObjectIdentifier(self)) {
            gate.endPending(pending, .cancelled, bytesOut: 0, now: now)
        }
    }
}

extension Refusal {
    /// The same, with the time since when the server is down.
    fileprivate func dated(by server: ServedServer, _ gate: Gate) -> Refusal {
        guard code == .serverDown, since == nil else { return self }
        let now = gate.clock.wall()
        var dated = self
        dated.since = server.health(now: now).since ?? now
        return dated
    }
}
