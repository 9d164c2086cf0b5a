package import AgentState
internal import Children
package import Fetch
internal import Forwarding
package import Keyring
internal import LocalControl
package import Logging
internal import NIOCore
internal import NIOPosix
package import ServiceKit
internal import ServiceLifecycle
internal import UnixSignals

/// The agent of one user, put together: the data path on one event loop, and around it everything that it asks.
package struct Agent: Sendable {
    private let parts: AgentParts
    private let settings: AgentSettings
    private let listen: ListenAddress

    /// An agent of a home.
    ///
    /// - Parameters:
    ///   - home: its folders.
    ///   - listen: `HOST:PORT` over what the settings say.
    ///   - secrets: the keyring.
    ///   - fetcher: for the coordinator and for authorization servers.
    ///   - clock: the machine's clocks.
    ///   - logger: for those who run it.
    /// - Throws: settings that are none, and an address that is not on loopback.
    package init(
        home: AgentHome,
        listen: String?,
        secrets: any SecretStore,
        fetcher: Fetcher,
        clock: MachineClock = .system,
        logger: Logger
    ) throws {
        parts = AgentParts(home: home, secrets: secrets, fetcher: fetcher, clock: clock, logger: logger)
        settings = try AgentSettings(home: home)
        self.listen = try ListenAddress(listen ?? settings.listen)
    }

    /// Runs until the process is told to end (SIGTERM, SIGINT).
    ///
    /// The listener opens when there is something to ask, and closes first; records are shipped last.
    package func run() async throws {
        // Before the listeners ask how much room there is.
        OpenFileLimit.raise()
        ProcessMemory.giveBackLargeBuffers()
        try parts.home.makeFolders()
        let lock = try AgentLock(parts.home)
        // Beside what is read next. A machine that belongs to no coordinator has nothing in a keyring to look for.
        if (try? Membership.load(parts.home)) ?? nil != nil {
            Task { [secrets = parts.secrets] in await secrets.prepare() }
        }
        let loops = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let metrics = MetricsRegistry()
        let children = try makeChildren(metrics)
        let credentials = VaultCredentials(programs: children.secrets)
        let forwarding = try await ForwardingService.make(
            loop: loops.next(),
            configuration: settings.forwarding,
            credentials: credentials,
            metrics: metrics,
            clock: parts.clock,
            proxies: ProxyEnvironment(),
            logger: parts.logger
        )
        let debts = DebtKeeper(
            forwarding: forwarding,
            home: parts.home,
            clock: parts.clock,
            logger: parts.logger
        )
        await debts.restore()
        let sessions = SessionKeeper(forwarding: forwarding, home: parts.home, logger: parts.logger)
        await sessions.restore()
        let board = DataPathController(
            forwarding: forwarding,
            children: children,
            clock: parts.clock,
            time: try LatestTime(parts.home, clock: parts.clock),
            debts: debts,
            logger: parts.logger
        )
        await board.set(clients: try ClientCredentials(home: parts.home).list())
        let supervisor = Supervisor(parts, board: board, forwarding: forwarding, credentials: credentials)
        let operations = RunningAgent(parts: parts, board: board, forwarding: forwarding, supervisor: supervisor)
        // Ended in reverse: first no client gets in any more, then what was recorded is shipped.
        let listening = Listening(
            address: listen,
            forwarding: forwarding,
            supervisor: supervisor,
            operations: operations,
            metrics: metrics,
            debts: debts,
            sessions: sessions,
            parts: parts
        )
        let services: [any Service] = [supervisor, listening]
        Task { await children.check() }
        let group = ServiceGroup(
            services: services,
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: parts.logger
        )
        try await group.run()
        await children.end(within: Self.lastWords)
        try await loops.shutdownGracefully()
        lock.release()
    }

    /// How long programs may take to end by themselves once no call can come any more.
    private static let lastWords = Duration.seconds(1)

    private func makeChildren(_ metrics: MetricsRegistry) throws -> Children {
        try Children(
            user: SandboxUser(own: [parts.home.config, parts.home.state, parts.home.run]),
            secrets: parts.secrets,
            longestMessage: settings.forwarding.longestReply,
            logger: parts.logger,
            metrics: metrics
        )
    }
}
