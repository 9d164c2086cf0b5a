import NIOCore

// From an exchange to bytes that go to the server.
extension UpstreamConnection: LoopTurnMember {
    private static let shortRest = TimeAmount.milliseconds(100)

    /// Whether a request that is written now has a chance: the server may have closed the connection while it rested.
    func isUsable(at now: NIODeadline) -> Bool {
        guard phase == .resting, isOpen, unread.readableBytes == 0, let context else { return false }
        // The loop may not have come to read the end yet. The kernel knows, at the price of a system call.
        guard now - restingSince > Self.shortRest else { return true }
        return context.channel.isEstablished
    }

    /// Takes an exchange, whose request goes out at the end of this turn; `deadline` is when a connection that is not proven
    /// yet must be.
    ///
    /// - Returns: false where the write failed at once, so that nothing has left and another connection may be tried.
    func start(_ exchange: UpstreamExchange, deadline: NIODeadline) -> Bool {
        guard let context, isOpen else { return false }
        self.exchange = exchange
        exchange.state = .running(self)
        phase = .head
        guard isProven, exchange.body == nil, !server.pool.turn.isSingle else {
            return send(exchange, context, deadline)
        }
        isHeld = true
        server.pool.turn.add(self, to: .send)
        return true
    }

    func turnReached(_ step: LoopTurn.Step) {
        guard step == .send else { return receive() }
        guard isHeld else { return }
        isHeld = false
        // It may have been cancelled in the meantime.
        guard let context, let exchange, !send(exchange, context, .distantFuture) else { return }
        server.restart(exchange, afterIdle: server.pool.loop.now - restingSince)
    }

    /// Gives the request at hand back; nothing of it has left.
    func giveBack(_ exchange: UpstreamExchange) {
        isHeld = false
        self.exchange = nil
        close()
        server.restart(exchange, afterIdle: server.pool.loop.now - restingSince)
    }

    /// Writes the request of an exchange.
    ///
    /// - Returns: false where the write failed at once, so that nothing has left and another connection may be tried.
    private func send(_ exchange: UpstreamExchange, _ context: ChannelHandlerContext, _ deadline: NIODeadline) -> Bool {
        isStarting = true
        let proving = isProven ? nil : provingPromise(context, deadline)
        let writer = writer ?? SocketWriter(context, isPlain: server.isPlain)
        self.writer = writer
        let body = exchange.body
        writer.write(exchange.head, isLast: body == nil, promise: proving)
        if let body {
            isWritingBody = true
            let promise = context.eventLoop.makePromise(of: Void.self)
            promise.futureResult.assumeIsolated().whenSuccess { self.isWritingBody = false }
            writer.write(body, promise: promise)
        }
        isStarting = false
        guard isOpen else { return endStart(context) }
        if isProven, !exchange.isRepeatable { exchange.forgetRequest() }
        if !exchange.isReading { setReading(false) }
        return true
    }

    /// The kernel has refused to write, and the channel is closed already.
    private func endStart(_ context: ChannelHandlerContext) -> Bool {
        if isProven, isWritingBody {
            // Of a long request a part may have left before. The sender is told once it has returned from sending.
            context.eventLoop.assumeIsolated().execute { self.fail(self.lastError ?? .closed) }
            return true
        }
        exchange = nil
        phase = .closed
        return false
    }

    /// The first write tells when TLS is established: it is kept back until then.
    private func provingPromise(_ context: ChannelHandlerContext, _ deadline: NIODeadline) -> EventLoopPromise<Void> {
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenSuccess {
            self.isProven = true
            // Until now the server could have refused to speak HTTP/1.1.
            if let exchange = self.exchange, !exchange.isRepeatable { exchange.forgetRequest() }
            self.timer?.cancel()
            self.timer = nil
            self.server.connected()
        }
        timer?.cancel()
        timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) {
            self.lastError = .connectTimeout
            self.cut()
        }
        return promise
    }
}
