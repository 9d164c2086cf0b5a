internal import AuditLog
internal import MCP
internal import Policy
internal import Wire

// What has no id: notifications, answers to requests of the server, GET and DELETE.
extension ClientConnection {
    /// Serves a message without an answer: whatever becomes of it, the next request carries the error.
    func serveMessage(
        withoutID envelope: Envelope,
        _ body: UnsafeBufferPointer<UInt8>,
        _ bytes: UnsafeRawBufferPointer
    ) {
        let call: Call
        do throws(MessageDenial) {
            call = bareCall(
                try MessageAuthorizer.authorize(
                    envelope,
                    in: body,
                    headers: headers(in: bytes),
                    by: authorities(bytes)
                ),
                bytes
            )
        } catch {
            return refuse(error, .message)
        }
        if call.answered != nil {
            call.method = envelope.kind == .errorResponse ? .unknown : .ping
        } else {
            gate.records.countNotification(call.server)
            if envelope.method == .cancelled, let span = envelope.cancelledID, let id = RequestID(span, in: body) {
                call.session?.cancel(id)
                path.releaseLater(id, of: call)
            }
        }
        send(call, .message)
    }

    /// Serves the request for a server's own stream, or for the end of a session.
    func serveBare(_ kind: CallKind, _ bytes: UnsafeRawBufferPointer) {
        let call: Call
        do throws(MessageDenial) {
            call = bareCall(
                try MessageAuthorizer.authorize(
                    kind,
                    headers: headers(in: bytes),
                    behind: head.value(.lastEventID, in: bytes),
                    by: authorities(bytes)
                ),
                bytes
            )
        } catch {
            return refuse(error, kind)
        }
        if kind == .stream { call.listen(for: .all, shown: gate.policy) }
        send(call, kind)
    }

    private func authorities(_ bytes: UnsafeRawBufferPointer) -> RequestAuthorities {
        RequestAuthorities(connection: self, bytes: bytes, server: server(in: bytes))
    }

    private func bareCall(_ plan: MessagePlan<ServedServer>, _ bytes: UnsafeRawBufferPointer) -> Call {
        let call = Call(
            on: self,
            server: plan.server,
            session: plan.session,
            trace: TraceContext(body: nil, header: head.value(.traceparent, in: bytes), random: &gate.random),
            body: head.length..<bytes.count
        )
        call.answered = plan.answered
        call.thread = thread(in: bytes)
        return call
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
            if let pending = call.answered { gate.records.endPending(pending, .notSent, bytesOut: 0, now: lastActive) }
            refuse(.instead(.credential(refusal, server: server.alias)), kind)
            return
        }
        call.begin(kind, isStale: isStale)
    }

    private func refuse(_ denial: MessageDenial, _ kind: CallKind) {
        switch denial {
        case .error(let refusal): answerRefusal(refusal, id: nil, record: nil)
        case .plainly(let refusal, let status): refusePlainly(refusal, status)
        case .instead(let refusal): refuseBare(refusal, refusal.status(for: kind) ?? 400)
        case .status(let status): answerPlainly(status)
        }
    }
}

extension ClientConnection {
    /// Whether it lasts for as long as its client wants to listen.
    var holdsStream: Bool { call?.machine.kind == .stream || gathering?.isStream ?? false }

    /// Policy, servers or clients are others: a stream that stays open for long ends, if it would not be opened now.
    func reconsider() {
        guard let call, call.isUnanswered, call.machine.kind.isOpenEnded else { return }
        let decision = gate.policy.decide(client: call.client, server: call.server.alias, ask: .method)
        let isServed = gate.servers.contains { $0 === call.server }
        guard gate.closure != nil || !decision.isAllowed || !isServed || !gate.isKnown(client: call.client) else {
            return
        }
        abort()
    }
}
