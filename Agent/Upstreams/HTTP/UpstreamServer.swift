package import NIOCore

/// The connections to one endpoint, and the exchanges on them; belongs to the event loop.
///
/// Connections that rest are a stack: the one that was used last, whose state is warm on both sides, goes first, and the
/// rest grow old and are closed.
package final class UpstreamServer {
    package let endpoint: UpstreamEndpoint
    /// What the exchanges have shown of it.
    package internal(set) var health: EndpointHealth

    let configuration: UpstreamConfiguration
    /// Whether what its connections write goes to their sockets as it is.
    let isPlain: Bool
    let pool: UpstreamPool
    let loop: any EventLoop
    private var resting: [UpstreamConnection] = []
    var idleLimit: IdleLimit
    private var loads: [LaneLoad]
    private var queues: [[UpstreamExchange]] = ExchangeLane.allCases.map { _ in [] }
    /// How many of its connections have a file.
    var openCount = 0
    /// Where it is asked over HTTP/2.
    var http2: HTTP2Sessions?
    var hasRefusedHTTP2 = false
    private(set) var isStopped = false
    /// The pool has forgotten it, and sweeps its connections no more.
    private(set) var isRetired = false

    init(endpoint: UpstreamEndpoint, pool: UpstreamPool) {
        self.endpoint = endpoint
        self.pool = pool
        loop = pool.loop
        configuration = pool.configuration
        isPlain = pool.connector.isPlain(endpoint)
        health = EndpointHealth(pool.configuration)
        idleLimit = IdleLimit(pool.configuration.idleTimeout)
        loads = ExchangeLane.allCases.map(pool.configuration.load)
    }

    /// Whether a request that is sent now would fail at once with the code `down`.
    package var isKnownDown: Bool {
        resting.isEmpty && http2?.isOpen != true && health.refuses(at: loop.now)
    }

    /// How many connections rest.
    package var restingCount: Int { resting.count }

    /// Sends a request.
    ///
    /// - Parameters:
    ///   - head: the whole head, possibly with the body behind it.
    ///   - body: the body; up to 8 KB go out together with the head.
    ///   - lane: what it counts as.
    ///   - client: whose it is, by a small number: each client has a share.
    ///   - isRepeatable: whether it may reach the server twice, and so is sent once more on a fresh connection where the
    ///     server closes the first without a byte of an answer.
    ///   - delegate: hears of the response, never before this returns.
    /// - Returns: the exchange, to cancel it or to hold it back.
    package func send(
        head: ByteBuffer,
        body: ByteBuffer?,
        lane: ExchangeLane = .call,
        client: Int = 0,
        isRepeatable: Bool = false,
        delegate: any ExchangeDelegate
    ) -> UpstreamExchange {
        loop.preconditionInEventLoop()
        let exchange = UpstreamExchange(
            head: head,
            body: body,
            lane: lane,
            client: client,
            isRepeatable: isRepeatable,
            server: self,
            delegate: delegate
        )
        if isStopped {
            refuse(exchange, .shutDown)
        } else if hasSlot(for: exchange) {
            takeSlot(for: exchange)
            dispatch(exchange)
        } else if hasPlaceInQueue(for: exchange) {
            enqueue(exchange)
        } else {
            refuse(exchange, .busy)
        }
        return exchange
    }

    /// Closes the connections that rest.
    package func closeIdle() {
        http2?.closeIdle()
        for connection in take(&resting) { connection.close() }
    }

    /// Takes no new exchange: what runs may end, and nothing rests from here on.
    func retire() {
        isRetired = true
        closeIdle()
    }

    /// Closes everything and takes nothing more.
    func stop() {
        isStopped = true
        closeIdle()
        http2?.stop()
        for exchange in queues.indices.flatMap({ take(&queues[$0]) }) {
            if case .waiting(let deadline) = exchange.state { deadline.cancel() }
            exchange.end()?.exchangeFailed(.notSent(.shutDown))
        }
    }

    // MARK: Turns

    private func hasSlot(for exchange: UpstreamExchange) -> Bool {
        guard loads[exchange.lane.rawValue].hasSlot(for: exchange.client) else { return false }
        return exchange.lane != .stream || pool.streams.hasSlot(for: exchange.client)
    }

    private func takeSlot(for exchange: UpstreamExchange) {
        loads[exchange.lane.rawValue].takeSlot(for: exchange.client)
        if exchange.lane == .stream { pool.streams.takeSlot(for: exchange.client) }
    }

    /// Whether it may wait for its turn: of the queue, too, no client takes the whole.
    private func hasPlaceInQueue(for exchange: UpstreamExchange) -> Bool {
        let queue = queues[exchange.lane.rawValue]
        guard queue.count < configuration.maxWaiting else { return false }
        let share = configuration.waitingShare(exchange.lane)
        return queue.count < share || queue.count { $0.client == exchange.client } < share
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

    /// One exchange less: the next in the queue that may has its turn.
    func freeSlot(of ended: UpstreamExchange) {
        loads[ended.lane.rawValue].freeSlot(of: ended.client)
        guard ended.lane == .stream else {
            _ = startNext(ended.lane)
            return
        }
        pool.streams.freeSlot(of: ended.client)
        if !startNext(.stream) { pool.streamEnded() }
    }

    /// Gives the next in a queue that may have it a turn; false where no exchange waits that may.
    func startNext(_ lane: ExchangeLane) -> Bool {
        let lane = lane.rawValue
        guard !queues[lane].isEmpty, let index = queues[lane].firstIndex(where: hasSlot(for:)) else { return false }
        let exchange = queues[lane].remove(at: index)
        if case .waiting(let deadline) = exchange.state { deadline.cancel() }
        takeSlot(for: exchange)
        dispatch(exchange)
        return true
    }

    /// Puts an exchange, which has its slot, on a connection.
    func dispatch(_ exchange: UpstreamExchange) {
        if let http2 { return http2.start(exchange) }
        let now = loop.now
        while let connection = resting.popLast() {
            guard !hasRestedTooLong(connection, at: now), connection.isUsable(at: now) else {
                connection.close()
                continue
            }
            if connection.start(exchange, deadline: now + configuration.connectTimeout) { return }
        }
        connect(for: exchange, at: now)
    }

    /// Ends an exchange that has a slot, before anything of it was sent.
    func refuseRunning(_ exchange: UpstreamExchange, _ error: UpstreamError) {
        refuse(exchange, error)
        freeSlot(of: exchange)
    }

    /// Ends an exchange that cannot be sent; its delegate hears of it in a moment.
    private func refuse(_ exchange: UpstreamExchange, _ error: UpstreamError) {
        exchange.state = .ended
        loop.assumeIsolated().execute {
            exchange.end()?.exchangeFailed(exchange.isRepeated ? .afterSending(error) : .notSent(error))
        }
    }

    // MARK: What connections tell

    func connected() {
        health.connected(at: loop.now)
    }

    /// A connection is free.
    func rest(_ connection: UpstreamConnection) {
        guard !isClosing else {
            connection.close()
            return
        }
        resting.append(connection)
        if resting.count > configuration.maxResting { _ = closeOldest() }
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
        freeSlot(of: exchange)
    }

    func exchangeFailed(_ exchange: UpstreamExchange, _ error: UpstreamError) {
        noteFailure(error)
        freeSlot(of: exchange)
    }

    func connectFailed(_ exchange: UpstreamExchange, _ error: UpstreamError) {
        noteConnectFailure(error)
        freeSlot(of: exchange)
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
        // A second before the server does it: the closing needs time on its way.
        let said = connection.keepAlive.map { $0 - .seconds(1) } ?? configuration.silentIdleTimeout
        let limit = min(idleLimit.current(at: now), said)
        return now - connection.restingSince > limit
    }

    /// Since when the one rests that rests longest; nil where none does.
    var restingSince: NIODeadline? { resting.first?.restingSince ?? http2?.restingSince }

    /// Closes the one that rests longest, at once; false where none does.
    func closeOldest() -> Bool {
        guard !resting.isEmpty else { return http2?.closeOldest() ?? false }
        resting.removeFirst().cut()
        return true
    }

    /// Closes the connections that have rested too long; true if others still rest.
    func sweep(at now: NIODeadline) -> Bool {
        let old = resting.filter { hasRestedTooLong($0, at: now) }
        for connection in old {
            forget(connection)
            connection.close()
        }
        return http2?.sweep(at: now) ?? false || !resting.isEmpty
    }

    private func take<Element>(_ list: inout [Element]) -> [Element] {
        defer { list = [] }
        return list
    }
}
