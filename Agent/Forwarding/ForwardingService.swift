internal import AuditLog
internal import Bridging
internal import Errors
package import Fetch
internal import Glibc
package import Logging
package import NIOCore
package import Policy
package import ServiceKit
package import Spool
internal import Synchronization
internal import Upstreams

/// The agent's data path: from MCP clients on this machine, over one event loop, to their servers.
///
/// Everything that a call meets lives on the event loop and is touched there alone; what this service offers hops onto it.
package final class ForwardingService: Sendable {
    /// Where it listens.
    package struct Listening: Sendable, Equatable {
        /// With the real port.
        package let address: ListenAddress
        package let socketPath: String
    }

    private struct Open {
        var listeners: [any Channel] = []
        var socketPath: String?
    }

    private let loop: any EventLoop
    private let configuration: ForwardingConfiguration
    private let logger: Logger
    private let path: NIOLoopBound<DataPath>
    private let open = Mutex(Open())

    private init(loop: any EventLoop, configuration: ForwardingConfiguration, logger: Logger, path: DataPath) {
        self.loop = loop
        self.configuration = configuration
        self.logger = logger
        self.path = NIOLoopBound(path, eventLoop: loop)
    }

    /// Makes the data path, closed and without servers until `update` says more.
    ///
    /// - Parameters:
    ///   - loop: the one event loop.
    ///   - configuration: the bounds.
    ///   - credentials: where credentials of servers come from.
    ///   - metrics: where calls are counted.
    ///   - clock: the machine's clocks.
    ///   - proxies: which servers are reached through a proxy.
    ///   - logger: learns where it listens; never of a call.
    /// - Returns: a service that does not listen yet.
    /// - Throws: where the system's certificates cannot be read.
    package static func make(
        loop: any EventLoop,
        configuration: ForwardingConfiguration = ForwardingConfiguration(),
        credentials: any CredentialSource,
        metrics: MetricsRegistry,
        clock: MachineClock = .system,
        proxies: ProxyEnvironment,
        logger: Logger = Logger(label: "doorward.forwarding")
    ) async throws -> ForwardingService {
        try await loop.submit {
            let files = FileShares()
            var bounds = UpstreamConfiguration()
            bounds.maxConnections = files.servers
            bounds.maxLookUps = files.lookUps
            let pool = try UpstreamPool(loop: loop, proxies: proxies, configuration: bounds)
            let eras = EraBook(wall: clock.wall)
            let bridges = ServerBridge.Surroundings(
                loop: loop,
                eras: eras,
                userAgent: configuration.userAgent,
                longestReply: configuration.longestReply,
                now: clock.boot
            )
            let gate = Gate(
                configuration: configuration,
                clock: clock,
                credentials: credentials,
                metrics: metrics,
                makeUpstream: pool.server(for:),
                makeBridge: { ServerBridge($0, upstream: $1, bridges) }
            )
            let table = ConnectionTable(
                loop: loop,
                most: min(configuration.mostConnections, files.clients),
                now: clock.boot
            )
            let path = DataPath(loop: loop, gate: gate, pool: pool, table: table, eras: eras)
            return ForwardingService(loop: loop, configuration: configuration, logger: logger, path: path)
        }.get()
    }

    // MARK: Listening

    /// Listens; once this returns, connections are taken.
    ///
    /// - Parameters:
    ///   - address: on loopback; port 0 for one that is free.
    ///   - socketPath: of the unix socket; its folder is made where it is missing.
    ///   - pages: answers what is not an MCP route.
    /// - Returns: where it listens.
    /// - Throws: `ForwardingError`.
    package func listen(
        on address: ListenAddress,
        socketPath: String,
        pages: any LocalEndpoints
    ) async throws -> Listening {
        let path = path
        let origins = configuration.origins
        let socket = try SocketPath(preparing: socketPath)
        let listeners = try await loop.submit {
            guard let check = PeerCheck() else {
                throw ForwardingError(.system, "The kernel does not say who connects (sock_diag), so nobody may.")
            }
            return NIOLoopBound(Listeners(path: path.value, pages: pages, check: check), eventLoop: path.value.loop)
        }.get()
        let (tcp, real) = try await Self.open(listeners, address, origins)
        open.withLock { $0.listeners.append(tcp) }
        await listenBeside(real, listeners)
        do {
            let unix = try await Self.open(listeners, socket, real.port, origins)
            open.withLock {
                $0.listeners.append(unix)
                $0.socketPath = socket.path
            }
        } catch {
            for listener in open.withLock({ $0.listeners }) { try? await listener.close() }
            throw error
        }
        logger.info("Listening.", metadata: ["address": "\(real)", "socket": "\(socket.path)"])
        return Listening(address: real, socketPath: socket.path)
    }

    /// Listens on the other loopback address too: `localhost` may mean either, and a process that listened on that one
    /// would be shown the credentials of clients that say `localhost`.
    private func listenBeside(_ address: ListenAddress, _ listeners: NIOLoopBound<Listeners>) async {
        guard let other = address.sameOverIPv6 else { return }
        do {
            let (listener, _) = try await Self.open(listeners, other, configuration.origins)
            open.withLock { $0.listeners.append(listener) }
        } catch let error as ForwardingError where error.kind == .inUse {
            let words: Logger.Message = "Somebody else listens there: clients have to say 127.0.0.1, and not localhost."
            logger.warning(words, metadata: ["address": "\(other)"])
        } catch {
            // Machines without IPv6 have no such address, and so no other program listens there.
            logger.debug("There is no IPv6 loopback address.")
        }
    }

    private static func open(
        _ listeners: NIOLoopBound<Listeners>,
        _ address: ListenAddress,
        _ origins: [String]
    ) async throws -> (any Channel, ListenAddress) {
        try await listeners.eventLoop.flatSubmit { listeners.value.open(address, origins: origins) }.get()
    }

    private static func open(
        _ listeners: NIOLoopBound<Listeners>,
        _ socket: SocketPath,
        _ port: Int,
        _ origins: [String]
    ) async throws -> any Channel {
        try await listeners.eventLoop.flatSubmit { listeners.value.open(socket, port: port, origins: origins) }.get()
    }

    // MARK: State

    /// Replaces everything that decides on calls; calls under way go on as they began, streams that may not are closed.
    ///
    /// - Parameters:
    ///   - state: What is in force from now on.
    ///   - calls: What earlier runs let pass, which the limits have yet to count: before the first call of this run.
    package func update(_ state: ForwardingState, counting calls: [OwedLimits.Call] = []) async {
        await onLoop { path in
            path.replace(state)
            if calls.isEmpty { return }
            let owed = OwedLimits(debts: [], elapsed: 0, calls: calls, recorded: RecordName.plain)
            path.gate.limits.restore(owed, now: path.gate.now())
        }
    }

    /// How the servers do, in the order of the entries.
    package func health() async -> [ServerHealth] {
        await onLoop { path in
            let now = path.gate.clock.wall()
            return path.gate.servers.map { $0.health(now: now) }
        }
    }

    /// What went through since the agent began.
    package func counts() async -> TrafficCounts {
        await onLoop { $0.gate.records.counts }
    }

    /// What is owed to the limits, to be kept over a restart, with the spool and its number of records: calls that are
    /// recorded later are not in it.
    package func limitDebts() async -> (debts: [LimitDebt], spool: String?, recorded: UInt64) {
        await onLoop { path in
            let spool = path.gate.records.spool
            return (path.gate.limits.debts(now: path.gate.now()), spool?.folder, spool?.counts.recorded ?? 0)
        }
    }

    /// Takes over the debts of an earlier run; debts to limits that are not known yet wait for them.
    package func restore(_ owed: OwedLimits) async {
        await onLoop { $0.gate.limits.restore(owed, now: $0.gate.now()) }
    }

    // MARK: The end

    /// Lets the calls that a membership began end, for a bounded time, and then ends what is left of them in its records.
    ///
    /// - Parameter spool: its records; nothing more may begin there.
    package func endCalls(in spool: Spool) async {
        let deadline = ContinuousClock.now + configuration.grace
        while await onLoop({ $0.hasCalls(in: spool) }), ContinuousClock.now < deadline {
            try? await Task.sleep(for: .milliseconds(20))
        }
        await onLoop { $0.endCalls(in: spool) }
    }

    /// Takes no more connections, lets calls end for a bounded time, then closes what is left.
    package func shutdown() async {
        let (listeners, socketPath) = open.withLock { open in
            defer { open = Open() }
            return (open.listeners, open.socketPath)
        }
        for listener in listeners { try? await listener.close() }
        if let socketPath { unlink(socketPath) }
        await onLoop { $0.beginEnding() }
        let deadline = ContinuousClock.now + configuration.grace
        while await onLoop({ $0.hasCalls }), ContinuousClock.now < deadline {
            try? await Task.sleep(for: .milliseconds(20))
        }
        await onLoop { $0.end() }
    }

    func onLoop<Result: Sendable>(_ body: @escaping @Sendable (DataPath) -> Result) async -> Result {
        let path = path
        do {
            return try await loop.submit { body(path.value) }.get()
        } catch {
            // A loop that takes nothing more has ended before the service that lives on it: a fault of the program.
            preconditionFailure("the event loop has ended: \(error)")
        }
    }
}
