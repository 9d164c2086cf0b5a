internal import MCP
internal import NIOCore
internal import ServiceKit
internal import StrictJSON
internal import Upstreams
internal import Wire

// What comes from the server, and what the machine makes of it.
extension Call: ExchangeDelegate {
    func exchangeReceived(head: ResponseHead, in bytes: UnsafeRawBufferPointer) {
        guard machine.state == .waiting else { return }
        lastByte = gate.now()
        server.answered = lastByte
        var facts = ResponseSummary(status: head.status, contentType: head.contentType)
        facts.hasSession = session != nil
        if head.status == 403, head.has(.wwwAuthenticate) {
            // Each scheme may have a field of its own.
            facts.lacksScope = head.fields(in: bytes).contains { field in
                field.isNamed(.wwwAuthenticate, in: bytes) && Challenge.lacksScope(field.value.slice(of: bytes))
            }
        }
        facts.retryAfterMilliseconds = head.value(.retryAfter, in: bytes)
            .flatMap { RetryAfter.milliseconds($0, now: gate.clock.wall()) }
        if method == .initialize, (200...299).contains(head.status), let id = head.value(.sessionID, in: bytes) {
            guard SessionTable.isID(id) else {
                stop(machine.violated("session_id", "The server's session has an id that none may have."))
                return
            }
            newSession = JSONText(utf8: id)
        }
        drained = 0
        let action = machine.head(facts)
        if machine.isReadingEvents {
            splitter = EventStreamSplitter(maxEventBytes: gate.configuration.longestReply)
            connection.events.clear()
            commitBy = lastByte + gate.configuration.headPatience.nanoseconds
        }
        let trouble = head.status >= 500 ? "The server answers with HTTP \(head.status)." : nil
        server.noteAnswer(trouble: trouble, now: trouble == nil ? 0 : gate.clock.wall())
        perform(action)
    }

    func exchangeReceived(body: ByteBuffer) {
        switch machine.state {
        case .collecting, .collectingError:
            touch()
            collect(body)
        case .events:
            touch()
            receiveEvents(body)
        case .discarding, .turning, .draining:
            drained += body.readableBytes
            guard drained > Self.mostDrained else { return }
            exchange?.cancel()
            exchange = nil
            perform(machine.ended())
        case .idle, .recording, .renewing, .beginning, .waiting:
            break
        }
    }

    func exchangeEnded() {
        exchange = nil
        perform(machine.ended())
    }

    func exchangeHolds() {
        connection.account()
    }

    func exchangeFailed(_ failure: UpstreamFailure) {
        exchange = nil
        perform(machine.failed(failure, canResume: machine.isReadingEvents && canResume))
    }

    /// What an answer without a client may cost before its connection is rather closed.
    private static let mostDrained = 64 << 10

    /// Something came from the server: its time begins anew.
    private func touch() {
        let now = gate.now()
        lastByte = now
        if machine.kind == .stream { session?.heard = now }
        arm()
    }

    // MARK: The machine

    /// Does what the machine says.
    func perform(_ action: CallAction) {
        switch action {
        case .none: arm()
        case .send: sendUpstream()
        case .renew(let isRejected): renew(isRejected: isRejected)
        case .beginSession: beginUpstreamSession()
        case .openStream: openStream()
        case .judge: judgeCollected()
        case .judgeError(let status, let refusal): judgeError(status, otherwise: refusal)
        case .refuse(let refusal, let outcome): refuse(refusal, outcome)
        case .reply(let status, let outcome): endBare(status, outcome)
        case .endSession: endSession()
        case .endStream: endStream()
        case .endStreamWith(let refusal, let outcome): endStream(with: refusal, outcome)
        case .suspend: suspend()
        case .cut(let outcome): cut(outcome)
        case .release:
            exchange = nil
            connection.drained(self)
        }
    }

    /// The server's part ends here, and the machine has said how.
    func stop(_ action: CallAction) {
        dropExchange()
        perform(action)
    }

    /// The agent ends, or the membership of the call, and so does what is still under way.
    func stop(isLeaving: Bool = false) {
        guard machine.isUnanswered else { return }
        connection.visit.closes = true
        stop(machine.stopping(isLeaving: isLeaving))
    }

    /// Gives up the rest of an answer that the client has long had.
    func stopDraining() {
        guard machine.isDraining else { return }
        machine.abandoned()
        dropExchange()
    }

    /// Ends the exchange with the server, wherever it is.
    func dropExchange() {
        let exchange = exchange
        self.exchange = nil
        exchange?.cancel()
    }
}
