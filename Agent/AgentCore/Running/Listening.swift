internal import AgentState
internal import Forwarding
internal import LocalControl
internal import Logging
internal import OwnPage
internal import ServiceKit
internal import ServiceLifecycle
internal import Spool

/// The listeners: opened once calls will find what they need, and closed before anything of it ends.
struct Listening: Service, CustomStringConvertible {
    let address: ListenAddress
    let forwarding: ForwardingService
    let supervisor: Supervisor
    let operations: RunningAgent
    let metrics: MetricsRegistry
    let debts: DebtKeeper
    let sessions: SessionKeeper
    let parts: AgentParts

    /// The group that runs services prints them, which would else print all that this has, by reflection.
    var description: String { "listening" }

    /// How long the first call waits at most for a slow keyring.
    private static let patience = Duration.seconds(2)

    func run() async throws {
        await supervisor.settle(atMost: Self.patience)
        let home = parts.home
        let pages = ControlEndpoints(
            control: ControlHandler(operations),
            metrics: metrics,
            page: OwnPage(
                operations: operations,
                clients: {
                    try ClientCredentials(home: home).list().map { ListedClient(name: $0.name, created: $0.created) }
                },
                clock: parts.clock
            ),
            listen: { operations.listen },
            hindrance: { operations.hindrance }
        )
        let listening = try await forwarding.listen(on: address, socketPath: parts.home.socketPath, pages: pages)
        operations.listens(on: listening.address.description)
        try AgentAddress.keep(listening.address.description, parts.home)
        parts.logger.info(
            "The agent listens.",
            metadata: ["listen": "\(listening.address)", "socket": "\(listening.socketPath)"]
        )
        ServiceNotification.ready()
        let keeping = Task {
            var turn = 0
            var quiet = ProcessMemory.Quiet()
            while !Task.isCancelled {
                try await Task.sleep(for: .seconds(10))
                await debts.keep()
                await operations.keepServers()
                if quiet.look(supervisor.agent?.spool.counts.recorded) { ProcessMemory.giveBackUnused() }
                turn += 1
                // When a session was last used says how long it may yet rest, which is hours.
                if turn.isMultiple(of: 60) { await sessions.keep() }
            }
        }
        let following = Task { await sessions.follow() }
        try? await gracefulShutdown()
        keeping.cancel()
        following.cancel()
        ServiceNotification.stopping()
        await operations.keepServers()
        await debts.keep()
        await forwarding.shutdown()
        await debts.keep()
        // What ends the membership later ends no session for the next run.
        await following.value
        await sessions.keep()
    }
}
