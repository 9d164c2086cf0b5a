internal import AuditLog
internal import MCP
internal import NIOCore
internal import Policy
internal import ServiceKit
internal import StrictJSON
internal import Upstreams
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
        guard phase == .answering else { return }
        delayed = nil
        serveNow()
    }

    private func serveNow() {
        let request = request
        request.withUnsafeReadableBytes { bytes in
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
            envelope = try Envelope.scan(body, limits: gate.configuration.messageLimits)
        } catch {
            refuseUnreadable(error, bytes)
            return
        }
        if envelope.kind == .request {
            serveRequest(envelope, body, bytes)
        } else {
            serveNote(envelope, body, bytes)
        }
    }

    /// Refuses what may have been a request: that somebody tried is recorded, though not what.
    private func refuseUnreadable(_ error: EnvelopeError, _ bytes: UnsafeRawBufferPointer) {
        let server = server(in: bytes).flatMap { gate.policy.knows(server: $0.alias) ? $0 : nil }
        let trace = TraceContext(body: nil, header: head.value(.traceparent, in: bytes), random: &gate.random)
        let facts = CallFacts(
            call: gate.random.id(),
            trace: trace.trace,
            client: visit.client,
            how: visit.how,
            server: server?.alias ?? strangersAlias(in: bytes),
            method: CallNames.noMethod,
            item: .none
        )
        let id = error.id.map { head.length + $0.lower..<head.length + $0.upper }
        deny(.unreadable(error, headerEra(bytes)), facts, id: id, server: server, bytes)
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
        let facts = CallFacts(
            call: gate.random.id(),
            trace: trace.trace,
            client: visit.client,
            how: visit.how,
            server: server?.alias ?? strangersAlias(in: bytes),
            method: CallNames.method(of: envelope, in: body),
            item: CallNames.item(of: envelope, in: body)
        )
        let id = envelope.id.map { head.length + $0.lower..<head.length + $0.upper }
        if let refusal = flaw(of: envelope, body, bytes) ?? gate.closed {
            deny(refusal, facts, id: id, server: server, bytes)
            return
        }
        if gate.policy.isClosed {
            // Nobody may do anything anywhere: every alias gets the same answer, whether there is such a server or not.
            let decision = gate.policy.decide(client: visit.client, server: facts.server, ask: .method)
            deny(.denied(decision), facts, id: id, server: server, bytes)
            return
        }
        guard let server, gate.policy.knows(server: server.alias) else {
            deny(.unknownServer, facts.of(server: strangersAlias(in: bytes)), id: id, server: nil, bytes)
            return
        }
        guard CallJudge.isKnown(envelope.method, in: envelope.era) else {
            deny(.unknownMethod(envelope.era), facts, id: id, server: server, bytes)
            return
        }
        let call = Call(on: self, server: server, trace: trace, body: head.length..<bytes.count)
        call.facts = facts
        call.method = envelope.method
        call.era = envelope.era
        call.id = id
        call.asksForTask = envelope.asksForTask
        if envelope.method == .subscriptionsListen {
            call.listen(for: envelope.listSubscriptions, shown: gate.policy)
        }
        switch session(for: envelope.era, server, bytes) {
        case .unknown:
            deny(.unknownSession, facts, id: id, server: server, bytes)
            return
        case .none: break
        case .found(let session): call.session = session
        }
        let decision = CallJudge.decide(
            envelope,
            in: body,
            policy: gate.policy,
            client: visit.client,
            server: server.alias
        )
        guard decision.isAllowed else {
            deny(.denied(decision), facts, id: id, server: server, bytes)
            return
        }
        if let refusal = taskRefusal(envelope, body, server) {
            deny(refusal, facts, id: id, server: server, bytes)
            return
        }
        begin(call, envelope, body, decision, bytes)
    }

    /// Everything that the policy allows has to pass the limits, needs a credential, and is recorded before it goes.
    private func begin(
        _ call: Call,
        _ envelope: Envelope,
        _ body: UnsafeBufferPointer<UInt8>,
        _ decision: Decision,
        _ bytes: UnsafeRawBufferPointer
    ) {
        let server = call.server
        guard let facts = call.facts else { return }
        if server.upstream.isKnownDown {
            let health = server.health(now: gate.clock.wall())
            let message = health.error ?? "The server is down."
            deny(
                .down("down", message, server: server.alias, since: health.since),
                facts,
                id: call.id,
                server: server,
                bytes
            )
            return
        }
        if envelope.method == .toolsCall, let item = envelope.item {
            let admission = item.name.withText(in: body) { tool in
                gate.limits.admit(client: call.client, server: server.alias, tool: tool, now: call.began)
            }
            switch admission {
            case .admitted(let permit):
                call.permit = permit
            case .limited(let rule, let wait):
                let words = gate.limits.rule(named: rule)?.words
                let refusal = Refusal.limited(rule: rule, words: words, retryAfterMilliseconds: wait)
                deny(refusal, facts, id: call.id, server: server, bytes)
                return
            }
        }
        var credential = CredentialState.notNeeded
        if let target = server.credential { credential = gate.credentials.current(target) }
        let id: JSONText?
        var isStale = false
        switch credential {
        case .notNeeded:
            id = nil
        case .ready(let name, let header):
            id = name
            call.authorization = header
        case .stale(let name):
            id = name
            isStale = true
        case .refused(let refusal):
            call.permit.release()
            deny(.credential(refusal, server: server.alias), facts, id: call.id, server: server, bytes)
            return
        }
        let kind = CallKind.request(call.method, call.era)
        if envelope.method == .ping {
            // Counted, not recorded: nothing is done.
            gate.countPing(server)
            call.facts = nil
            call.begin(kind, isStale: isStale)
            return
        }
        guard let spool = gate.layOutBegin(facts, decision, credential: id) else {
            call.permit.release()
            answerRefusal(.notRecorded.about(server.alias), id: literal(call.id, bytes), record: nil)
            return
        }
        call.begin(kind, recordedIn: spool, isStale: isStale)
    }

    // MARK: Tasks

    /// Why a request about a task may not go: another client made it, or its tool may be called no more.
    func taskRefusal(
        _ envelope: Envelope,
        _ body: UnsafeBufferPointer<UInt8>,
        _ server: ServedServer
    ) -> Refusal? {
        if let item = envelope.item {
            guard item.kind == .task else { return nil }
            return item.name.withText(in: body) { taskRefusal($0, server) }
        }
        guard envelope.subscribesToTasks else { return nil }
        for id in envelope.subscribedTaskIDs(in: body) {
            if let refusal = id.utf8.withUnsafeBufferPointer({ taskRefusal($0, server) }) { return refusal }
        }
        return nil
    }

    private func taskRefusal(_ id: UnsafeBufferPointer<UInt8>, _ server: ServedServer) -> Refusal? {
        guard let tool = gate.tasks.tool(of: id, client: visit.client, server: server.alias) else {
            return .unknownTask
        }
        let decision = tool.utf8.withUnsafeBufferPointer { tool in
            gate.policy.decide(client: visit.client, server: server.alias, ask: .tool(tool))
        }
        return decision.isAllowed ? nil : .denied(decision)
    }

    // MARK: What is common to all

    /// The server that the path names.
    func server(in bytes: UnsafeRawBufferPointer) -> ServedServer? {
        gate.server(alias: alias(in: bytes))
    }

    private func alias(in bytes: UnsafeRawBufferPointer) -> UnsafeBufferPointer<UInt8> {
        guard case .server(let range) = visit.route else { return UnsafeBufferPointer(start: nil, count: 0) }
        return UnsafeBufferPointer(rebasing: head.path.slice(of: bytes)[range])
    }

    /// The server's alias as the client has named it, for the words of an answer: whether or not there is such a server.
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

    /// What stands in records for a server that is none to this user.
    private func strangersAlias(in bytes: UnsafeRawBufferPointer) -> JSONText {
        RecordName.hash(of: JSONText(utf8: alias(in: bytes)))
    }

    func flaw(
        of envelope: Envelope,
        _ body: UnsafeBufferPointer<UInt8>,
        _ bytes: UnsafeRawBufferPointer
    ) -> Refusal? {
        let headers = MCPHeaders(
            protocolVersion: head.value(.protocolVersion, in: bytes),
            method: head.value(.method, in: bytes),
            name: head.value(.name, in: bytes)
        )
        return CallJudge.flaw(of: envelope, in: body, headers: headers)
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
