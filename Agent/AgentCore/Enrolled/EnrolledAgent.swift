internal import Addresses
internal import AgentState
internal import AuditLog
internal import Children
internal import Contract
internal import CoordinatorLink
internal import Errors
internal import Fetch
internal import Forwarding
internal import Glibc
internal import Keyring
internal import Logging
internal import OAuth
internal import ServiceKit
internal import Spool
internal import StrictJSON
internal import Synchronization

/// Everything that an agent has because it belongs to a coordinator: records, policy, tokens.
final class EnrolledAgent: Sendable {
    let membership: Membership
    let spool: Spool
    let vault: TokenVault
    let client: CoordinatorClient
    let board: DataPathController
    let forwarding: ForwardingService
    let sync: PolicySync
    let shipper: AuditShipper
    let pins: PinKeeper
    let standing: MembershipStanding
    let secrets: any SecretStore
    let logger: Logger
    private let machine: MachineFacts

    /// Opens the records of a membership, and joins what is needed to run it; nothing runs yet.
    ///
    /// - Parameters:
    ///   - membership: what this machine belongs to.
    ///   - parts: what every part of an agent works with.
    ///   - board: takes what decides on calls.
    ///   - forwarding: the data path.
    ///   - onSettled: told when `isSettled` may have become true.
    /// - Throws: where the records, or what is kept of the coordinator, cannot be opened.
    init(
        _ membership: Membership,
        parts: AgentParts,
        board: DataPathController,
        forwarding: ForwardingService,
        onSettled: @escaping @Sendable () -> Void
    ) throws {
        self.membership = membership
        self.onSettled = onSettled
        self.board = board
        self.forwarding = forwarding
        logger = parts.logger
        secrets = parts.secrets
        let spool = try Spool(
            folder: parts.home.spool(agent: membership.agentID),
            writer: membership.recordWriter(),
            clock: parts.clock,
            logger: parts.logger
        )
        self.spool = spool
        let revocations = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        self.revocations = revocations.stream
        let standing = try MembershipStanding(membership, home: parts.home) { revocations.continuation.yield() }
        self.standing = standing
        vault = TokenVault(
            store: parts.secrets,
            fetcher: parts.fetcher,
            folder: parts.home.renewals,
            clock: parts.clock,
            // Sign-ins are rare: each of their few connections has the question to itself.
            isOwnPeer: { SocketOwner()?.uid(ofPeerOf: $0) == getuid() },
            events: { event in try? spool.record(event.record) }
        )
        client = CoordinatorClient(
            membership,
            key: MachineKey(membership, secrets: parts.secrets),
            fetcher: parts.fetcher,
            clock: parts.clock,
            standing: standing
        )
        pins = PinKeeper(forwarding: forwarding, client: client, home: parts.home, logger: parts.logger)
        let client = client
        let watch = try OrgWatch(membership, home: parts.home)
        let shipper = AuditShipper(
            client: client,
            spool: spool,
            watch: watch,
            clock: parts.clock,
            logger: parts.logger
        )
        self.shipper = shipper
        let contacts = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        self.contacts = contacts.stream
        let time = board.time
        let (contact, clock) = (LastContact(), parts.clock)
        machine = MachineFacts(
            custody: JSONText(membership.custody),
            contact: contact,
            signInURL: "\(membership.url)/sign-in",
            time: { time.now }
        )
        sync = try PolicySync(
            client: client,
            home: parts.home,
            watch: watch,
            logger: parts.logger,
            onChange: { [vault, entriesChanged] state in
                // Enforced at once; the keyring, which may be slow or hang, is asked beside it.
                vault.configure(state.entries.compactMap(ProtectedServer.init))
                board.children.secrets.configure(state.entries)
                await board.set(synced: state)
                entriesChanged.notify()
            },
            onCondition: { condition in
                guard condition == .online else { return }
                time.heard(client.now)
                contacts.continuation.yield()
                // When the coordinator is heard of again, the agent can ship to it again.
                shipper.nudge()
            },
            onContact: { contact.heard(now: clock.boot()) }
        )
    }

    /// That what the coordinator says is in force, and the keyring may have something for a new entry.
    private let entriesChanged = Signal()
    /// That the coordinator was heard of again.
    private let contacts: AsyncStream<Void>
    /// That this machine's key was revoked.
    private let revocations: AsyncStream<Void>

    /// How long renewals may still take at the end: a request to an authorization server is given up within this.
    private static let renewalsEnd = Duration.seconds(12)
    /// Whether this machine leaves: then nothing more is recorded for a coordinator that does not take it.
    private let hasLeft = Mutex(false)

    private let settled = Mutex((grants: false, key: false))
    private let onSettled: @Sendable () -> Void
    let keyringProblem = Mutex<LinkError?>(nil)

    /// Whether the policy that was kept is in force, and the first looks into the keyring have ended.
    var isSettled: Bool { settled.withLock { $0.grants && $0.key } }

    func settle(_ change: (inout (grants: Bool, key: Bool)) -> Void) {
        settled.withLock { change(&$0) }
        onSettled()
    }

    /// The state of the link to the coordinator.
    var condition: LinkCondition { standing.isRevoked ? .revoked : sync.condition }

    /// What its user has to do something about; nil while there is nothing.
    var trouble: MembershipTrouble? { standing.trouble }

    /// Why no record is made or shipped, for people; nil while all is well or the coordinator only away.
    var shippingProblem: String? {
        guard let error = spool.problem ?? spool.delay else { return shipper.problem }
        return error.next.map { "\(error.message). \($0)" } ?? error.message
    }

    /// Runs until its task is cancelled; then the last record is made and, as far as it is quick, shipped.
    func run() async {
        start()
        await pins.restore()
        await board.open(spool, machine, isRevoked: standing.isRevoked)
        // A task of its own, because it has to outlive the others: it ships what they record as they end.
        let shipping = Task { try await shipper.run() }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await self.sync.run() }
            group.addTask { await self.loadGrants() }
            group.addTask { for await _ in self.contacts { await self.board.timeIsKnown() } }
            group.addTask { await self.followRevocation() }
            group.addTask { await self.unlock() }
            group.addTask { await self.vault.run() }
            group.addTask { await self.pins.run() }
            group.addTask { await self.health.run() }
            group.addTask { await self.board.children.secrets.run() }
            group.addTask { await Heartbeat(forwarding: self.forwarding, spool: self.spool, board: self.board).run() }
        }
        // A call whose end cannot be recorded any more would have none for ever.
        await endCalls()
        // First, so that the records of it are shipped with the others.
        await vault.end(atMost: Self.renewalsEnd)
        // After a leave the last record is made and nothing more is taken.
        if !hasLeft.withLock({ $0 }) { try? spool.record(.agentStop(why: "ended")) }
        shipping.cancel()
        _ = await shipping.result
        if !hasLeft.withLock({ $0 }), condition == .online {
            // A task of its own, as this one is cancelled by now.
            await Task { [health] in await health.tellEnd() }.value
        }
        spool.close()
    }

    /// Nothing begins any more under this membership, and what runs has its end in the records.
    private func endCalls() async {
        await board.set(.notEnrolled, for: .leaving)
        await forwarding.endCalls(in: spool)
    }

    private func start() {
        let custody = JSONText(membership.custody)
        do {
            try spool.record(.agentStart(version: JSONText(Release.version), custody: custody, torn: spool.found.torn))
        } catch {
            logger.error("Nothing can be recorded, so no call will pass.", metadata: ["error": "\(error.message)"])
        }
    }

    private func loadGrants() async {
        var seen = 0
        while !Task.isCancelled {
            let version = entriesChanged.version
            if version != seen {
                seen = version
                await vault.load()
                await board.children.secrets.load()
                settle { $0.grants = true }
            }
            await entriesChanged.wait(after: seen)
        }
    }

    /// How this machine and its servers do, for the coordinator.
    private var health: HealthReporter {
        let status = ServerStatus(board: board, forwarding: forwarding, vault: vault)
        return HealthReporter(client: client, servers: status.list, pending: { self.pending })
    }

    private func followRevocation() async {
        for await _ in revocations {
            logger.error("The coordinator has revoked this machine's key: no call passes any more.")
            await board.set(.revoked, for: .standing)
        }
    }

    /// Ships what is pending and leaves the coordinator; if that cannot be done, nothing has changed.
    func leave(_ enrolment: Enrolment, isOffline: Bool) async throws -> Departure {
        await board.set(.notEnrolled, for: .leaving)
        // Before the membership goes: from then on this agent may be ended any moment.
        hasLeft.withLock { $0 = true }
        do {
            return try await enrolment.leave(client, spool: spool, isOffline: isOffline) {
                let end = await shipper.drain(within: .seconds(20))
                guard end == .all else { return end }
                await endCalls()
                guard (try? spool.record(.agentStop(why: "logout"))) != nil else { return end }
                return await shipper.drain(within: .seconds(5))
            }
        } catch {
            hasLeft.withLock { $0 = false }
            await board.set(nil, for: .leaving)
            throw error
        }
    }

    /// How many records the coordinator does not have.
    var pending: Int {
        let counts = spool.counts
        return Int(counts.recorded) - Int(counts.countersigned)
    }
}
