internal import AuditLog
internal import Bridging
internal import Bytes
internal import MCP
internal import Policy
internal import ServiceKit
internal import StrictJSON
internal import TransparencyLog
internal import Upstreams

/// All that decides on calls, and all that they share; belongs to the event loop.
///
/// What comes from outside (policy, servers, clients, spool) is replaced as a whole between two calls.
final class Gate {
    let configuration: ForwardingConfiguration
    /// How long the client of a connection may take.
    let bounds: ClientConnection.StateMachine.Bounds
    /// The bounds of a message of a client, and of one of a server: read for each, and so not taken out of the whole.
    let messageLimits: JSONLimits
    let replyLimits: JSONLimits
    let clock: MachineClock
    let credentials: any CredentialSource
    private let metrics: MetricsRegistry
    /// Records what becomes of calls.
    let records: CallRecorder
    private let makeUpstream: (UpstreamEndpoint) -> UpstreamServer
    private let makeBridge: (ServerBridge.Settings, UpstreamServer?) -> ServerBridge
    /// Gives slots back in some seconds.
    var keepSlots: (LimitPermit) -> Void = { permit in
        var permit = permit
        permit.release()
    }

    // Replaced by `replace`.
    private(set) var closure: ForwardingState.Closure?
    private var closureWords: String?
    private(set) var policy = PolicySnapshot.none
    private(set) var machine: MachineFacts?
    private(set) var servers: [ServedServer] = []
    private var clients: [Hash: JSONText] = [:]
    /// Changes with the list of clients: what was found in another list is looked up again.
    private(set) var clientsGeneration = 0
    private var numbers = [Gate.local: Gate.localNumber]

    // What calls leave behind.
    let limits = LimitTable()
    var sessions = SessionTable() {
        didSet { if sessions.changes != told { noteSessions() } }
    }
    /// Sessions of earlier runs that no client has used since.
    var earlier = EarlierSessions()
    /// Told whenever a session has begun or ended.
    var sessionsChanged: () -> Void = {}
    private var told = 0
    let parked: ParkedCalls
    let tasks = TaskTable()
    let pins = PinBook()
    var random: RandomPool

    init(
        configuration: ForwardingConfiguration,
        clock: MachineClock,
        credentials: any CredentialSource,
        metrics: MetricsRegistry,
        random: RandomPool = RandomPool(),
        makeUpstream: @escaping (UpstreamEndpoint) -> UpstreamServer,
        makeBridge: @escaping (ServerBridge.Settings, UpstreamServer?) -> ServerBridge
    ) {
        self.configuration = configuration
        bounds = ClientConnection.StateMachine.Bounds(
            head: configuration.headDeadline.nanoseconds,
            body: configuration.bodyRest.nanoseconds,
            reader: configuration.readerRest.nanoseconds
        )
        messageLimits = JSONLimits(maxBytes: configuration.longestBody, maxDepth: JSONLimits.message.maxDepth)
        replyLimits = JSONLimits(maxBytes: configuration.longestReply, maxDepth: JSONLimits.reply.maxDepth)
        self.clock = clock
        self.credentials = credentials
        self.metrics = metrics
        records = CallRecorder(metrics)
        self.random = random
        self.makeUpstream = makeUpstream
        self.makeBridge = makeBridge
        parked = ParkedCalls(most: configuration.mostParked)
    }

    // MARK: What comes from outside

    /// Takes everything anew; returns the sessions that have no ground any more.
    func replace(_ state: ForwardingState) -> [Session] {
        closure = state.closure
        closureWords = state.closureWords
        policy = state.policy
        machine = state.machine
        records.replace(spool: state.spool, policy: state.policy)
        clientsGeneration += 1
        clients = Dictionary(state.clients.map { ($0.hash, $0.name) }, uniquingKeysWith: { first, _ in first })
        let old = servers
        servers = state.servers.map { server in
            if let same = old.first(where: { $0.isSame(as: server) }) { return same }
            let upstream = server.transport.endpoint.map(makeUpstream)
            return ServedServer(
                server,
                upstream: upstream,
                bridge: makeBridge(server.bridging, upstream),
                userAgent: configuration.userAgent,
                metrics: ServerMetrics(metrics, alias: server.alias.string),
                pins: pins[server.alias]
            )
        }
        for server in state.servers { pins[server.alias].take(server.pins) }
        for server in old where !servers.contains(where: { $0 === server }) { server.bridge.end() }
        limits.replace(rules: state.policy.limits + state.servers.flatMap(\.limits))
        let names = Set(state.clients.map(\.name) + [Self.local])
        let kept = Set(servers.filter { server in old.contains { $0 === server } }.map(\.alias))
        earlier.keepOnly(clients: names)
        tasks.forget { client, server in !names.contains(client) || !kept.contains(server) }
        return sessions.endAll { !names.contains($0.client) || !($0.isOfAll || kept.contains($0.server)) }
    }

    /// The client name of a peer that comes over the socket without a credential.
    static let local: JSONText = "local"
    static let localNumber = 1

    /// What every call is answered while nothing can pass; nil while calls can.
    var closed: Refusal? { closure.map { .closed($0, words: closureWords, page: machine?.signInURL) } }

    // MARK: Who and where

    /// The client that a credential belongs to.
    func client(token: UnsafeBufferPointer<UInt8>) -> JSONText? {
        clients[Hash.of(token)]
    }

    /// A small number for a client, always the same; 0 is the agent itself.
    func number(of client: JSONText) -> Int {
        if let number = numbers[client] { return number }
        let number = numbers.count + Self.localNumber
        numbers[client] = number
        return number
    }

    /// Whether the client of an open stream may still have it.
    func isKnown(client: JSONText) -> Bool { client == Self.local || isClient(client) }

    /// Whether a client of this name has a credential.
    func isClient(_ name: JSONText) -> Bool { clients.values.contains(name) }

    /// The server of an alias, whether or not anybody may use it.
    func server(alias: UnsafeBufferPointer<UInt8>) -> ServedServer? {
        for server in servers {
            if server.alias.utf8.withUnsafeBufferPointer(alias.isEqual) { return server }
        }
        return nil
    }

    /// Nanoseconds of the machine's own clock.
    func now() -> Int64 { clock.boot() }

    // MARK: What sessions leave open

    /// Ends what a session leaves open; `kind` is what becomes of the calls that wait for their streams.
    func close(_ session: Session, _ kind: Outcome.Kind = .cancelled) {
        let now = now()
        for request in session.takePending() { records.endPending(request, .cancelled, bytesOut: 0, now: now) }
        for call in parked.takeAll(of: session) { end(call, kind, now: now) }
    }

    /// Keeps a request whose stream has ended before its answer; returns the oldest of all, if that had to end for it.
    func park(_ call: ParkedCall, _ id: RequestID, in session: Session) -> ParkedCall? {
        parked.add(call, id, to: session).flatMap { endParked($0.id, in: $0.session, .cancelled) }
    }

    /// Ends a parked request; returns it.
    func endParked(_ id: RequestID, in session: Session, _ kind: Outcome.Kind, bytesOut: Int = 0) -> ParkedCall? {
        guard let call = parked.take(id, from: session) else { return nil }
        let now = now()
        end(call, kind, bytesOut: bytesOut, now: now)
        if session.parked.isEmpty {
            for request in session.abandon(stream: ObjectIdentifier(session)) {
                records.endPending(request, .cancelled, bytesOut: 0, now: now)
            }
        }
        return call
    }

    private func end(_ call: ParkedCall, _ kind: Outcome.Kind, bytesOut: Int = 0, now: Int64) {
        var permit = call.permit
        // The client no longer waits, which stops no server at once.
        if kind == .cancelled { keepSlots(permit) } else { permit.release() }
        records.endParked(call, kind, bytesOut: bytesOut, now: now)
    }

    /// The session of a key; begins one if the key has no session yet, and ends the session that has to go for it.
    func beginSession(_ key: SessionKey) -> Session {
        let (session, gone) = sessions.begin(key, now: now())
        if let gone { close(gone) }
        if session.mark == nil { session.mark = mark(of: key) }
        return session
    }

    private func noteSessions() {
        told = sessions.changes
        sessionsChanged()
    }
}
