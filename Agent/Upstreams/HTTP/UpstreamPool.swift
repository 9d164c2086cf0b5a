package import Fetch
package import NIOCore

/// All connections to MCP servers; belongs to one event loop, the one on which clients are served, so that a call never
/// waits for another thread.
package final class UpstreamPool {
    let loop: any EventLoop
    /// The turns of that loop, which clients and servers share.
    package let turn: LoopTurn
    let configuration: UpstreamConfiguration
    let connector: UpstreamConnector
    let chance: () -> Double

    private var servers: [UpstreamEndpoint: UpstreamServer] = [:]
    private var isSweeping = false
    private static let sweepInterval = TimeAmount.seconds(5)

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
        self.configuration = configuration
        self.chance = chance
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
        delegate: any ExchangeDelegate
    ) -> UpstreamExchange {
        server(for: endpoint).send(head: head, body: body, lane: lane, delegate: delegate)
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

    /// Closes the connections that carry nothing, fails what waits, and takes nothing more; what runs may end.
    package func shutdown() {
        loop.preconditionInEventLoop()
        for server in servers.values { server.stop() }
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
