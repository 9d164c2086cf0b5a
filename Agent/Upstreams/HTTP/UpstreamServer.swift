package import NIOCore

/// The connections to one endpoint, and the exchanges on them; belongs to the event loop.
///
/// Connections that rest are a stack: the one that was used last, whose state is warm on both sides, goes first, and the
/// rest grow old and are closed.
package final class UpstreamServer {
    package let endpoint: UpstreamEndpoint
    /// What the exchanges have shown of it.
    package private(set) var health: EndpointHealth

    let configuration: UpstreamConfiguration
    /// Whether what its connections write goes to their sockets as it is.
    let isPlain: Bool
    let pool: UpstreamPool
    private let loop: any EventLoop
    private var resting: [UpstreamConnection] = []
    private var idleLimit: IdleLimit
    private var running: [Int] = [0, 0]
    private var queues: [[UpstreamExchange]] = [[], []]
    private var isStopped = false
    /// The pool has forgotten it, and sweeps its connections no more.
    private var isRetired = false

    init(endpoint: UpstreamEndpoint, pool: UpstreamPool) {
        self.endpoint = endpoint
        self.pool = pool
        loop = pool.loop
        configuration = pool.configuration
        isPlain = pool.connector.isPlain(endpoint)
        health = EndpointHealth(pool.configuration)
        idleLimit = IdleLimit(pool.configuration.idleTimeout)
    }

    /// Whether a request that is sent now would fail at once with the code `down`.
    package var isKnownDown: Bool {
        resting.isEmpty && health.refuses(at: loop.now)
    }

    /// How many connections rest.
    package var restingCount: Int { resting.count }

    /// Sends a request.
    ///
    /// - Parameters:
    ///   - head: the whole head, possibly with the body behind it.
    ///   - body: the body; up to 8 KB go out together with the head.
    ///   - lane: what it counts as.
    ///   - delegate: hears of the response, never before this returns.
    /// - Returns: the exchange, to cancel it or to hold it back.
    package func send(
        head: ByteBuffer,
        body: ByteBuffer?,
        lane: ExchangeLane = .call,
        delegate: any ExchangeDelegate
    ) -> UpstreamExchange {
        loop.preconditionInEventLoop()
        let exchange = UpstreamExchange(head: head, body: body, lane: lane, server: self, delegate: delegate)
        if isStopped {
            refuse(exchange, .shutDown)
        } else if running[lane.rawValue] < limit(lane) {
            running[lane.rawValue] += 1
            dispatch(exchange)
        } else if queues[lane.rawValue].count < configuration.maxWaiting {
            enqueue(exchange)
        } else {
            refuse(exchange, .busy)
        }
        return exchange
    }

    /// Closes the connections that rest.
    package func closeIdle() {
        for connection in take(&resting) { connection.close() }
    }

    /// Is used by nobody new: what runs may end, and nothing rests from here on.
    func retire() {
        isRetired = true
        closeIdle()
    }

    /// Closes everything and takes nothing more.
    func stop() {
        isStopped = true
        closeIdle()
        for exchange in queues.indices.flatMap({ take(&queues[$0]) }) {
            if case .waiting(let deadline) = exchange.state { deadline.cancel() }
            exchange.end()?.exchangeFailed(.notSent(.shutDown))
        }
    }

    // MARK: Turns

    private func limit(_ lane: ExchangeLane) -> Int {
        switch lane {
        case .call: configuration.maxCalls
        case .stream: configuration.maxStreams
        }
    }

    private func enqueue(_ exchange: UpstreamExchange) {
        let deadline = loop.assumeIsolated().scheduleTask(in: configuration.waitTimeout) {
            self.leaveQueue(exchange)
            exchange.end()?.exchangeFailed(.notSent(.busy))
        }
        exchange.state = .waiting(deadline)
        queues[exchange.lane.rawValue].append(exchange)
    }

    func leaveQueue(_ exchange: UpstreamExchange) {
        queues[exchange.lane.rawValue].removeAll { $0 === exchange }
    }

    /// One exchange less: the next in the queue has its turn.
    func freeSlot(_ lane: ExchangeLane) {
        running[lane.rawValue] -= 1
        guard !queues[lane.rawValue].isEmpty else { return }
        let exchange = queues[lane.rawValue].removeFirst()
        if case .waiting(let deadline) = exchange.state { deadline.cancel() }
        running[lane.rawValue] += 1
        dispatch(exchange)
    }

    /// Puts an exchange on another connection, as the server had closed the one that it was on before anything was sent.
    func restart(_ exchange: UpstreamExchange, afterIdle idle: TimeAmount) {
        idleLimit.serverClosed(afterIdle: idle, at: loop.now)
        dispatch(exchange)
    }

    /// Puts an exchange, which has its slot, on a connection.
    private func dispatch(_ exchange: UpstreamExchange) {
        let now = loop.now
        while let connection = resting.popLast() {
            guard !hasRestedTooLong(connection, at: now), connection.isUsable(at: now) else {
                connection.close()
                continue
            }
            if connection.start(exchange, deadline: now + configuration.connectTimeout) { return }
        }
        guard health.admitsConnection(at: now) else {
            refuseRunning(exchange, .down)
            return
        }
        connect(for: exchange, deadline: now + configuration.connectTimeout)
    }

    // MARK: Connecting

    private func connect(for exchange: UpstreamExchange, deadline: NIODeadline) {
        let attempt = ConnectAttempt(for: exchange, deadline: deadline)
        exchange.state = .connecting(attempt)
        attempt.timer = loop.assumeIsolated().scheduleTask(deadline: deadline) {
            self.end(attempt, .failure(UpstreamError.connectTimeout))
        }
        let server = NIOLoopBound(self, eventLoop: loop)
        pool.connector.connect(to: endpoint) { UpstreamConnection(server: server.value) }
            .assumeIsolated()
            .whenComplete { self.end(attempt, $0) }
    }

    private func end(_ attempt: ConnectAttempt, _ result: Result<any Channel, any Error>) {
        let exchange = attempt.exchange
        attempt.exchange = nil
        guard !attempt.isOver, !isStopped else {
            if case .success(let channel) = result { channel.close(promise: nil) }
            attempt.isOver = true
            if let exchange { refuseRunning(exchange, .shutDown) }
            return
        }
        attempt.isOver = true
        attempt.timer?.cancel()
        do {
            let channel = try result.get()
            let connection = try channel.pipeline.syncOperations.handler(type: UpstreamConnection.self)
            guard let exchange else {
                // Whoever it was made for has gone. What TLS and proxy say is seen by the next one who uses it.
                if endpoint.usesTLS { health.connectAbandoned() } else { health.connected(at: loop.now) }
                connection.rest(since: loop.now)
                return
            }
            if !connection.start(exchange, deadline: attempt.deadline) { throw connection.lastError ?? .closed }
        } catch {
            let error = UpstreamError(transport: error, otherwise: .connect)
            health.connectFailed(error, at: loop.now, chance: pool.chance())
            if let exchange { refuseRunning(exchange, error) }
        }
    }

    /// Ends an exchange that has a slot, before anything of it was sent.
    private func refuseRunning(_ exchange: UpstreamExchange, _ error: UpstreamError) {
        refuse(exchange, error)
        freeSlot(exchange.lane)
    }

    /// Ends an exchange before anything of it was sent; its delegate hears of it in a moment.
    private func refuse(_ exchange: UpstreamExchange, _ error: UpstreamError) {
        exchange.state = .ended
        loop.assumeIsolated().execute {
            exchange.end()?.exchangeFailed(.notSent(error))
        }
    }

    // MARK: What connections tell

    func connected() {
        health.connected(at: loop.now)
    }

    /// A connection is free.
    func rest(_ connection: UpstreamConnection) {
        guard !isStopped, !isRetired else {
            connection.close()
            return
        }
        resting.append(connection)
        pool.sweepLater()
    }

    /// A connection that rests is not to be used again.
    func forget(_ connection: UpstreamConnection) {
        resting.removeAll { $0 === connection }
    }

    /// The server has closed a connection that rested.
    func restingClosed(_ connection: UpstreamConnection) {
        forget(connection)
        idleLimit.serverClosed(afterIdle: loop.now - connection.restingSince, at: loop.now)
    }

    func exchangeEnded(_ exchange: UpstreamExchange, at now: NIODeadline) {
        health.exchangeEnded(at: now)
        freeSlot(exchange.lane)
    }

    func exchangeFailed(_ exchange: UpstreamExchange, _ error: UpstreamError) {
        noteFailure(error)
        freeSlot(exchange.lane)
    }

    func connectFailed(_ exchange: UpstreamExchange, _ error: UpstreamError) {
        health.connectFailed(error, at: loop.now, chance: pool.chance())
        freeSlot(exchange.lane)
    }

    /// A connection that was being made has ended without a word about the server.
    func connectAbandoned() {
        health.connectAbandoned()
    }

    func noteFailure(_ error: UpstreamError) {
        health.exchangeFailed(error, at: loop.now)
    }

    // MARK: Growing old

    private func hasRestedTooLong(_ connection: UpstreamConnection, at now: NIODeadline) -> Bool {
        var limit = idleLimit.current(at: now)
        // A second before the server does it: the closing needs time on its way.
        if let said = connection.keepAlive { limit = min(limit, said - .seconds(1)) }
        return now - connection.restingSince > limit
    }

    /// Closes the connections that have rested too long; true if others still rest.
    func sweep(at now: NIODeadline) -> Bool {
        let old = resting.filter { hasRestedTooLong($0, at: now) }
        for connection in old {
            forget(connection)
            connection.close()
        }
        return !resting.isEmpty
    }

    private func take<Element>(_ list: inout [Element]) -> [Element] {
        defer { list = [] }
        return list
    }
}
