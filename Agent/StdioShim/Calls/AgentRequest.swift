internal import NIOCore
internal import Upstreams
internal import Wire

/// One HTTP request to the agent, and the messages that its answer brings; belongs to the event loop.
final class AgentRequest: ExchangeDelegate {
    /// How it has ended.
    enum End {
        case ended(Answer)
        /// The connection broke off, before or after the request could be heard.
        case failed(isSent: Bool)
    }

    /// What is known of an answer beside its messages.
    struct Answer {
        var status = 0
        var session: [UInt8]?
        var isStream = false
        /// The id of the last event that had one.
        var lastEvent: [UInt8]?
        /// How many milliseconds to wait before the stream is asked for again.
        var retry: Int?
    }

    private(set) var answer = Answer()
    private let received: (AgentRequest, [UInt8]) -> Void
    private let ended: (AgentRequest, End) -> Void
    private let longest: Int
    private var exchange: UpstreamExchange?
    private var events: EventReader?
    private var isJSON = false
    private var json = ByteBuffer()

    /// - Parameters:
    ///   - longest: the longest message, in bytes.
    ///   - received: takes each message of the answer.
    ///   - ended: hears of the end; nothing comes after it, nor after `cancel`.
    init(
        longest: Int,
        received: @escaping (AgentRequest, [UInt8]) -> Void,
        ended: @escaping (AgentRequest, End) -> Void
    ) {
        self.longest = longest
        self.received = received
        self.ended = ended
    }

    /// Sends it; to be called once.
    func send(_ head: ByteBuffer, _ body: ByteBuffer?, lane: ExchangeLane, to agent: UpstreamServer) {
        exchange = agent.send(head: head, body: body, lane: lane, delegate: self)
    }

    /// Closes its connection; nothing more is heard of it.
    func cancel() {
        exchange?.cancel()
        exchange = nil
    }

    func exchangeReceived(head: ResponseHead, in bytes: UnsafeRawBufferPointer) {
        answer.status = head.status
        answer.session = head.value(.sessionID, in: bytes).map { Array($0) }
        answer.isStream = head.contentType == .eventStream
        isJSON = head.contentType == .json
        if answer.isStream { events = EventReader(longest: longest) }
    }

    func exchangeReceived(body: ByteBuffer) {
        guard events != nil else {
            guard isJSON else { return }
            guard json.readableBytes + body.readableBytes <= longest else { return breakOff() }
            json.writeImmutableBuffer(body)
            return
        }
        events?.append(body)
        do {
            while exchange != nil, let event = try events?.next() {
                // An empty one takes back what was said before.
                if let id = event.id { answer.lastEvent = id.isEmpty ? nil : id }
                answer.retry = event.retry ?? answer.retry
                let isMessage = event.type.map { $0.elementsEqual("message".utf8) } ?? true
                if isMessage, !event.data.isEmpty { received(self, event.data) }
            }
        } catch {
            breakOff()
        }
    }

    func exchangeEnded() {
        guard exchange != nil else { return }
        exchange = nil
        if json.readableBytes > 0 { received(self, Array(json.readableBytesView)) }
        ended(self, .ended(answer))
    }

    func exchangeFailed(_ failure: UpstreamFailure) {
        guard exchange != nil else { return }
        exchange = nil
        if case .notSent = failure { ended(self, .failed(isSent: false)) } else { ended(self, .failed(isSent: true)) }
    }

    /// More has come than can be held.
    private func breakOff() {
        guard exchange != nil else { return }
        cancel()
        ended(self, .failed(isSent: true))
    }
}
