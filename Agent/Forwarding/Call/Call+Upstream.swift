internal import Bridging
internal import MCP
internal import NIOCore
internal import Policy
internal import ServiceKit
internal import Spool
internal import Upstreams
internal import Wire

// From a decision to bytes that go to the server.
extension Call {
    /// Begins something that leaves no record.
    func begin(_ kind: CallKind, isStale: Bool) {
        server.metrics.active.add(1)
        connection.call = self
        perform(machine.begin(kind, server: server.alias, isStale: isStale))
    }

    /// Begins; nothing leaves until the record of it is in the file of the spool.
    func begin(_ kind: CallKind, recordedIn spool: Spool, isStale: Bool) {
        server.metrics.active.add(1)
        self.spool = spool
        connection.call = self
        machine.hold(kind, server: server.alias, isStale: isStale)
        path.beginRecords.add(self, in: spool)
    }

    /// The record of the beginning is in the file, or could not be written; the client may have gone in the meantime.
    func recorded(_ isWritten: Bool) {
        guard isWritten, let spool, let number = countersigned else {
            perform(isWritten ? machine.recorded() : machine.notRecorded(.notRecorded))
            return
        }
        let time = gate.configuration.countersigning
        path.loop.makeFutureWithTask { await spool.isCountersigned(number, within: time) }
            .assumeIsolated()
            .whenSuccess { isCountersigned in
                self.perform(isCountersigned ? self.machine.recorded() : self.machine.notRecorded(.notCountersigned))
            }
    }

    /// Sends the request with the credential at hand.
    func sendUpstream() {
        guard hasUpstreamSession() else { return }
        let connection = connection
        // What else has a body must not pass it on behind a head that says nothing of it.
        let content = connection.head.method == .post ? body : connection.head.length..<connection.head.length
        var buffer = connection.out
        connection.out = ByteBuffer()
        let request = connection.request
        let sent = request.withUnsafeReadableBytes { bytes in
            path.withHeader(of: trace) { trace in
                var outgoing = OutgoingRequest(
                    method: connection.head.method,
                    era: era,
                    rpc: method,
                    head: .client(connection.head, bytes),
                    message: page?.message ?? request,
                    content: page?.content ?? content
                )
                outgoing.session = session?.upstream
                outgoing.resumes = machine.kind != .stream || resumes(bytes)
                outgoing.thread = conversation
                outgoing.trace = trace
                outgoing.authorization = authorization
                outgoing.lane = machine.kind.isOpenEnded ? .stream : .call
                outgoing.client = client
                outgoing.clientNumber = connection.visit.clientNumber
                outgoing.isRepeatable = method.isRepeatable
                if !server.bridge.isDirect(era, method) {
                    outgoing.mayBeAsked = { [gate, client, server] kind in
                        gate.policy.decide(client: client, server: server.alias, ask: .serverRequest(kind)).isAllowed
                    }
                }
                return server.send(outgoing, using: &buffer, delegate: self)
            }
        }
        connection.out = buffer
        guard let sent else {
            // Only the credential could hold what no head may hold.
            perform(machine.failed(.notSent(UpstreamError(.malformedResponse, "The credential cannot be sent."))))
            return
        }
        exchange = sent
        if !connection.isWritable { exchange?.isReading = false }
        lastByte = gate.now()
        arm()
    }

    // MARK: Credentials

    /// Asks for another credential; `isRejected` if the server refused the one at hand.
    func renew(isRejected: Bool) {
        exchange = nil
        guard let target = server.credential else {
            // Its entry says that it asks for nothing, and now it does.
            perform(machine.renewed(.refused(.needsSignIn)))
            return
        }
        arm()
        let source = gate.credentials
        let rejected = isRejected ? authorization : nil
        path.loop.makeFutureWithTask { await source.renew(target, rejected: rejected) }
            .assumeIsolated()
            .whenSuccess { self.renewed($0) }
    }

    private func renewed(_ state: CredentialState) {
        if case .ready(id: _, let header) = state { authorization = header }
        perform(machine.renewed(state))
    }
}

extension MCPMethod {
    /// Whether a server may get it twice by mistake: true for a request that only reads, and for the beginning of a
    /// session, since one session more does no harm.
    fileprivate var isRepeatable: Bool {
        switch self {
        case .initialize, .ping, .serverDiscover, .toolsList, .resourcesList, .resourceTemplatesList, .promptsList: true
        default: false
        }
    }
}
