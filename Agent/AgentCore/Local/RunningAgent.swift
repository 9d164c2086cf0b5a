internal import AgentState
internal import Bytes
internal import Contract
internal import CoordinatorLink
internal import Errors
internal import Forwarding
internal import Keyring
internal import LocalControl
internal import Logging
internal import OAuth
internal import Policy
internal import ServiceKit
internal import Spool
internal import StrictJSON
internal import Synchronization

/// What a running agent does for the commands of its user.
final class RunningAgent: AgentOperations {
    private struct State {
        var listen: String?
        var signIns = SignIns()
    }

    /// How long a caller that has changed something waits until the change holds.
    private static let patience = Duration.seconds(5)
    /// The same for what ends with a membership: calls, renewals and the last records have their time.
    private static let longPatience = Duration.seconds(25)

    private let parts: AgentParts
    let board: DataPathController
    private let forwarding: ForwardingService
    private let supervisor: Supervisor
    private let state = Mutex(State())
    private var home: AgentHome { parts.home }

    init(parts: AgentParts, board: DataPathController, forwarding: ForwardingService, supervisor: Supervisor) {
        self.parts = parts
        self.board = board
        self.forwarding = forwarding
        self.supervisor = supervisor
    }

    func listens(on address: String) { state.withLock { $0.listen = address } }

    /// Where it listens; nil before it does.
    var listen: ListenAddress? { state.withLock { $0.listen }.flatMap { try? ListenAddress($0) } }

    /// Why no call can be recorded, and so none passes; nil while there is nothing to record or it can be.
    var hindrance: String? {
        switch supervisor.situation {
        case .running(let agent): agent.spool.problem?.message
        case .broken(_, let error): error.message
        case .none: nil
        }
    }

    func enrolled() throws -> EnrolledAgent {
        switch supervisor.situation {
        case .running(let agent): return agent
        case .broken(_, let error): throw ControlFailure(error.code, error.message, next: error.next)
        case .none: throw Self.notEnrolled
        }
    }

    private static let notEnrolled = ControlFailure(
        "not_enrolled",
        "This machine is not enrolled with a coordinator.",
        next: "doorward login URL --token-file FILE",
        needsUser: true
    )

    // MARK: Facts

    func status() async throws -> JSONValue {
        let listen = state.withLock { $0.listen }
        let situation = supervisor.situation
        var facts = AgentStatus(membership: situation.membership)
        facts.listen = listen
        facts.isRunning = true
        facts.policyVersion = await board.policy.version
        facts.servers = await serverList()
        if case .broken(let membership, let error) = situation {
            facts.problem = error
            if let membership { facts.count(home, membership) }
        }
        if case .running(let agent) = situation {
            facts.problem = agent.trouble ?? agent.sync.state.lock
            facts.keyring = agent.keyringTrouble
            facts.recorded = agent.spool.counts.recorded
            facts.countersigned = agent.spool.counts.countersigned
            facts.condition = agent.condition
            facts.shippingProblem = agent.shippingProblem
            facts.evidence = OrgEvidence.load(agent.membership, home: home)
        }
        return facts.json
    }

    private func serverList() async -> [JSONValue] {
        await ServerStatus(board: board, forwarding: forwarding, vault: supervisor.agent?.vault).list()
    }

    func servers() async throws -> JSONValue {
        _ = try enrolled()
        return ["servers": .array(await serverList())]
    }

    /// Keeps how the servers do, for the time in which no agent runs.
    func keepServers() async {
        guard let agent = try? enrolled() else { return }
        let kept = ServerStatusFile(await serverList())
        // A logout takes the file away.
        guard let same = try? enrolled(), same === agent else { return }
        do {
            try kept.keep(home, agent: agent.membership.agentID)
        } catch {
            parts.logger.warning("How the servers do could not be kept.")
        }
    }

    func explain(server: String, tool: String, arguments: JSONValue, client: String) async throws -> JSONValue {
        _ = try enrolled()
        let explanation = CallExplanation(
            server: JSONText(server),
            tool: JSONText(tool),
            arguments: arguments,
            client: JSONText(client)
        )
        return await explanation.document(board, forwarding)
    }

    // MARK: Records

    func records(newest count: Int) async throws -> JSONValue {
        let agent = try enrolled()
        let next = agent.spool.counts.recorded
        let records = try await told { try await agent.spool.tail(count) }
        return ["records": Self.parsed(records), "next": .int(Int(next))]
    }

    func records(from next: Int, waiting seconds: Int) async throws -> JSONValue {
        let agent = try enrolled()
        let spool = agent.spool
        let deadline = ContinuousClock.now + .seconds(seconds)
        let news = Signal()
        let observation = spool.observe { _ in news.notify() }
        defer { observation.cancel() }
        while !Task.isCancelled {
            let version = news.version
            guard spool.counts.recorded <= UInt64(next), ContinuousClock.now < deadline else { break }
            await news.wait(after: version, atMost: deadline - .now)
        }
        guard spool.counts.recorded > UInt64(next) else { return ["records": [], "next": .int(next)] }
        let records = try await told { try await spool.records(from: UInt64(next), atMost: 256) }
        return ["records": Self.parsed(records), "next": .int(next + records.count)]
    }

    func records(call: String) async throws -> JSONValue {
        let agent = try enrolled()
        guard let id = RandomID(hex: call.utf8) else {
            throw ControlFailure("bad_id", "An audit id is 32 hex digits.", next: "doorward audit tail")
        }
        return ["records": Self.parsed(try await told { try await agent.spool.find(call: id) })]
    }

    private static func parsed(_ records: [[UInt8]]) -> JSONValue {
        .array(records.compactMap { try? JSONValue(parsing: $0) })
    }

    // MARK: Sign-in

    func beginSignIn(server: String, clientSecret: String?) async throws -> JSONValue {
        let agent = try enrolled()
        let entry = await board.entries.first { $0.alias == server }
        guard let entry else {
            throw ControlFailure("unknown_server", "There is no server \(server) for you.", next: "doorward servers")
        }
        if let command = entry.command { return try await missingSecrets(of: command, alias: server) }
        guard entry.authorization.kind == .oauth else { return ["state": "up"] }
        let signIn = try await told { try await agent.vault.signIn(server, clientSecret: clientSecret) }
        // It may have opened the keyring: what comes next is no longer called locked.
        await agent.lookForKey()
        let flow = RandomID().description
        state.withLock { $0.signIns.begin(flow, server, signIn) }?.cancel()
        return ["flow": .text(flow), "authorization_url": .text(signIn.authorizationURL)]
    }

    func awaitSignIn(flow: String) async throws -> JSONValue {
        _ = try enrolled()
        guard let signIn = state.withLock({ $0.signIns[flow] }) else {
            throw ControlFailure("unknown_flow", "There is no such sign-in.", next: "doorward servers")
        }
        defer { state.withLock { $0.signIns.end(flow) } }
        do {
            try await told { try await signIn.wait() }
        } catch {
            guard let server = state.withLock({ $0.signIns.server(ofReplaced: flow) }) else { throw error }
            throw ControlFailure(
                "sign_in_replaced",
                "Another sign-in to \(server) has taken the place of this one.",
                next: "doorward servers"
            )
        }
        return ["state": "up"]
    }

    func signOut(server: String, forgettingSecret: Bool) async throws -> JSONValue {
        let agent = try enrolled()
        if let command = await board.entries.first(where: { $0.alias == server })?.command {
            return try await forgetSecrets(of: command, alias: server)
        }
        let isForgotten = forgettingSecret ? try await told { try await agent.vault.forgetClientSecret(server) } : false
        let ended: SignedOut
        do {
            ended = try await told { try await agent.vault.disconnect(server) }
        } catch let failure as ControlFailure where isForgotten && failure.code == "needs_sign_in" {
            return ["state": "needs_sign_in", "revoked": false, "revocation": "none"]
        }
        var facts: JSONObject = [
            "state": "needs_sign_in", "revoked": .bool(ended.revocation == .revoked),
            "revocation": .text(ended.revocation.word), "issuer": .text(ended.issuer),
        ]
        if case .refused(let words) = ended.revocation { facts["words"] = .text(words) }
        return .object(facts)
    }

    // MARK: Changes

    func unlock() async throws -> JSONValue {
        let agent = try enrolled()
        do {
            try await told { try await agent.openKeyring() }
        } catch let error as KeyringError {
            throw ControlFailure(error.code, "\(error.message).", next: error.next, needsUser: true)
        }
        return ["open": true]
    }

    func reload() async throws -> JSONValue {
        let clients = try await told { try ClientCredentials(home: self.home).list() }
        await board.set(clients: clients)
        await supervisor.look(atMost: Self.patience)
        return .object(JSONObject())
    }

    func leave(isOffline: Bool) async throws -> JSONValue {
        let enrolment = Enrolment(home: home, secrets: parts.secrets, fetcher: parts.fetcher, clock: parts.clock)
        let departure: Departure
        let agent: EnrolledAgent?
        switch supervisor.situation {
        case .none: throw Self.notEnrolled
        case .broken(nil, let error): throw ControlFailure(error.code, error.message, next: error.next)
        case .broken(let membership?, let error):
            agent = nil
            departure = try await told {
                try await enrolment.leave(membership, unopened: error.message, isOffline: isOffline)
            }
        case .running(let running):
            agent = running
            departure = try await told { try await running.leave(enrolment, isOffline: isOffline) }
        }
        // No agent has open what is moved aside.
        await supervisor.look(atMost: Self.longPatience)
        return enrolment.keepAside(departure, count: agent?.pending).json
    }

    /// Turns what went wrong into a message that crosses the socket.
    func told<Answer: Sendable>(_ body: @Sendable () async throws -> Answer) async throws -> Answer {
        do {
            return try await body()
        } catch let failure as ControlFailure {
            throw failure
        } catch let error as any ExplainedError {
            throw ControlFailure(error.code, error.message, next: error.next, needsUser: error.needsUser)
        }
    }
}
