internal import MCP
internal import NIOCore
internal import StrictJSON
internal import Upstreams

/// A request of the client on its way to an answer, over as many attempts as that takes; belongs to the event loop.
final class PendingRequest {
    let message: ClientMessage
    private unowned let shim: Shim
    private var machine: RequestMachine
    private var attempt: AgentRequest?
    private var timer: Scheduled<Void>?
    /// The id of the last event, at which the stream of the answer is taken up again.
    private var lastEvent: [UInt8]?
    /// What the agent said about a session that it does not know, until that session was begun anew.
    private var refusal: AgentMessage?
    private var isAcknowledged = false
    private var hasListed = false
    /// Whether the attempt was made within a session.
    private var hasSession = false
    /// Whether the client has taken it back, and the server was told: nobody waits for the answer that may yet come.
    var isTakenBack = false
    private(set) var isOver = false

    init(_ message: ClientMessage, shim: Shim) {
        self.message = message
        self.shim = shim
        machine = RequestMachine(
            RequestMachine.Kind(
                isRepeatable: message.isRepeatable,
                isListening: message.method == .subscriptionsListen,
                isModern: message.isModern
            )
        )
    }

    /// Whether it lasts as long as the client listens.
    var isListening: Bool { message.method == .subscriptionsListen }

    /// Whether an attempt is under way, so that the agent may have heard of it.
    var isSent: Bool { attempt != nil && timer == nil }

    /// Makes an attempt.
    func send() {
        guard !isOver else { return }
        timer = nil
        refusal = nil
        let session = message.method == .initialize || message.isModern ? AgentHead.Session() : shim.session.head
        hasSession = session.id != nil
        let head =
            machine.isResuming
            ? shim.heads.get(session, lastEvent: lastEvent)
            : shim.heads.post(message, session, parameters: shim.parameterHeaders(of: message))
        guard let head else { return answer(ShimAnswer.unsendable(id: message.idLiteral)) }
        let attempt = shim.makeRequest(
            received: { self.received($1, $0.answer) },
            ended: { if $0 === self.attempt { self.ended($1) } }
        )
        self.attempt = attempt
        let lane = isListening || machine.isResuming ? ExchangeLane.stream : .call
        attempt.send(head, machine.isResuming ? nil : message.bytes, lane: lane, to: shim.agent)
    }

    /// Lets go of it: there will be no answer.
    func cancel() {
        isOver = true
        timer?.cancel()
        attempt?.cancel()
        attempt = nil
    }

    /// The session could not be begun anew, for this reason.
    func fail(_ reason: [UInt8]) { answer(refusal?.bytes(id: message.idLiteral) ?? reason) }

    // MARK: Answers

    private func received(_ bytes: [UInt8], _ head: AgentRequest.Answer) {
        guard !isOver else { return }
        guard let found = AgentMessage(bytes) else { return }
        machine.reached()
        shim.agentAnswers()
        guard found.answers(message.id) else { return pass(found) }
        if head.status == 404, hasSession {
            refusal = found
        } else if found.reason == "stopping", let step = machine.stopped() {
            take(step)
        } else if found.errorCode == .headerMismatch, message.method == .toolsCall, message.isModern, !hasListed {
            // The schema is not known, or is another by now (2026-07-28, "Custom headers").
            hasListed = true
            attempt?.cancel()
            attempt = nil
            shim.listTools(like: message) { self.send() }
        } else {
            let isBare = head.status >= 400 || message.kind == nil
            answer(shim.shown(found, of: message, id: isBare ? message.idLiteral : nil))
            if message.method == .initialize { shim.session.began(with: found, head) }
        }
    }

    /// Passes on what came before the answer.
    private func pass(_ found: AgentMessage) {
        // The answer to another request has no place here.
        guard !found.isResponse else { return }
        guard found.method == .subscriptionsAcknowledged else { return shim.write(found.bytes) }
        if isAcknowledged, let tree = found.tree, let id = message.idLiteral {
            for change in ShimAnswer.missedChanges(tree, id: id) { shim.write(change) }
        } else if !isAcknowledged {
            isAcknowledged = true
            shim.write(found.bytes)
        }
    }

    private func answer(_ bytes: [UInt8]) {
        guard !isOver else { return }
        isOver = true
        timer?.cancel()
        // It holds this request; what is left of its answer is read all the same.
        attempt = nil
        if !isTakenBack { shim.write(bytes) }
        shim.ended(self)
    }

    // MARK: Ends

    private func ended(_ end: AgentRequest.End) {
        guard !isOver, timer == nil else { return }
        lastEvent = attempt?.answer.lastEvent ?? lastEvent
        switch end {
        case .ended(let answer):
            let step = machine.ended(answer, hasSession: hasSession)
            // A status that says nothing of the session is the answer.
            if let refusal, step != .renewSession { return self.answer(refusal.bytes(id: message.idLiteral)) }
            take(step)
        case .failed(let isSent):
            let step = machine.failed(
                isSent: isSent,
                lastEvent: lastEvent,
                now: shim.loop.now,
                patience: shim.patience
            )
            if !isSent { shim.agentIsSilent() }
            take(step)
        }
    }

    private func take(_ step: RequestMachine.Step) {
        attempt?.cancel()
        switch step {
        case .send(let pause), .resume(let pause):
            timer = shim.loop.assumeIsolated().scheduleTask(in: pause) { self.send() }
        case .renewSession:
            shim.session.renew(for: self)
        case .fail(let trouble):
            answer(ShimAnswer.trouble(trouble, server: shim.configuration.server, id: message.idLiteral))
            if message.method == .initialize { shim.session.didNotBegin() }
        }
    }
}
