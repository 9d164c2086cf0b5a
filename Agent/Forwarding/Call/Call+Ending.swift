internal import AuditLog
internal import MCP
internal import NIOCore
internal import Policy
internal import ServiceKit
internal import StrictJSON
internal import Upstreams

// How a call ends: its answer, its record, its numbers.
extension Call {
    /// The client has its answer: what is left of the exchange is read for the sake of its connection.
    func finishReading() {
        if exchange == nil {
            machine.abandoned()
        } else {
            drained = 0
            machine.answered()
        }
    }

    /// Answers in the server's place, and ends the call.
    func end(with refusal: Refusal, _ outcome: Outcome.Kind) {
        collected.release()
        if machine.state == .idle { dropExchange() }
        let literal = literalID
        let kind = machine.kind
        let refusal = told(refusal)
        noteHealth(of: refusal)
        recordEnd(wasCancelled ? .cancelled : outcome)
        if let status = refusal.status(for: kind) {
            // Its client takes the session for ended, whatever the server makes of it.
            if kind == .delete, status == 204, let session { dropSession(session) }
            return connection.refuseBare(refusal, status)
        }
        connection.answerRefusal(refusal, id: literal, record: refusal.code == .notRecorded ? nil : facts?.call)
    }

    /// Answers in the server's place, in the form that the client waits for by now.
    func refuse(_ refusal: Refusal, _ outcome: Outcome.Kind) {
        isCommitted ? endStream(with: refusal, outcome) : end(with: refusal, outcome)
    }

    /// Answers what has no id with a status.
    func endBare(_ status: Int, _ outcome: Outcome.Kind) {
        if machine.state == .idle { dropExchange() }
        if machine.kind == .delete, (200...299).contains(status), let session { dropSession(session) }
        recordEnd(outcome)
        guard status >= 400 else { return connection.answerPlainly(status) }
        connection.refuseBare(.bare(status, machine.kind, server: server.alias), status)
    }

    /// The server no longer knows the session: another one is begun, or the agent forgets it too.
    func endSession() {
        if sessionLost() { return }
        if let session { dropSession(session) }
        if machine.kind == .delete { return endBare(204, .ok) }
        if case .request = machine.kind {
            refuse(.unknownSession, .upstreamError)
            return
        }
        recordEnd(.upstreamError)
        connection.refusePlainly(.unknownSession.about(server.alias), 404)
    }

    /// The server ended the stream before it answered.
    func endStream() {
        collected.release()
        if machine.kind == .stream {
            recordEnd(.ok)
        } else if park(isClientHere: true) {
            // The server wants to be asked again, as it may in the handshake era: the client has the mark to do so.
            if !isCommitted { openStream() }
        } else {
            let refusal = Refusal.badAnswer(
                "no_answer",
                "The server ended its answer before it gave one.",
                server: server.alias
            )
            return refuse(refusal, .upstreamError)
        }
        sendEvents(isLast: true)
        connection.finishRequest()
    }

    /// Answers in the server's place, as the last event of a stream on which others have gone out.
    func endStream(with refusal: Refusal, _ outcome: Outcome.Kind) {
        collected.release()
        dropExchange()
        let body = told(refusal).body(id: literalID, record: facts?.call)
        let wasCancelled = wasCancelled
        // A request that was taken back has no answer.
        if !wasCancelled {
            bytesOut += body.count
            body.withUnsafeBytes { connection.events.append(data: $0, id: nil) }
        }
        recordEnd(wasCancelled ? .cancelled : outcome)
        sendEvents(isLast: true)
        connection.finishRequest()
    }

    /// Breaks the stream off, so that the client sees that something is missing.
    func cut(_ outcome: Outcome.Kind) {
        dropExchange()
        recordEnd(wasCancelled ? .cancelled : outcome)
        connection.call = nil
        connection.abort()
    }

    /// What is told to the client is remembered, for the user who asks what went wrong.
    private func noteHealth(of refusal: Refusal) {
        guard refusal.code == .serverDown || refusal.code == .badAnswer, refusal.reason != "stopping" else { return }
        server.noteError(refusal.words(), isDown: refusal.reason == "unreachable", now: gate.clock.wall())
    }

    /// A refusal with all that is known of this call.
    private func told(_ refusal: Refusal) -> Refusal {
        var told = refusal.about(server, facts?.item, gate.configuration)
        guard told.code == .serverDown, told.since == nil else { return told }
        let now = gate.clock.wall()
        let health = server.health(now: now)
        told.since = health.since ?? now
        server.metrics.show(health.state)
        return told
    }

    /// Whether the client has taken its request back.
    private var wasCancelled: Bool {
        guard let session, let id = requestID else { return false }
        return session.endCancelled(id)
    }

    // MARK: Records

    /// Records the end, and lets go of what the call holds.
    func recordEnd(_ kind: Outcome.Kind) {
        // The server may well work on behind a stream that can be taken up again, and stops some time after it was told.
        if kind == .cancelled, lastEvent != nil { gate.keepSlots(takePermit()) }
        leave()
        if kind == .ok { noteWish() }
        let now = gate.now()
        if let pending = answered {
            let outcome: Outcome.Kind = kind == .ok && method == .unknown ? .rpcError : kind
            gate.records.endPending(pending, outcome, bytesOut: body.count, now: now)
        }
        guard let facts else { return }
        let outcome = Outcome(
            kind,
            milliseconds: CallRecorder.milliseconds(began, now),
            bytesIn: body.count,
            bytesOut: bytesOut
        )
        gate.records.end(facts, outcome, in: spool)
        server.metrics.count(outcome)
        server.metrics.latency.observe(seconds: Double(now - began) / 1e9)
    }

    /// Gives back what the call holds, and ends the requests of the server that went over its stream.
    func leave() {
        permit.release()
        server.metrics.active.add(-1)
        guard era == .handshake else { return }
        // The request has ended, so that it was taken back says nothing any more.
        if let session, session.hasCancelled, let id = requestID { _ = session.endCancelled(id) }
        guard let session = session ?? gate.sessions.find(sessionless, now: gate.now()) else { return }
        let now = gate.now()
        for pending in session.abandon(stream: ObjectIdentifier(connection)) {
            gate.records.endPending(pending, .cancelled, bytesOut: 0, now: now)
        }
    }
}
