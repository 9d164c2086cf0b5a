internal import MCP
internal import NIOCore
internal import StrictJSON
internal import Upstreams
internal import Wire

/// One request to a server over Streamable HTTP, and the messages that come in return: one of JSON, or the events of a
/// stream.
final class MessageExchange: ExchangeDelegate {
    /// How it ended.
    enum End {
        /// All messages were told.
        case complete
        /// The server answered with something else than messages.
        case answered(HTTPAnswer)
        case failed(UpstreamFailure)
        /// What came is no message, or too long for one.
        case violated(String)
    }

    /// What is known of the head of an answer of success.
    struct Head {
        let status: Int
        let session: JSONText?
        let isStream: Bool
    }

    private enum State {
        case waiting, json, events, error(HTTPAnswer)
        /// Its answer has come; the rest is read so that the connection can be used again.
        case draining
        case ended
    }

    // Let go of at the end, since they may hold what holds this.
    private var onHead: (Head) -> Void
    private var onMessage: (PeerMessage) -> Void
    private var onEnd: (End) -> Void
    /// Hears how many bytes wait for the rest of their message.
    var onHold: (Int) -> Void = { _ in }
    private let longest: Int
    private var state = State.waiting
    private var collected = ByteBuffer()
    private var events: EventReader
    private var exchange: UpstreamExchange?
    /// The id of the last event, by which the stream can be taken up again.
    private(set) var lastEventID: [UInt8]?
    /// What the server wants waited for before that, in milliseconds.
    private(set) var retry: Int?

    private init(
        longest: Int,
        onHead: @escaping (Head) -> Void,
        onMessage: @escaping (PeerMessage) -> Void,
        onEnd: @escaping (End) -> Void
    ) {
        self.longest = longest
        events = EventReader(longest: longest)
        self.onHead = onHead
        self.onMessage = onMessage
        self.onEnd = onEnd
    }

    /// Sends a request.
    ///
    /// - Parameters:
    ///   - request: what is sent.
    ///   - server: where to.
    ///   - onHead: the head of an answer of success has come.
    ///   - onMessage: hears of each message, in order.
    ///   - onEnd: hears how it ended; once, and not from within this function.
    /// - Returns: the exchange, to cancel it.
    static func send(
        _ request: HTTPRequest,
        to server: HTTPServer,
        onHead: @escaping (Head) -> Void = { _ in },
        onMessage: @escaping (PeerMessage) -> Void,
        onEnd: @escaping (End) -> Void
    ) -> MessageExchange {
        let exchange = MessageExchange(
            longest: server.longestReply,
            onHead: onHead,
            onMessage: onMessage,
            onEnd: onEnd
        )
        guard let bytes = request.bytes(to: server.upstream.endpoint, userAgent: server.userAgent) else {
            server.loop.assumeIsolated().execute {
                exchange.end(.failed(.notSent(UpstreamError(.malformedResponse, "The request cannot be sent."))))
            }
            return exchange
        }
        exchange.exchange = server.upstream.send(
            head: bytes,
            body: nil,
            lane: request.lane,
            client: request.clientNumber,
            isRepeatable: request.isRepeatable,
            delegate: exchange
        )
        return exchange
    }

    private static let tooLarge = UpstreamFailure.afterSending(
        UpstreamError(.tooLarge, "The server's answer is too large.")
    )

    /// Whether the response is read.
    var isReading: Bool {
        get { exchange?.isReading ?? true }
        set { exchange?.isReading = newValue }
    }

    /// Closes it; nothing more is told.
    func cancel() {
        state = .ended
        (onHead, onMessage, onEnd, onHold) = ({ _ in }, { _ in }, { _ in }, { _ in })
        let exchange = exchange
        self.exchange = nil
        exchange?.cancel()
    }

    /// Nothing more is told; what is left of the response may come for a moment, which spares a connection.
    func leave(on loop: any EventLoop) {
        guard let exchange else { return }
        state = .draining
        exchange.isReading = true
        loop.assumeIsolated().scheduleTask(in: Self.drainTime) { self.cancel() }
    }

    private static let drainTime = TimeAmount.seconds(2)

    private func end(_ how: End) {
        let onEnd = onEnd
        let isOver =
            switch state {
            case .ended, .draining: true
            case .waiting, .json, .events, .error: false
            }
        cancel()
        if !isOver { onEnd(how) }
    }

    // MARK: What comes

    func exchangeReceived(head: ResponseHead, in bytes: UnsafeRawBufferPointer) {
        guard case .waiting = state else { return }
        let isSuccess = (200...299).contains(head.status)
        switch head.contentType {
        case .json where isSuccess && head.status != 202: state = .json
        case .eventStream where isSuccess: state = .events
        default: state = .error(HTTPAnswer(head, in: bytes))
        }
        guard isSuccess else { return }
        let session = head.value(.sessionID, in: bytes).map { JSONText(utf8: $0) }
        onHead(Head(status: head.status, session: session, isStream: head.contentType == .eventStream))
    }

    func exchangeReceived(body: ByteBuffer) {
        switch state {
        case .waiting, .draining, .ended: break
        case .json:
            guard collected.readableBytes + body.readableBytes <= longest else {
                return end(.failed(Self.tooLarge))
            }
            collected.writeImmutableBuffer(body)
            onHold(collected.readableBytes)
        case .error(var answer):
            let room = max(0, HTTPAnswer.longest - answer.body.count)
            answer.body += body.readableBytesView.prefix(room)
            state = .error(answer)
        case .events:
            events.append(body)
            readEvents()
            onHold(events.count)
        }
    }

    func exchangeEnded() {
        exchange = nil
        switch state {
        case .waiting, .draining, .ended: break
        case .events: end(.complete)
        case .error(let answer): end(.answered(answer))
        case .json:
            guard let message = try? PeerMessage(ofServer: Array(collected.readableBytesView)) else {
                return end(.violated("The server's answer cannot be taken."))
            }
            onMessage(message)
            end(.complete)
        }
    }

    func exchangeFailed(_ failure: UpstreamFailure) {
        exchange = nil
        end(.failed(failure))
    }

    // MARK: Events

    private func readEvents() {
        while case .events = state {
            let event: EventReader.Event?
            do {
                event = try events.next()
            } catch {
                return end(.failed(Self.tooLarge))
            }
            guard let event else { return }
            if let id = event.id { lastEventID = id.isEmpty ? nil : id }
            retry = event.retry ?? retry
            guard !event.data.isEmpty, event.type.map({ $0.isEmpty || $0.elementsEqual("message".utf8) }) ?? true else {
                continue
            }
            guard let message = try? PeerMessage(ofServer: event.data) else {
                return end(.violated("The server's message cannot be taken."))
            }
            onMessage(message)
        }
    }
}

/// A server at an address, as the bridge asks it.
struct HTTPServer {
    let upstream: UpstreamServer
    let userAgent: String
    /// The longest result or event, in bytes.
    let longestReply: Int
    let loop: any EventLoop

    /// The same server, whose answers may be no longer than this.
    func answering(atMost bytes: Int) -> HTTPServer {
        HTTPServer(upstream: upstream, userAgent: userAgent, longestReply: min(bytes, longestReply), loop: loop)
    }
}
