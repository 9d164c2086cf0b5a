internal import AgentState
internal import AuditLog
internal import Bridging
internal import Bytes
internal import Children
internal import Contract
internal import CoordinatorLink
internal import Forwarding
internal import Logging
internal import OAuth
internal import Policy
internal import ServiceKit
internal import Spool
internal import StrictJSON
internal import TransparencyLog
internal import Upstreams

/// Puts together what decides on calls, from those who each know a part of it, and hands it to the data path as a whole.
actor DataPathController {
    /// Who closes the way for all calls; of several the first says why.
    enum Closing: Int, CaseIterable {
        case leaving, standing, administrator, key
    }

    /// What time it is, for what has an end.
    nonisolated let time: LatestTime
    /// The programs of servers.
    nonisolated let children: Children
    private let forwarding: ForwardingService
    private let clock: MachineClock
    private let logger: Logger

    private var closures: [Closing: ForwardingState.Closure] = [:]
    /// Why they do, as messages; where that is not always the same.
    private var words: [Closing: String] = [:]
    private var state = ForwardingState(closure: .notEnrolled)
    private var synced = SyncedState()
    /// The servers among them that are programs.
    private var programs: [String: StdioServer] = [:]
    /// Ends the policy in time, whatever the wall clock says by then.
    private var expiry: Task<Void, Never>?
    /// The policy that was in force last, for the record of the next.
    private var applied: PolicyBundle?
    /// Whether the calls of earlier runs are counted.
    private var isCounted = false
    /// Knows what earlier runs owe to the limits.
    private let debts: DebtKeeper

    init(
        forwarding: ForwardingService,
        children: Children,
        clock: MachineClock,
        time: LatestTime,
        debts: DebtKeeper,
        logger: Logger
    ) {
        self.forwarding = forwarding
        self.children = children
        self.time = time
        self.clock = clock
        self.debts = debts
        self.logger = logger
    }

    /// The policy in force, for those who explain it.
    var policy: PolicySnapshot { state.policy }

    /// The same with the rules and the person that it was made of.
    var inForce: (PolicySnapshot, PolicyRules?, Binding?) { (state.policy, synced.rules, synced.binding) }

    /// The entries that this person may know.
    var entries: [ServerEntry] { synced.entries }
    /// What is said of those that are about to go, by alias.
    var deprecated: [JSONText: String] { synced.deprecated }

    func set(clients: [ClientCredentials.Entry]) async {
        state.clients = clients.compactMap { client in
            Hash(client.hash).map { ClientCredential(name: JSONText(client.name), hash: $0) }
        }
        await publish()
    }

    /// Closes the way for all calls, or opens it as far as `closing` goes.
    ///
    /// - Parameters:
    ///   - closure: what is in the way; nil: nothing.
    ///   - words: why, where that is not always the same.
    ///   - closing: who says so.
    func set(_ closure: ForwardingState.Closure?, because words: String? = nil, for closing: Closing) async {
        guard closures[closing] != closure || self.words[closing] != words else { return }
        closures[closing] = closure
        self.words[closing] = words
        await publishClosure()
    }

    /// A membership has begun; nothing is allowed before its policy is known.
    func open(_ spool: Spool, _ machine: MachineFacts, isRevoked: Bool) async {
        state.spool = spool
        state.machine = machine
        closures = [.key: .locked]
        words = [:]
        closures[.standing] = isRevoked ? .revoked : nil
        await publishClosure()
    }

    /// A membership has ended, and takes with it what was allowed.
    ///
    /// - Parameter words: why the membership cannot run although it is there; nil where there is no membership.
    func close(because words: String? = nil) async {
        // What is owed now is owed under another membership too.
        await debts.keep()
        if words == nil { await forwarding.forgetEarlierSessions() }
        expiry?.cancel()
        synced = SyncedState()
        programs = children.use([])
        applied = nil
        closures = [:]
        self.words = [:]
        let number = state.number
        state = ForwardingState(closure: words == nil ? .notEnrolled : .unusable, clients: state.clients)
        state.number = number
        state.closureWords = words
        await publish()
    }

    private func publishClosure() async {
        chooseClosure()
        await publish()
    }

    private func chooseClosure() {
        let first = Closing.allCases.first { closures[$0] != nil }
        state.closure = first.flatMap { closures[$0] }
        state.closureWords = first.flatMap { words[$0] }
    }

    func set(synced: SyncedState) async {
        if synced.lock != self.synced.lock {
            logger.warning("\(synced.lock?.message ?? "The lock on this machine is taken off.")")
        }
        self.synced = synced
        closures[.administrator] = synced.lock.map { $0.isLapse ? .signInEnded : .lockedByAdministrator }
        words[.administrator] = synced.lock?.message
        chooseClosure()
        let calls = await uncountedCalls(under: synced)
        // Others may have come in the meantime, or the membership have ended.
        let synced = self.synced
        let policy = Self.policy(of: synced)
        // One that is over by now is never in force, not even until a timer says so.
        let isOver = isOver
        state.policy = isOver ? policy.expired() : policy
        programs = children.use(synced.entries)
        state.servers = synced.entries.compactMap { server($0) }
        let uncounted = isOver || isCounted ? [] : calls
        if state.spool != nil, policy.version > 0, !isOver { isCounted = true }
        state.number += 1
        await forwarding.update(state, counting: uncounted)
        if state.spool != nil, state.policy.version > 0, !isOver { await debts.counted() }
        scheduleExpiry()
        if isOver {
            sayExpired()
        } else if let bundle = synced.bundle, bundle.version != applied?.version || bundle.digest != applied?.digest {
            applied = bundle
            logger.info("A policy is in force.", metadata: ["version": "\(bundle.version)"])
            try? state.spool?.record(.policyApply(version: bundle.version, digest: JSONText(bundle.digest)))
            // What passed under other limits is owed to those, also after a kill.
            await debts.keep()
        }
    }

    private func publish() async {
        state.number += 1
        await forwarding.update(state)
    }

    // MARK: The policy's time

    private static func policy(of synced: SyncedState) -> PolicySnapshot {
        guard let bundle = synced.bundle, let rules = synced.rules, let binding = synced.binding else { return .none }
        return PolicySnapshot(rules: rules, binding: binding, version: bundle.version, digest: bundle.digest)
    }

    /// When what is in force ends, in microseconds since 1970.
    private var end: Int? {
        guard let bundle = synced.bundle else { return nil }
        return min(bundle.expires.microseconds, synced.bindingExpires?.microseconds ?? .max)
    }

    private func scheduleExpiry() {
        expiry?.cancel()
        guard let end else { return }
        let rest = max(0, end - Int(time.now))
        // Counted by the machine's own clock from here on: setting the wall clock back buys no time.
        expiry = Task { [weak self] in
            try? await Task.sleep(for: .microseconds(rest))
            if !Task.isCancelled { await self?.expire() }
        }
    }

    /// Ends the policy if the wall clock says that its time is over; it may have been set forward.
    func checkExpiry() async {
        if isOver { await expire() }
    }

    /// The coordinator was heard of, and so it is known what time it is: what a wrong clock has ended is in force again.
    func timeIsKnown() async {
        if state.policy.isClosed, !isOver { await set(synced: synced) } else { scheduleExpiry() }
    }

    private var isOver: Bool { end.map { Int(time.now) >= $0 } ?? false }

    private func expire() async {
        // The timer may be older than what is known of the time.
        guard isOver else { return scheduleExpiry() }
        guard !state.policy.isClosed else { return }
        sayExpired()
        state.policy = state.policy.expired()
        await publish()
    }

    private func sayExpired() {
        logger.warning("The policy has expired: everything is denied until the coordinator is heard of.")
    }

    // MARK: Servers and limits

    private func server(_ entry: ServerEntry) -> ForwardedServer? {
        do {
            var server = ForwardedServer(
                alias: JSONText(entry.alias),
                transport: try transport(entry),
                era: entry.era,
                isolation: entry.isolation,
                timeout: .seconds(entry.timeoutSeconds),
                limits: try entry.limitRules(),
                credential: Self.credential(entry)
            )
            server.healthInterval = .seconds(entry.healthIntervalSeconds)
            server.pins = ToolPinning(entry, approved: synced.pins[JSONText(entry.alias)])
            return server
        } catch {
            // The coordinator refuses such an entry; one that comes all the same is not a server.
            logger.error("An entry of the registry is not used.", metadata: ["server": "\(entry.alias)"])
            return nil
        }
    }

    private func transport(_ entry: ServerEntry) throws -> ServerTransport {
        switch entry.transport {
        case .stdio(let command):
            guard let server = programs[entry.alias] else {
                throw UpstreamError(.badURL, "\(command.command) is not known.")
            }
            return .links(server)
        case .http(let url): return .http(try endpoint(url, entry))
        case .sse(let url): return .eventStream(try endpoint(url, entry))
        }
    }

    private func endpoint(_ url: String, _ entry: ServerEntry) throws -> UpstreamEndpoint {
        try UpstreamEndpoint(
            url: url,
            allowsLoopback: entry.allowsLoopback,
            allowsForeignOwner: entry.allowsForeignOwner,
            allowsPrivate: entry.reach.allowsPrivate,
            authorities: entry.reach.authorities
        )
    }

    private static func credential(_ entry: ServerEntry) -> CredentialTarget? {
        guard let command = entry.command else {
            return ProtectedServer(entry).map { CredentialTarget(alias: $0.alias, url: $0.url) }
        }
        return command.secrets.isEmpty
            ? nil : CredentialTarget(alias: entry.alias, url: command.digest, isProgram: true)
    }

    /// The calls of earlier runs that were not counted: counted together with the first policy that is in force.
    private func uncountedCalls(under synced: SyncedState) async -> [OwedLimits.Call] {
        guard let spool = state.spool, Self.policy(of: synced).version > 0 else { return [] }
        return await debts.calls(in: spool)
    }
}
