import NIOCore
import NIOHTTP2

// From an exchange to frames, and what becomes of one that cannot be answered here.
extension HTTP2Connection: LoopTurnMember {
    private static let shortRest = TimeAmount.milliseconds(100)

    /// Whether one more exchange may run on it.
    func hasRoom(at now: NIODeadline) -> Bool {
        guard phase == .open, streams.count < room, nextID < HTTP2Limits.lastID, let context else { return false }
        // The loop may not have come to read the end yet. The kernel knows, at the price of a system call.
        guard streams.isEmpty, now - restingSince > Self.shortRest else { return true }
        return context.channel.isEstablished
    }

    /// Sends an exchange; what becomes of it is told after this has returned.
    func start(_ exchange: UpstreamExchange) {
        let stream = HTTP2Stream(nextID, of: exchange, on: self)
        guard let context, let head = HTTP2RequestHead(exchange.head, authority: server.endpoint.authority) else {
            return server.refuseRunning(exchange, .noRequest)
        }
        nextID = nextID.advanced(by: 2)
        streams[stream.id] = stream
        exchange.state = .stream(stream)
        isStarting = true
        defer { isStarting = false }
        var body = exchange.head
        body.moveReaderIndex(forwardBy: head.length)
        if let more = exchange.body { body = more }
        let hasBody = body.readableBytes > 0
        write(stream, .headers(.init(headers: head.headers, endStream: !hasBody)), isLast: !hasBody, context)
        if hasBody { write(stream, .data(.init(data: .byteBuffer(body), endStream: true)), isLast: true, context) }
        watch.begin(self)
        if server.pool.turn.isSingle {
            context.flush()
        } else if !isHeld {
            isHeld = true
            server.pool.turn.add(self, to: .send)
        }
    }

    private func write(
        _ stream: HTTP2Stream,
        _ payload: HTTP2Frame.FramePayload,
        isLast: Bool,
        _ context: ChannelHandlerContext
    ) {
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenSuccess {
            stream.hasLeft = true
            if isLast { stream.isSent = true }
        }
        context.write(wrapOutboundOut(HTTP2Frame(streamID: stream.id, payload: payload)), promise: promise)
    }

    func turnReached(_ step: LoopTurn.Step) {
        isHeld = false
        context?.flush()
    }

    // MARK: Windows

    /// Lets the server send on, once half of what it may is used up.
    func widen(_ stream: HTTP2Stream) {
        guard let window = stream.window, streams[stream.id] === stream else { return }
        widen(stream.id, from: window, to: HTTP2Limits.streamWindow)
    }

    func widen(_ id: HTTP2StreamID, from window: Int, to target: Int) {
        guard window <= target / 2, phase != .closed, let context else { return }
        let frame = HTTP2Frame(streamID: id, payload: .windowUpdate(windowSizeIncrement: target - window))
        context.writeAndFlush(wrapOutboundOut(frame), promise: nil)
    }

    // MARK: Giving up

    /// Tells the server that nobody waits for a response any more; its exchange is told nothing.
    func reset(_ stream: HTTP2Stream) {
        guard streams[stream.id] === stream else { return }
        streams[stream.id] = nil
        guard phase != .closed, let context else { return }
        let frame = HTTP2Frame(streamID: stream.id, payload: .rstStream(.cancel))
        context.writeAndFlush(wrapOutboundOut(frame), promise: nil)
        frames.forgetReset()
    }

    /// The server has not looked at a request: it is sent once more, on another connection if there is one.
    func giveBack(_ stream: HTTP2Stream) {
        guard stream.phase == .head, stream.exchange.takeRefusal() else {
            return lose(stream, .refusedByServer, isUnheard: stream.phase == .head)
        }
        sessions.start(stream.exchange)
    }

    /// There will be no (whole) response on a stream, which is off the list already.
    ///
    /// - Parameters:
    ///   - stream: the exchange's.
    ///   - error: why.
    ///   - isUnheard: whether the server has said that it has done nothing with the request.
    func lose(_ stream: HTTP2Stream, _ error: UpstreamError, isUnheard: Bool = false) {
        let exchange = stream.exchange
        if stream.phase == .head {
            if !stream.hasLeft, error.code == .closed, exchange.takeRefusal() { return sessions.start(exchange) }
            if error.code == .closed, exchange.isRepeatable { return server.askAgain(exchange) }
        }
        let delegate = exchange.end()
        server.exchangeFailed(exchange, error)
        let isHeard = stream.hasLeft && !isUnheard || exchange.isRepeated
        delegate?.exchangeFailed(isHeard ? .afterSending(error) : .notSent(error))
    }

    // MARK: Whether it is still there

    /// Asks the server for a sign of life.
    func ping() {
        guard let context else { return }
        let frame = HTTP2Frame(streamID: .rootStream, payload: .ping(HTTP2PingData(withInteger: 0), ack: false))
        context.writeAndFlush(wrapOutboundOut(frame), promise: nil)
    }
}
