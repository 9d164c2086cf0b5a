internal import MCP
internal import NIOCore
internal import StrictJSON
internal import Upstreams

/// One request of a client within a session, whose answer outlives the connection on which it was asked for.
///
/// Each event on its stream has an id. What comes while the client is away is kept, within bounds, until the client takes the
/// stream up again behind the last event that it saw (`Last-Event-ID`).
final class ResumableCall: PeerCall, PeerCallDelegate {
    /// The literal of the request's id.
    private let id: [UInt8]
    private let stream: Int
    private let budget: EventBudget
    private let log: EventLog
    private let session: HandshakeClientSession
    /// What its request has in bytes: it is kept for further rounds.
    private let weight: Int
    private var isReserved = false
    /// Where the client waits; nil while it is away.
    private var call: BridgedCall?
    private var running: (any PeerCall)?
    /// Whether an event with an id has gone out, behind which the client can come back.
    private var isMarked = false
    /// Whether the last event is the answer.
    private var isAnswered = false
    private var timer: Scheduled<Void>?
    /// Sees the response before it goes out.
    var onAnswer: (PeerMessage) -> Void = { _ in }

    /// An answer that takes longer has a first event without a message, since that is all a client can come back to.
    private static let markTime = TimeAmount.seconds(5)
    /// How long an answer is kept for a client that is away; that it does not come back is mostly told before.
    private static let patience = TimeAmount.hours(1)

    init(_ call: BridgedCall, stream: Int, of session: HandshakeClientSession, budget: EventBudget) {
        self.call = call
        id = call.id
        self.stream = stream
        self.session = session
        weight = call.request.body.readableBytes
        self.budget = budget
        log = EventLog(budget)
    }

    /// Whether its client is away.
    var isAway: Bool { call == nil }

    /// Asks the server.
    ///
    /// - Parameters:
    ///   - request: what is asked.
    ///   - peer: the server's end.
    ///   - isMarkedSoon: whether the client can do with an event without a message.
    ///   - loop: the event loop.
    func begin(_ request: PeerRequest, at peer: any HandshakePeer, isMarkedSoon: Bool, on loop: any EventLoop) {
        call?.running = self
        let running = peer.call(request, delegate: self)
        self.running = running
        if call?.isReading == false { running.isReading = false }
        guard isMarkedSoon else { return }
        timer = loop.assumeIsolated().scheduleTask(in: Self.markTime) { self.markSoon() }
    }

    private func markSoon() {
        guard let call, !isMarked else { return }
        isMarked = true
        call.say(mark: session.mark(stream: stream, log.last))
    }

    // MARK: The client's end

    var isReading = true {
        didSet { running?.isReading = isReading }
    }

    /// The client has gone; it may come back.
    func cancel(_ reason: String) {
        call = nil
        timer?.cancel()
        guard isMarked, !isAnswered, budget.reserve(weight) else { return takeBack(reason) }
        isReserved = true
        // What comes is kept, and so nothing holds it up.
        running?.isReading = true
        timer = session.loop.assumeIsolated().scheduleTask(in: Self.patience) { self.takeBack("The client has gone.") }
        session.keep(self)
    }

    /// The client is back, and has seen the events up to this one.
    func resume(_ call: BridgedCall, after number: Int) {
        timer?.cancel()
        release()
        let former = self.call
        self.call = nil
        // A stream that the client has left without a word ends, and what comes on it from now on comes on the new one.
        former?.running = nil
        former?.finish()
        self.call = call
        call.running = self
        running?.isReading = call.isReading
        call.beginStream()
        for event in log.events(after: number) where !call.isEnded {
            call.say(event.message, event: session.mark(stream: stream, event.number))
        }
        guard isAnswered, !call.isEnded else { return }
        self.call = nil
        call.running = nil
        end()
        call.finish()
    }

    /// The client has taken the request back, or its time is over: the server is told.
    func takeBack(_ reason: String) {
        let (call, running) = (call, running)
        self.call = nil
        self.running = nil
        end()
        running?.cancel(reason)
        call?.running = nil
        // A request that was taken back has no answer; its stream ends.
        call?.fail(.violated("The request was taken back."))
    }

    private func release() {
        if isReserved { budget.release(weight) }
        isReserved = false
    }

    private func end() {
        timer?.cancel()
        release()
        session.forget(self, stream: stream)
    }

    // MARK: What the server's end says

    func peerSaid(_ message: PeerMessage) { say(message.bytes) }

    func peerAsked(_ message: PeerMessage) { say(message.bytes) }

    private func say(_ message: [UInt8]) {
        let number = log.add(message).number
        guard let call else { return }
        isMarked = true
        call.say(message, event: session.mark(stream: stream, number))
    }

    func peerHolds(_ bytes: Int) { call?.exchange?.hold(bytes) }

    func peerAnswered(_ message: PeerMessage) {
        running = nil
        onAnswer(message)
        give(message.under(id: id))
    }

    private func give(_ message: [UInt8]) {
        guard let call else {
            isAnswered = true
            if !log.add(message).isKept {
                let words = "The answer came while the client was away, and was too large to be kept."
                log.add(RPCText.error(id, RPCText.fault(.internalError, words)), isSmall: true)
            }
            return
        }
        self.call = nil
        call.running = nil
        call.exchange?.hold(0)
        end()
        call.answer(message)
    }

    func peerFailed(_ fault: PeerFault) {
        running = nil
        guard let call else {
            let words = "The server failed while the client was away, and nobody knows whether this was done."
            return give(RPCText.error(id, RPCText.fault(.internalError, words)))
        }
        self.call = nil
        call.running = nil
        end()
        call.fail(fault)
    }
}
