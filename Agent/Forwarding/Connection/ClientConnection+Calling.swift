internal import AuditLog
internal import Bytes
internal import MCP
internal import NIOCore
internal import Policy
internal import StrictJSON
internal import Wire

// From a request to a decision.
extension ClientConnection {
    /// Serves a request to a server.
    func serveServer() {
        if head.method == .post, path.refusals.isFull(for: visit.client) {
            let request = DelayedRequest(on: self)
            delayed = request
            path.refusals.hold(request, for: visit.client)
            return
        }
        serveNow()
    }

    /// Serves a request that had to wait until its client's refusals were fewer.
    func serveDelayed() {
        guard state.phase == .answering else { return }
        delayed = nil
        serveNow()
    }

    private func serveNow() {
        let request = request
        request.withUnsafeReadableBytes { bytes in
            if case .everyServer = visit.route { return serveEveryServer(bytes) }
            switch head.method {
            case .post: serveMessage(bytes)
            case .get: serveBare(.stream, bytes)
            case .delete: serveBare(.delete, bytes)
            case .head, .put, .patch, .options, .other: answerPlainly(405)
            }
        }
    }

    /// Judges a message in the order in which each question makes sense only once the one before is answered.
    private func serveMessage(_ bytes: UnsafeRawBufferPointer) {
        let body = UnsafeRawBufferPointer(rebasing: bytes[head.length...]).bindMemory(to: UInt8.self)
        let envelope: Envelope
        do {
            envelope = try Envelope.scan(body, limits: gate.messageLimits)
        } catch {
            refuseUnreadable(error, bytes)
            return
        }
        if envelope.kind == .request {
            serveRequest(envelope, body, bytes)
        } else {
            serveMessage(withoutID: envelope, body, bytes)
        }
    }

    /// Refuses what may have been a request: the record says that a client tried, though not what.
    func refuseUnreadable(_ error: EnvelopeError, _ bytes: UnsafeRawBufferPointer) {
        let server = server(in: bytes).flatMap { gate.policy.knows(server: $0.alias) ? $0 : nil }
        let trace = TraceContext(body: nil, header: head.value(.traceparent, in: bytes), random: &gate.random)
        let facts = CallAttributes(
            call: gate.random.id(),
            trace: trace.trace,
            client: visit.client,
            how: visit.how,
            server: server?.alias ?? strangersAlias(in: bytes),
            method: CallNames.noMethod,
            item: .none
        )
        let id = error.id.map { head.length + $0.lower..<head.length + $0.upper }
        deny(.unreadable(error, headers(in: bytes).era), facts, id: id, server: server, bytes)
    }

    // MARK: Requests

    private func serveRequest(_ envelope: Envelope, _ body: UnsafeBufferPointer<UInt8>, _ bytes: UnsafeRawBufferPointer)
    {
        let server = server(in: bytes)
        let header = head.value(.traceparent, in: bytes)
        let trace =
            envelope.traceparent?.withText(in: body) {
                TraceContext(body: $0, header: header, random: &gate.random)
            } ?? TraceContext(body: nil, header: header, random: &gate.random)
        let facts = CallAttributes(
            call: gate.random.id(),
            trace: trace.trace,
            client: visit.client,
            how: visit.how,
            server: server?.alias ?? strangersAlias(in: bytes),
            method: CallNames.method(of: envelope, in: body),
            item: CallNames.item(of: envelope, in: body)
        )
        let id = envelope.id.map { head.length + $0.lower..<head.length + $0.upper }
        let plan: CallPlan<ServedServer>
        do throws(CallDenial) {
            plan = try CallAuthorizer.authorize(
                envelope,
                in: body,
                headers: headers(in: bytes),
                by: RequestAuthorities(connection: self, bytes: bytes, server: server)
            )
        } catch {
            switch error {
            case .refused(let refusal): deny(refusal, facts, id: id, server: server, bytes)
            case .unknownServer:
                deny(.unknownServer, facts.of(server: strangersAlias(in: bytes)), id: id, server: nil, bytes)
            }
            return
        }
        let call = Call(
            on: self,
            server: plan.server,
            session: plan.session,
            permit: plan.permit,
            authorization: plan.authorization,
            trace: trace,
            body: head.length..<bytes.count
        )
        call.facts = facts
        call.method = envelope.method
        call.era = envelope.era
        call.id = id
        call.asksForTask = envelope.asksForTask
        call.thread = thread(in: bytes)
        call.isWholeList = envelope.method.isWholeList && !envelope.hasCursor
        if envelope.method == .subscriptionsListen {
            call.listen(for: envelope.listSubscriptions, shown: gate.policy)
        }
        begin(call, plan, bytes)
    }

    /// Records the beginning of a call, without which nothing leaves.
    private func begin(_ call: Call, _ plan: CallPlan<ServedServer>, _ bytes: UnsafeRawBufferPointer) {
        let kind = CallKind.request(call.method, call.era)
        guard call.method != .ping, let facts = call.facts else {
            // Counted, not recorded: nothing is done.
            gate.records.countPing(call.server)
            call.facts = nil
            call.begin(kind, isStale: plan.isStale)
            return
        }
        guard let (spool, number) = gate.records.layOutBegin(facts, plan.decision, credential: plan.credential) else {
            call.permit.release()
            answerRefusal(.notRecorded.about(call.server.alias), id: literal(call.id, bytes), record: nil)
            return
        }
        if plan.decision.obligations.isAuditStrict { call.countersigned = number }
        call.begin(kind, recordedIn: spool, isStale: plan.isStale)
    }

    // MARK: What is common to all

    /// The server that the path names.
    func server(in bytes: UnsafeRawBufferPointer) -> ServedServer? {
        gate.server(alias: alias(in: bytes))
    }

    private func alias(in bytes: UnsafeRawBufferPointer) -> UnsafeBufferPointer<UInt8> {
        guard case .server(let range, _) = visit.route else { return UnsafeBufferPointer(start: nil, count: 0) }
        return UnsafeBufferPointer(rebasing: head.path.slice(of: bytes)[range])
    }

    /// The server's alias as the client has named it, for the message of an answer: whether or not there is such a
    /// server.
    func shownAlias(in bytes: UnsafeRawBufferPointer) -> JSONText? {
        let alias = alias(in: bytes)
        let isPlain = alias.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): true
            default: false
            }
        }
        return (1...32).contains(alias.count) && isPlain ? JSONText(utf8: alias) : nil
    }

    /// The name in records for a server that this user does not have.
    private func strangersAlias(in bytes: UnsafeRawBufferPointer) -> JSONText {
        RecordName.hash(of: JSONText(utf8: alias(in: bytes)))
    }

    /// The thread that the path names; empty where it names none.
    func thread(in bytes: UnsafeRawBufferPointer) -> JSONText {
        switch visit.route {
        case .server(_, let range?), .everyServer(let range?):
            JSONText(utf8: UnsafeBufferPointer(rebasing: head.path.slice(of: bytes)[range]))
        default: ""
        }
    }

    /// What the head says of a message.
    func headers(in bytes: UnsafeRawBufferPointer) -> MCPHeaders {
        MCPHeaders(
            protocolVersion: head.value(.protocolVersion, in: bytes),
            method: head.value(.method, in: bytes),
            name: head.value(.name, in: bytes)
        )
    }

    func literal(_ id: Range<Int>?, _ bytes: UnsafeRawBufferPointer) -> [UInt8]? {
        id.map { Array(bytes[$0]) }
    }

    /// What is at this place of the request at hand.
    func literal(_ range: Range<Int>?) -> [UInt8]? {
        let request = request
        return range.map { range in request.withUnsafeReadableBytes { Array($0[range]) } }
    }
}
