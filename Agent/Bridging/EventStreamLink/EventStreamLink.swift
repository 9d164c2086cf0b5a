internal import Fetch
package import NIOCore
package import Upstreams
internal import Wire

/// A link to a server of 2024-11-05 over HTTP: an event stream on which the server says everything, and an address at which
/// it is told everything, which is the stream's first event.
///
/// The stream is the session: once it ends, so does the link. A message that the server does not take ends it too, since
/// nothing else would tell those who wait for an answer.
package final class EventStreamLink: ServerLink {
    package var authorization: [UInt8]?
    package var isReading = true {
        didSet { stream?.isReading = isReading }
    }

    private let upstream: UpstreamServer
    private let userAgent: String
    private let loop: any EventLoop
    private let bounds: Bounds
    private weak var delegate: (any ServerLinkDelegate)?
    private var stream: StreamReader?
    /// Path and query to post to; nil until the server has said so.
    private var target: String?
    private var deadline: Scheduled<Void>?
    /// What waits for the address, or for the messages before it.
    private var waiting: [ByteBuffer] = []
    private var waitingBytes = 0
    private var posts: [PostedMessage] = []
    private var isHeldUp = false
    private var hasSent = false
    private var isOver = false

    /// What a link may hold and wait for.
    package struct Bounds: Sendable {
        /// The longest message of the server, in bytes.
        package var longestReply = 8 << 20
        /// How long the server may take to say where to post to.
        package var opening = TimeAmount.seconds(10)
        /// For how long a message keeps those behind it waiting: messages stay in order, but a server that answers a post
        /// only when all is done does not stop what may be a cancellation.
        package var order = TimeAmount.seconds(1)
        /// How many messages, and how many bytes of them, may wait.
        package var mostWaiting = 256
        package var mostBytes = 16 << 20

        package init() {}
    }

    /// - Parameters:
    ///   - upstream: the connections to the server, whose URL is that of the event stream.
    ///   - userAgent: the name of this program.
    ///   - loop: the event loop of those connections.
    ///   - bounds: what it may hold and wait for.
    package init(upstream: UpstreamServer, userAgent: String, loop: any EventLoop, bounds: Bounds = Bounds()) {
        self.upstream = upstream
        self.userAgent = userAgent
        self.loop = loop
        self.bounds = bounds
    }

    package func open(_ delegate: any ServerLinkDelegate) {
        guard stream == nil, !isOver else { return }
        self.delegate = delegate
        let request = HTTPRequest(method: .get, authorization: authorization, lane: .stream)
        guard let head = request.bytes(to: upstream.endpoint, userAgent: userAgent) else {
            return endLater(.unsendable)
        }
        deadline = loop.assumeIsolated().scheduleTask(in: bounds.opening) { self.end(.noAddress, status: nil) }
        let stream = StreamReader(self, longest: bounds.longestReply)
        self.stream = stream
        stream.begin(upstream.send(head: head, body: nil, lane: .stream, delegate: stream))
        stream.isReading = isReading
    }

    package func send(_ message: ByteBuffer) {
        guard !isOver else { return }
        waiting.append(message)
        waitingBytes += message.readableBytes
        guard waiting.count <= bounds.mostWaiting, waitingBytes <= bounds.mostBytes else { return endLater(.tooMuch) }
        post()
    }

    package func close() {
        isOver = true
        delegate = nil
        deadline?.cancel()
        stream?.cancel()
        stream = nil
        for post in posts { post.cancel() }
        posts = []
        waiting = []
    }

    // MARK: Posting

    private func post() {
        while !isOver, !isHeldUp, let target, !waiting.isEmpty {
            let message = waiting.removeFirst()
            waitingBytes -= message.readableBytes
            let request = HTTPRequest(
                target: target,
                body: Array(message.readableBytesView),
                authorization: authorization
            )
            guard let head = request.bytes(to: upstream.endpoint, userAgent: userAgent) else {
                return endLater(.unsendable)
            }
            let post = PostedMessage(self)
            posts.append(post)
            hasSent = true
            isHeldUp = true
            post.begin(upstream.send(head: head, body: nil, delegate: post))
            post.timer = loop.assumeIsolated().scheduleTask(in: bounds.order) {
                self.isHeldUp = false
                self.post()
            }
        }
    }

    /// The server has taken a message, or has not.
    fileprivate func posted(_ post: PostedMessage, status: Int) {
        posts.removeAll { $0 === post }
        guard (200...299).contains(status) else {
            return end(
                UpstreamError(.malformedResponse, "The server refused a message with HTTP \(status)."),
                status: status
            )
        }
        isHeldUp = false
        self.post()
    }

    fileprivate func postFailed(_ post: PostedMessage, _ failure: UpstreamFailure) {
        posts.removeAll { $0 === post }
        switch failure {
        case .notSent(let error), .afterSending(let error): end(error, status: nil)
        }
    }

    // MARK: The stream

    fileprivate func streamReceived(_ event: EventReader.Event) {
        guard !isOver else { return }
        let type = event.type ?? []
        if type.elementsEqual("endpoint".utf8) {
            // The first one counts: where to post to does not change in the middle of a session.
            guard target == nil else { return }
            guard let found = PostAddress.target(event.data, from: upstream.endpoint.url) else {
                return end(.foreignAddress, status: nil)
            }
            target = found
            deadline?.cancel()
            delegate?.linkOpened()
            post()
        } else if target != nil, type.isEmpty || type.elementsEqual("message".utf8), !event.data.isEmpty {
            delegate?.linkReceived(ByteBuffer(bytes: event.data))
        }
    }

    fileprivate func streamEnded(_ error: UpstreamError, status: Int?) { end(error, status: status) }

    // MARK: The end

    private func end(_ error: UpstreamError, status: Int?) {
        guard !isOver else { return }
        let delegate = delegate
        close()
        delegate?.linkEnded(hasSent ? .afterSending(error) : .notSent(error), status: status)
    }

    /// Ends it in a moment: nobody hears of it from within his own call.
    private func endLater(_ error: UpstreamError) {
        loop.assumeIsolated().execute { self.end(error, status: nil) }
    }
}

/// Reads the events of the stream.
private final class StreamReader: ExchangeDelegate {
    private unowned let link: EventStreamLink
    private var events: EventReader
    private var exchange: UpstreamExchange?
    private var status: Int?

    init(_ link: EventStreamLink, longest: Int) {
        self.link = link
        events = EventReader(longest: longest)
    }

    var isReading = true {
        didSet { exchange?.isReading = isReading }
    }

    func begin(_ exchange: UpstreamExchange) { self.exchange = exchange }

    func cancel() {
        exchange?.cancel()
        exchange = nil
    }

    func exchangeReceived(head: ResponseHead, in bytes: UnsafeRawBufferPointer) {
        guard head.status != 200 || head.contentType != .eventStream else { return }
        status = head.status
        link.streamEnded(.noStream, status: head.status)
    }

    func exchangeReceived(body: ByteBuffer) {
        events.append(body)
        do {
            while exchange != nil, let event = try events.next() { link.streamReceived(event) }
        } catch {
            link.streamEnded(.tooLargeEvent, status: nil)
        }
    }

    func exchangeEnded() {
        exchange = nil
        link.streamEnded(.streamClosed, status: nil)
    }

    func exchangeFailed(_ failure: UpstreamFailure) {
        exchange = nil
        switch failure {
        case .notSent(let error), .afterSending(let error): link.streamEnded(error, status: nil)
        }
    }
}

/// One message on its way; the server's answer is a status, and its body says nothing.
private final class PostedMessage: ExchangeDelegate {
    private unowned let link: EventStreamLink
    private var exchange: UpstreamExchange?
    private var status = 0
    var timer: Scheduled<Void>?

    init(_ link: EventStreamLink) {
        self.link = link
    }

    func begin(_ exchange: UpstreamExchange) { self.exchange = exchange }

    func cancel() {
        timer?.cancel()
        exchange?.cancel()
        exchange = nil
    }

    func exchangeReceived(head: ResponseHead, in bytes: UnsafeRawBufferPointer) { status = head.status }

    func exchangeReceived(body: ByteBuffer) {}

    func exchangeEnded() {
        timer?.cancel()
        exchange = nil
        link.posted(self, status: status)
    }

    func exchangeFailed(_ failure: UpstreamFailure) {
        timer?.cancel()
        exchange = nil
        link.postFailed(self, failure)
    }
}

extension UpstreamError {
    fileprivate static let unsendable = UpstreamError(.malformedResponse, "The message cannot be sent to this server.")
    fileprivate static let noStream = UpstreamError(.malformedResponse, "The server opens no event stream.")
    fileprivate static let noAddress = UpstreamError(.timeout, "The server did not say in time where to post to.")
    fileprivate static let foreignAddress = UpstreamError(
        .malformedResponse,
        "The server wants messages posted to an address that is none, or that is not its own."
    )
    fileprivate static let tooLargeEvent = UpstreamError(.malformedResponse, "An event of the server is too large.")
    fileprivate static let streamClosed = UpstreamError(.closed, "The server ended its event stream.")
    fileprivate static let tooMuch = UpstreamError(
        .tooManyConnections,
        "More messages wait for the server than it takes."
    )
}
