internal import AuditLog
internal import MCP
internal import NIOCore
internal import StrictJSON
internal import Upstreams
internal import Wire

// From a decision to bytes that go to the server.
extension ClientConnection {
    /// Does what the machine says.
    func perform(_ action: CallAction) {
        switch action {
        case .none: armCall()
        case .send: sendUpstream()
        case .renew(let isRejected): renew(isRejected: isRejected)
        case .openStream: openStream()
        case .judge: judgeCollected()
        case .judgeError(let status, let refusal): judgeError(status, otherwise: refusal)
        case .refuse(let refusal, let outcome): end(with: refusal, outcome)
        case .reply(let status, let outcome): endBare(status, outcome)
        case .endSession: endSession()
        case .endStream: endStream()
        case .endStreamWith(let refusal, let outcome): endStream(with: refusal, outcome)
        case .suspend: suspend()
        case .cut(let outcome): cut(outcome)
        case .release: exchange = nil
        }
    }

    private func sendUpstream() {
        guard let call else { return }
        let server = call.server
        // What else has a body must not pass it on behind a head that says nothing of it.
        let content = head.method == .post ? call.body : head.length..<head.length
        let isShort = content.count <= Self.longestJoinedBody
        let room =
            server.opening.room(clientHead: head.length, authorization: call.authorization?.count ?? 0)
            + (isShort ? content.count : 0)
        var buffer = out
        out = ByteBuffer()
        buffer.clear(minimumCapacity: room)
        let request = request
        let isWritten = request.withUnsafeReadableBytes { bytes in
            path.withHeader(of: call.trace) { trace in
                write(call, trace, bytes, to: &buffer, room: room, content: isShort ? content : nil)
            }
        }
        out = buffer
        guard isWritten else {
            // Only the credential could hold what no head may hold.
            perform(machine.failed(.notSent(UpstreamError(.malformedResponse, "The credential cannot be sent."))))
            return
        }
        let body =
            isShort ? nil : request.getSlice(at: request.readerIndex + content.lowerBound, length: content.count)
        exchange = server.upstream.send(
            head: buffer,
            body: body,
            lane: machine.kind.isOpenEnded ? .stream : .call,
            client: visit.clientNumber,
            isRepeatable: call.method.isRepeatable,
            delegate: self
        )
        if !isWritable { exchange?.isReading = false }
        self.call?.lastByte = gate.now()
        armCall()
    }

    /// Up to here a copy is cheaper than a second write.
    private static let longestJoinedBody = 8192

    private func write(
        _ call: Call,
        _ trace: UnsafeBufferPointer<UInt8>,
        _ bytes: UnsafeRawBufferPointer,
        to buffer: inout ByteBuffer,
        room: Int,
        content: Range<Int>?
    ) -> Bool {
        let opening = call.server.opening
        var parts = UpstreamOpening.Parts()
        parts.method = head.method
        parts.bodyLength = head.method == .post ? call.body.count : nil
        parts.trace = trace
        parts.isHandshake = call.era == .handshake
        func write(_ authorization: UnsafeBufferPointer<UInt8>?) -> Bool {
            parts.authorization = authorization
            return buffer.writeHead(reserving: room) { writer in
                opening.write(parts, client: head, in: bytes, to: &writer)
                if let content { writer.append(UnsafeRawBufferPointer(rebasing: bytes[content])) }
            }
        }
        guard let authorization = call.authorization else { return write(nil) }
        return authorization.withUnsafeBufferPointer { write($0) }
    }

    // MARK: Credentials

    private func renew(isRejected: Bool) {
        guard let call else { return }
        exchange = nil
        guard let target = call.server.credential else {
            // Its entry says that it asks for nothing, and now it does.
            perform(machine.renewed(.refused(.needsSignIn)))
            return
        }
        armCall()
        let source = gate.credentials
        let rejected = isRejected ? call.authorization : nil
        let number = number
        path.loop.makeFutureWithTask { await source.renew(target, rejected: rejected) }
            .assumeIsolated()
            .whenSuccess { self.renewed($0, for: number) }
    }

    private func renewed(_ state: CredentialState, for number: Int) {
        guard number == self.number, call != nil else { return }
        if case .ready(id: _, let header) = state { call?.authorization = header }
        perform(machine.renewed(state))
    }

    // MARK: Time

    /// Sets the deadline of the call, by the last byte that came from the server.
    func armCall() {
        // Only what is needed is taken out of the call: this runs for every piece that comes.
        guard machine.isUnanswered, let lastByte = call?.lastByte, let server = call?.server else { return }
        guard isWritable else {
            // Nothing is read from the server while its client has enough: its silence is not its own.
            arm(.max)
            return
        }
        // On an open stream the server speaks when it has something to say.
        let isOpen = machine.kind.isOpenEnded && machine.isReadingEvents
        let silence = isOpen ? Int64.max : lastByte + server.timeout
        guard machine.state == .events(isCommitted: false), let commitBy = call?.commitBy else { return arm(silence) }
        arm(min(silence, commitBy))
    }

    /// The server has been silent for so long; unless it waits for the client itself, that is the end.
    func callDeadlinePassed(_ now: Int64) {
        guard let call, machine.isUnanswered else { return }
        if case .recording = machine.state {
            arm(now + call.server.timeout)
            return
        }
        if machine.state == .events(isCommitted: false), now >= call.commitBy {
            // Clients and what lies between give up on a server that says nothing at all.
            openStream(isAlone: true)
            if let chunk = events.take(isLast: false) { send(chunk, isLast: false) }
            return
        }
        if let session = openSession(of: call) {
            if session.isWaitingForClient {
                arm(now + call.server.timeout)
                return
            }
            let since = max(call.lastByte, session.answered)
            guard now - since >= call.server.timeout else {
                arm(since + call.server.timeout)
                return
            }
        }
        let canResume = machine.isReadingEvents && canResume
        if call.era == .handshake, call.facts != nil, call.method != .initialize, call.id != nil, !canResume {
            cancelNote(call).send("timeout", on: path)
        }
        exchange?.cancel(UpstreamError(.timeout, "The server is too slow."))
        exchange = nil
        perform(machine.timedOut(canResume: canResume))
    }

    /// Where the requests of the server are that belong to this call.
    func openSession(of call: Call) -> Session? {
        guard call.era == .handshake else { return nil }
        return call.session ?? gate.sessions.find(sessionless(call.server), now: gate.now())
    }

    /// Gives up the rest of an answer that the client has long had.
    func stopDraining() {
        guard machine.state == .draining else { return }
        machine.abandoned()
        let exchange = exchange
        self.exchange = nil
        exchange?.cancel()
    }
}

extension MCPMethod {
    /// Whether a server may be asked it twice by mistake: what only asks, and the beginning of a session, of which one more
    /// does no harm.
    fileprivate var isRepeatable: Bool {
        switch self {
        case .initialize, .ping, .serverDiscover, .toolsList, .resourcesList, .resourceTemplatesList, .promptsList: true
        default: false
        }
    }
}
