import NIOCore
import NIOTLS
import Wire

/// One connection to a server: the last handler of its channel, which carries one exchange at a time.
///
/// It is written to directly: no walk through the pipeline, and a promise only where the outcome of a write says something
/// that nothing else says.
final class UpstreamConnection: ChannelInboundHandler, ServerConnection {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    enum Phase {
        /// Being made, or lost in the race of a name's addresses.
        case opening
        /// Free for the next exchange.
        case resting
        case head
        case body
        case closed
    }

    let server: UpstreamServer
    var context: ChannelHandlerContext?
    var writer: SocketWriter?
    /// Closes the file at once, where there is TLS.
    var transport: TransportEnd?
    var phase = Phase.opening
    var exchange: UpstreamExchange?

    // The response.
    /// What was read in this turn of the loop.
    var unread = ByteBuffer()
    private var scanner: ResponseHeadScanner
    private var partialHead = ByteBuffer()
    private var body = BodyReader(.none)
    private var keepsAlive = false
    private var pace = PacedReading()

    // The connection.
    /// Whether a request has ever gone out whole, and so TCP, proxy and TLS are established.
    var isProven = false
    /// Whether TLS is established and no protocol was agreed on, and no answer has come yet.
    private var isUnagreed = false
    /// Whether the server has refused HTTP/1.1.
    private var isRefused = false
    var isWritingBody = false
    /// Whether the request at hand goes out at the end of this turn of the loop, and has not yet.
    var isHeld = false
    var isStarting = false
    /// Whether the channel has not told of its end; asking the channel itself costs more.
    var isOpen = true
    private var hasFile = true
    var timer: Scheduled<Void>?
    var lastError: UpstreamError?
    /// Since when it rests, and for how long it may by the server's word.
    private(set) var restingSince = NIODeadline.uptimeNanoseconds(0)
    private(set) var keepAlive: TimeAmount?

    init(server: UpstreamServer) {
        self.server = server
        scanner = ResponseHeadScanner(maxBytes: server.configuration.maxHeadBytes)
    }

    // MARK: Ending

    func setReading(_ isReading: Bool) {
        pace.set(isReading, in: context?.channel, server.pool.shares)
    }

    /// Ends the exchange's response in the middle; the delegate has been told or wants to hear nothing.
    func abort() {
        exchange = nil
        // With TLS or a proxy nothing may be established yet, and no exchange waits for it any more.
        guard isProven else {
            server.connectAbandoned()
            return cut()
        }
        close()
    }

    /// Closes its file at once, without a goodbye.
    func cut() {
        transport?.cut()
        close()
        fileClosed()
    }

    /// Its file is closed: the channel itself tells of it a moment later.
    func fileClosed() {
        guard hasFile else { return }
        hasFile = false
        server.closed()
    }

    /// Closes a connection that rests, or that serves no exchange any more.
    func close() {
        if exchange == nil {
            phase = .closed
            unread = ByteBuffer()
        }
        timer?.cancel()
        timer = nil
        context?.close(promise: nil)
    }

    // MARK: Receiving

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        writer = nil
        transport = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // More than one read in a turn is what large answers bring: those do not wait.
        if unread.readableBytes > 0 {
            let before = exchange
            receive()
            if let exchange, exchange !== before {
                // These bytes were there before it was asked.
                if isHeld { giveBack(exchange) } else { fail(.noResponse) }
                return
            }
        }
        unread = unwrapInboundIn(data)
        server.pool.turn.add(self, to: .judge)
    }

    /// No handler behind this one wants to know.
    func channelReadComplete(context: ChannelHandlerContext) {
        if pace.isPaced { pace.hasRead(server.pool.shares) }
    }

    /// Takes in what was read.
    func receive() {
        guard unread.readableBytes > 0 else { return }
        var buffer = unread
        unread = ByteBuffer()
        switch phase {
        case .head where isHeld:
            // It came before anything was asked.
            if let exchange { giveBack(exchange) }
        case .head: receiveHead(&buffer)
        case .body: receiveBody(&buffer)
        case .opening, .resting:
            // No request is open: whatever it is, the next request must not take it for its answer.
            server.forget(self)
            close()
        case .closed: break
        }
    }

    private func receiveHead(_ buffer: inout ByteBuffer) {
        if isUnagreed, HTTP2Limits.isSettings(buffer) { return fail(.closed) }
        if let exchange, exchange.isRepeatable {
            exchange.isRepeatable = false
            exchange.forgetRequest()
        }
        if partialHead.readableBytes > 0 {
            partialHead.writeBuffer(&buffer)
            swap(&partialHead, &buffer)
            partialHead = ByteBuffer()
        }
        switch buffer.withUnsafeReadableBytes({ scanner.scan($0) }) {
        case .incomplete:
            partialHead = buffer
        case .refused(let problem):
            fail(UpstreamError(.malformedResponse, "The server's answer is refused. " + problem.message))
        case .complete:
            let head = scanner.head
            scanner = ResponseHeadScanner(maxBytes: server.configuration.maxHeadBytes)
            isUnagreed = false
            keepsAlive = head.keepsAlive
            keepAlive = head.keepAliveSeconds.map { .seconds(Int64(min($0, 3600))) }
            body = BodyReader(head.framing)
            phase = .body
            buffer.withUnsafeReadableBytes { bytes in
                exchange?.delegate?.exchangeReceived(head: head, in: bytes)
            }
            buffer.moveReaderIndex(forwardBy: head.length)
            if phase == .body { receiveBody(&buffer) }
        }
    }

    private func receiveBody(_ buffer: inout ByteBuffer) {
        while let exchange, phase == .body {
            switch body.next(&buffer) {
            case .data(let slice):
                if pace.isDue(slice.readableBytes), let channel = context?.channel {
                    pace.adjust(self, in: channel, server.pool.shares, isWanted: exchange.isReading)
                }
                exchange.delegate?.exchangeReceived(body: slice)
            case .incomplete: return
            case .ended:
                finish(exchange, isClean: buffer.readableBytes == 0)
                return
            case .malformed:
                fail(.noResponse)
                return
            }
        }
    }

    /// The response is whole: first the connection is free, then its end is told.
    private func finish(_ exchange: UpstreamExchange, isClean: Bool) {
        self.exchange = nil
        let now = server.pool.loop.now
        if !exchange.isReading { setReading(true) }
        pace.reset()
        if keepsAlive, isClean, !isWritingBody, isOpen {
            rest(since: now)
        } else {
            close()
        }
        let delegate = exchange.end()
        server.exchangeEnded(exchange, at: now)
        delegate?.exchangeEnded()
    }

    /// Offers itself for the next exchange.
    func rest(since now: NIODeadline) {
        phase = .resting
        restingSince = now
        server.rest(self)
    }

    // MARK: Failing

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted(let agreed) = event { isUnagreed = agreed == nil }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        receive()
        if !isProven, UpstreamError.isProtocolAlert(error) { isRefused = true }
        if lastError == nil { lastError = isProven ? .closed : UpstreamError(transport: error, otherwise: .connect) }
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        // First of all: the socket's number is free already, and what was read last may lead to another request.
        isOpen = false
        writer?.end()
        receive()
        timer?.cancel()
        timer = nil
        // Within `start` it is `start` that sees it.
        guard !isStarting else { return }
        guard let exchange else {
            if phase == .resting { server.restingClosed(self) }
            phase = .closed
            return
        }
        if isHeld { return giveBack(exchange) }
        if phase == .body, body.endsWithConnection, lastError == nil {
            keepsAlive = false
            finish(exchange, isClean: true)
        } else {
            fail(lastError ?? .closed)
        }
    }

    func fail(_ error: UpstreamError) {
        guard let exchange else { return }
        let isUnanswered = isProven && phase == .head && error.code == .closed
        self.exchange = nil
        close()
        if isRefused, server.useHTTP2(for: exchange) { return }
        if isUnanswered, isUnagreed { server.suspectHTTP2() }
        if isUnanswered, exchange.isRepeatable { return server.askAgain(exchange) }
        let delegate = exchange.end()
        // A connection that was never established may have been the probe of a server that is down: its end says so,
        // whichever request it was for.
        if isProven { server.exchangeFailed(exchange, error) } else { server.connectFailed(exchange, error) }
        // Where the head has not left as a whole, there is nothing that the server could have acted on.
        delegate?.exchangeFailed(isProven || exchange.isRepeated ? .afterSending(error) : .notSent(error))
    }
}
