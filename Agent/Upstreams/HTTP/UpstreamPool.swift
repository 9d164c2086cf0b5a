package import Fetch
package import NIOCore

/// All connections to MCP servers; belongs to one event loop, the one on which clients are served, so that a call never
/// waits for another thread.
package final class UpstreamPool {
    let loop: any EventLoop
    /// The turns of that loop, which clients and servers share.
    package let turn: LoopTurn
    /// Whose turn it is among large bodies, those of clients and of servers together.
    package let shares: ReadShares
    let configuration: UpstreamConfiguration
    let connector: UpstreamConnector
    let names: NameDesk
    let chance: () -> Double

    /// How many connections are open, those that are being made and those that rest included.
    package internal(set) var connectionCount = 0
    /// The streams that run, over all servers.
    var streams: LaneLoad
    private var servers: [UpstreamEndpoint: UpstreamServer] = [:]
    private var isSweeping = false
    private static let sweepInterval = TimeAmount.seconds(2)

    /// - Parameters:
    ///   - loop: the event loop that everything here happens on.
    ///   - proxies: which servers are reached through a proxy.
    ///   - configuration: the bounds.
    ///   - chance: a random number in 0..<1, for pauses.
    /// - Throws: where certificates cannot be read.
    package init(
        loop: any EventLoop,
        proxies: ProxyEnvironment,
        configuration: UpstreamConfiguration = UpstreamConfiguration(),
        chance: @escaping () -> Double = { Double.random(in: 0..<1) }
    ) throws {
        self.loop = loop
        turn = LoopTurn(loop: loop)
        shares = ReadShares(loop: loop)
        let configuration = configuration.withinFiles()
        self.configuration = configuration
        self.chance = chance
        streams = configuration.allStreams
        names = NameDesk(loop: loop, configuration: configuration)
        connector = try UpstreamConnector(loop: loop, proxies: proxies, configuration: configuration)
    }

    /// The connections to one endpoint; keep it to spare the look-up.
    package func server(for endpoint: UpstreamEndpoint) -> UpstreamServer {
        loop.preconditionInEventLoop()
        if let server = servers[endpoint] { return server }
        let server = UpstreamServer(endpoint: endpoint, pool: self)
        servers[endpoint] = server
        return server
    }

    /// Sends a request to an endpoint, as `UpstreamServer.send` does.
    package func send(
        head: ByteBuffer,
        body: ByteBuffer?,
        to endpoint: UpstreamEndpoint,
        lane: ExchangeLane = .call,
        client: Int = 0,
        isRepeatable: Bool = false,
        delegate: any ExchangeDelegate
    ) -> UpstreamExchange {
        server(for: endpoint).send(
            head: head,
            body: body,
            lane: lane,
            client: client,
            isRepeatable: isRepeatable,
            delegate: delegate
        )
    }

    /// Forgets every endpoint but these; exchanges that run go on.
    package func retain(only endpoints: Set<UpstreamEndpoint>) {
        loop.preconditionInEventLoop()
        for (endpoint, server) in servers where !endpoints.contains(endpoint) {
            server.retire()
            servers[endpoint] = nil
        }
    }

    /// Closes the connections that carry nothing.
    package func closeIdle() {
        loop.preconditionInEventLoop()
        for server in servers.values { server.closeIdle() }
    }

    /// Closes the idle connections, fails the exchanges that wait, and takes none any more; those that run may end.
    package func shutdown() {
        loop.preconditionInEventLoop()
        for server in servers.values { server.stop() }
        names.stop()
    }

    /// A stream has ended: one that waits at another server may have its turn.
    func streamEnded() {
        for server in servers.values where server.startNext(.stream) { return }
    }

    // MARK: Files

    /// How many one server may have open, so that none takes the files of all others.
    private var share: Int { max(1, configuration.maxConnections / 2) }

    /// Whether one more connection may be opened to a server; those that rest longest make room for it.
    func makeRoom(for server: UpstreamServer) -> Bool {
        while server.openCount >= share {
            guard server.closeOldest() else { return false }
        }
        while connectionCount >= configuration.maxConnections {
            guard closeOldest() else { return false }
        }
        return true
    }

    /// Closes the connection that has rested longest of all; false where none rests.
    func closeOldest() -> Bool {
        let oldest = servers.values.min { $0.restingSince ?? .distantFuture < $1.restingSince ?? .distantFuture }
        return oldest?.closeOldest() ?? false
    }

    /// Looks after connections that rest, as long as there are any.
    func sweepLater() {
        guard !isSweeping else { return }
        isSweeping = true
        loop.assumeIsolated().scheduleTask(in: Self.sweepInterval) {
            self.isSweeping = false
            let now = self.loop.now
            // Every server is looked at, whatever the first says.
            if self.servers.values.filter({ $0.sweep(at: now) }).isEmpty { return }
            self.sweepLater()
        }
    }
}
