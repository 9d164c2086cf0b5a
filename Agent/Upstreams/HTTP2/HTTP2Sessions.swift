import NIOCore

/// The connections of HTTP/2 to a server that speaks nothing else, and the exchanges that wait for one; belongs to the event
/// loop.
///
/// Many exchanges share a connection, so one is made for all that wait. Another is made when it has no room left.
final class HTTP2Sessions {
    let server: UpstreamServer
    private var connections: [HTTP2Connection] = []
    private var waiting: [UpstreamExchange] = []
    private var attempt: ConnectAttempt?
    /// TCP stands, and the server has not said yet what it can do.
    private var opening: HTTP2Connection?
    /// Whether a connection has ever come about, so that the server is known to speak so.
    private var isProven = false

    init(_ server: UpstreamServer) {
        self.server = server
    }

    /// Whether an exchange would find a connection.
    var isOpen: Bool { !connections.isEmpty }

    /// Since when the connection rests that rests longest; nil where none does.
    var restingSince: NIODeadline? { connections.lazy.filter(\.streams.isEmpty).map(\.restingSince).min() }

    /// Puts an exchange, which has its slot, on a connection.
    func start(_ exchange: UpstreamExchange) {
        let now = server.loop.now
        if waiting.isEmpty, let connection = connections.first(where: { $0.hasRoom(at: now) }) {
            return connection.start(exchange)
        }
        exchange.state = .joining(self)
        waiting.append(exchange)
        connect(at: now)
    }

    /// An exchange waits no longer.
    func leave(_ exchange: UpstreamExchange) {
        waiting.removeAll { $0 === exchange }
        guard waiting.isEmpty else { return }
        if let attempt {
            self.attempt = nil
            attempt.abandon()
            server.connectAbandoned()
        }
        if let opening {
            self.opening = nil
            opening.cut()
            server.connectAbandoned()
        }
    }

    // MARK: Connecting

    private func connect(at now: NIODeadline) {
        guard attempt == nil, opening == nil, !waiting.isEmpty else { return }
        guard server.health.admitsConnection(at: now) else { return refuseAll(.down) }
        let deadline = now + server.configuration.connectTimeout
        let attempt = ConnectAttempt(at: server, over: self, deadline: deadline) { [weak self] in
            self?.connected($0, deadline)
        }
        self.attempt = attempt
        attempt.begin()
    }

    private func connected(_ result: Result<any Channel, UpstreamError>, _ deadline: NIODeadline) {
        attempt = nil
        guard !server.isStopped else {
            if case .success(let channel) = result { channel.close(promise: nil) }
            return
        }
        do {
            let connection = try result.get().pipeline.syncOperations.handler(type: HTTP2Connection.self)
            opening = connection
            connection.begin(until: deadline)
        } catch {
            fail(UpstreamError(transport: error, otherwise: .connect))
        }
    }

    /// A server has said what it can do.
    func opened(_ connection: HTTP2Connection) {
        opening = nil
        isProven = true
        server.connected()
        guard !server.isStopped else { return connection.close() }
        connections.append(connection)
        // One that may carry nothing is as good as none.
        guard connection.room > 0 else { return refuseAll(.refusedByServer) }
        hasRoom()
        if connection.streams.isEmpty { rested(connection) }
    }

    /// A connection has ended before the server had said anything.
    func failed(_ connection: HTTP2Connection, _ error: UpstreamError) {
        guard opening === connection else { return }
        opening = nil
        guard connection.isRefused else { return fail(error) }
        let left = waiting
        waiting = []
        server.leaveHTTP2(left, wasProven: isProven)
    }

    private func fail(_ error: UpstreamError) {
        server.noteConnectFailure(error)
        refuseAll(error)
    }

    private func refuseAll(_ error: UpstreamError) {
        let left = waiting
        waiting = []
        for exchange in left { server.refuseRunning(exchange, error) }
    }

    // MARK: What connections tell

    /// There may be room for some that wait.
    func hasRoom() {
        let now = server.loop.now
        var index = 0
        while index < waiting.count, let connection = connections.first(where: { $0.hasRoom(at: now) }) {
            connection.start(waiting[index])
            index += 1
        }
        waiting.removeFirst(index)
        connect(at: now)
    }

    /// A connection carries nothing any more.
    func rested(_ connection: HTTP2Connection) {
        hasRoom()
        guard connection.streams.isEmpty else { return }
        if server.isClosing { return connection.close() }
        server.pool.sweepLater()
    }

    /// A connection takes no new exchanges.
    func forget(_ connection: HTTP2Connection) {
        connections.removeAll { $0 === connection }
    }

    // MARK: Ending

    /// Closes those that carry nothing.
    func closeIdle() {
        for connection in connections where connection.streams.isEmpty { connection.close() }
    }

    /// Fails the exchanges that wait, and closes what carries nothing.
    func stop() {
        let left = waiting
        waiting = []
        attempt?.abandon()
        attempt = nil
        opening?.cut()
        for exchange in left { exchange.end()?.exchangeFailed(.notSent(.shutDown)) }
        closeIdle()
    }

    /// Closes the one that rests longest, at once; false where none does.
    func closeOldest() -> Bool {
        let oldest = connections.filter(\.streams.isEmpty).min { $0.restingSince < $1.restingSince }
        guard let oldest else { return false }
        forget(oldest)
        oldest.cut()
        return true
    }

    /// Closes those that have rested too long; true if others still rest.
    func sweep(at now: NIODeadline) -> Bool {
        for connection in connections
        where connection.streams.isEmpty && now - connection.restingSince > server.configuration.idleTimeout {
            connection.close()
        }
        return restingSince != nil
    }
}
