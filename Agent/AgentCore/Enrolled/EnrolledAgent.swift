internal import Addresses
package import AuditLog
internal import Contract
package import AgentState
internal import CoordinatorLink
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
    private let board: DataPathBoard
    private let forwarding: ForwardingService
    private let sync: PolicySync
    private let shipper: AuditShipper
    private let standing: MembershipStanding
    private let secrets: any SecretStore
    private let logger: Logger

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
        board: DataPathBoard,
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
        sync = try PolicySync(
            client: client,
            home: parts.home,
            watch: watch,
            logger: parts.logger,
            onChange: { [vault, entriesChanged] state in
                // Enforced at once; the keyring, which may be slow or hang, is asked beside it.
                vault.configure(state.entries.compactMap(ProtectedServer.init))
                await board.set(synced: state)
                entriesChanged.notify()
            },
            onCondition: { condition in
                guard condition == .online else { return }
                time.heard(client.now)
                contacts.continuation.yield()
                // Whoever hears of the coordinator again can ship to it again.
                shipper.nudge()
            }
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
    /// How long the coordinator may take to answer when the key is there.
    private static let firstSync = Duration.seconds(3)
    /// Whether this machine leaves: then nothing more is recorded for a coordinator that does not take it.
    private let hasLeft = Mutex(false)

    private let settled = Mutex((grants: false, key: false))
    private let onSettled: @Sendable () -> Void
    private let keyringProblem = Mutex<LinkError?>(nil)

    /// Whether the policy that was kept is in force, and the first looks into the keyring have ended.
    var isSettled: Bool { settled.withLock { $0.grants && $0.key } }

    private func settle(_ change: (inout (grants: Bool, key: Bool)) -> Void) {
        settled.withLock { change(&$0) }
        onSettled()
    }

    /// How it stands with the coordinator.
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
        await board.open(spool, isRevoked: standing.isRevoked)
        // A task of its own, because it has to outlive the others: it ships what they record as they end.
        let shipping = Task { try await shipper.run() }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await self.sync.run() }
            group.addTask { await self.loadGrants() }
            group.addTask { for await _ in self.contacts { await self.board.timeIsKnown() } }
            group.addTask { await self.followRevocation() }
            group.addTask { await self.unlock() }
            group.addTask { await self.vault.run() }
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
                settle { $0.grants = true }
            }
            await entriesChanged.wait(after: seen)
        }
    }

    private func followRevocation() async {
        for await _ in revocations {
            logger.error("The coordinator has revoked this machine's key: no call passes any more.")
            await board.set(.revoked, for: .standing)
        }
    }

    /// Has the keyring ask its user to open, over this agent's own connection: some keyrings allow to a connection and not
    /// to a program.
    func openKeyring() async throws {
        try await secrets.open()
        do {
            try await loadKeyPatiently()
        } catch let error as LinkError where error.kind == .keyMissing {
            // It is open, and what it does not hold is told elsewhere.
        }
        await lookForKey()
        await vault.keyringOpened()
        guard client.key.isLoaded else { return }
        // A command that follows at once finds the servers that there are by now.
        sync.retry()
        shipper.nudge()
        let deadline = ContinuousClock.now + Self.firstSync
        while [.locked, .connecting].contains(sync.condition), ContinuousClock.now < deadline, !Task.isCancelled {
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Reads the key from a keyring that was opened just now: KWallet says so a moment before it gives a secret.
    private func loadKeyPatiently() async throws {
        for _ in 0..<15 {
            do {
                return try await client.key.load()
            } catch let error as LinkError where error.kind == .locked && error.message == KeyringError.locked.message {
                try await Task.sleep(for: .milliseconds(100))
            }
        }
        try await client.key.load()
    }

    /// Looks for the key at once, where the keyring may have been opened just now.
    func lookForKey() async {
        guard (try? await client.key.load()) != nil else { return }
        keyringProblem.withLock { $0 = nil }
        await board.set(nil, for: .key)
    }

    /// Why the key cannot be read from the keyring; nil once it was.
    var keyringTrouble: LinkError? { keyringProblem.withLock { $0 } }

    /// Waits for the keyring to be open once since the start; from then on the key is in memory.
    private func unlock() async {
        var isTold = false
        while !Task.isCancelled {
            defer { settle { $0.key = true } }
            do {
                try await client.key.load()
                standing.set(.keyMissing, false)
                keyringProblem.withLock { $0 = nil }
                await board.set(nil, for: .key)
                sync.retry()
                shipper.nudge()
                return
            } catch {
                // Somebody else may have read it meanwhile.
                if client.key.isLoaded { continue }
                let problem = error as? LinkError
                keyringProblem.withLock { $0 = problem?.kind == .keyMissing ? nil : problem }
                // A keyring that does not answer says nothing new of the key.
                switch problem?.kind {
                case .keyMissing?: standing.set(.keyMissing, true)
                case .locked?: standing.set(.keyMissing, false)
                default: break
                }
                if standing.isMissingKey {
                    await board.set(.keyMissing, for: .key)
                } else {
                    await board.set(.locked, because: problem?.sentences, for: .key)
                }
                if !isTold {
                    isTold = true
                    let words = problem?.message ?? "\(error)"
                    logger.warning("The signing key cannot be read yet.", metadata: ["error": "\(words)"])
                }
                try? await Task.sleep(for: .seconds(1))
            }
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

extension Membership {
    /// Writes the records of one run of this machine's agent.
    package func recordWriter() -> RecordWriter {
        RecordWriter(
            agent: JSONText(agentID),
            instance: AuditID(),
            key: publicKey.fingerprint,
            boot: RecordWriter.bootMark(bootID: Array(MachineBoot.id.utf8), agent: JSONText(agentID)),
            subject: JSONText(sub)
        )
    }
}

extension LinkError {
    /// What it says and what to do, for those who read nothing else.
    fileprivate var sentences: String? {
        if message == KeyringError.locked.message { return nil }
        // A program's name stays as it is written.
        let first = message.hasPrefix("the") ? message.prefix(1).uppercased() + message.dropFirst() : message
        return next.map { "\(first): \($0)" } ?? first
    }
}

extension CredentialEvent {
    /// The record of it.
    fileprivate var record: RecordBody {
        switch self {
        case .granted(let credential, let alias):
            .credentialGrant(credential: JSONText(credential), server: JSONText(alias))
        case .refreshed(let credential, let alias):
            .credentialRefresh(credential: JSONText(credential), server: JSONText(alias))
        case .failed(let credential, let alias, let why):
            .credentialFail(credential: credential.map { JSONText($0) }, server: JSONText(alias), why: JSONText(why))
        case .revoked(let credential, let alias, let why):
            .credentialRevoke(credential: JSONText(credential), server: JSONText(alias), why: JSONText(why))
        }
    }
}
