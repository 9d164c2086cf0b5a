import NIOCore

// From an exchange without a connection to one.
extension UpstreamServer {
    func connect(for exchange: UpstreamExchange, at now: NIODeadline) {
        guard health.admitsConnection(at: now) else {
            refuseRunning(exchange, .down)
            return
        }
        let deadline = now + configuration.connectTimeout
        let attempt = ConnectAttempt(at: self, deadline: deadline) { [self] in
            attemptEnded(for: exchange, $0, deadline: deadline)
        }
        exchange.state = .connecting(attempt)
        attempt.begin()
    }

    /// An attempt has come to its end, and the request that it was made for still waits.
    private func attemptEnded(
        for exchange: UpstreamExchange,
        _ result: Result<any Channel, UpstreamError>,
        deadline: NIODeadline
    ) {
        guard !isStopped else {
            if case .success(let channel) = result { channel.close(promise: nil) }
            refuseRunning(exchange, .shutDown)
            return
        }
        do {
            let channel = try result.get()
            let connection = try channel.pipeline.syncOperations.handler(type: UpstreamConnection.self)
            if !connection.start(exchange, deadline: deadline) { throw connection.lastError ?? .closed }
        } catch {
            let error = UpstreamError(transport: error, otherwise: .connect)
            noteConnectFailure(error)
            refuseRunning(exchange, error)
        }
    }

    /// An attempt was given up, as its exchange no longer waits for it.
    func attemptAbandoned(for exchange: UpstreamExchange) {
        health.connectAbandoned()
        freeSlot(of: exchange)
    }

    func noteConnectFailure(_ error: UpstreamError) {
        let now = loop.now
        if error.code == .foreignServer {
            health.connectedToStranger(error, at: now)
        } else if error.blamesServer {
            health.connectFailed(error, at: now, chance: pool.chance())
        } else {
            health.connectAbandoned()
        }
    }

    /// A connection has a file.
    func opened() {
        openCount += 1
        pool.connectionCount += 1
    }

    /// A connection has none any more.
    func closed() {
        openCount -= 1
        pool.connectionCount -= 1
    }
}
