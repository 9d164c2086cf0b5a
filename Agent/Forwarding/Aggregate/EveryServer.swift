internal import MCP
internal import NIOCore
internal import Policy
internal import StrictJSON
internal import Upstreams

/// The endpoint of all servers, as far as it outlives a request; belongs to the event loop.
final class EveryServer {
    /// Whether a server can be asked.
    enum Standing: Equatable {
        case ready
        /// Its user has to sign in first.
        case needsSignIn
        /// It is known to be down, and would be refused.
        case down
    }

    private struct Key: Hashable {
        let client: JSONText
        let server: JSONText
        let era: Revisions.Era
    }

    private unowned let path: DataPath
    let catalogue: Catalogue
    private var facts: [Key: (facts: ServerFacts, until: Int64)] = [:]
    private var fetches: [Key: PatientFetch] = [:]
    private var streams: [ObjectIdentifier: MergedStream] = [:]
    private var watch: Ticker?
    /// Which servers wanted a sign-in, or were gone, when they were last looked at.
    private var standings: [JSONText: Bool] = [:]

    /// For how long is known what a server has said of itself, in nanoseconds; and of one that said nothing, nothing.
    private static let rest: Int64 = 600_000_000_000
    private static let shortRest: Int64 = 5_000_000_000

    init(path: DataPath) {
        self.path = path
        catalogue = Catalogue(path: path)
    }

    private var gate: Gate { path.gate }

    // MARK: Which servers

    /// The servers that a client may use, by their aliases.
    func servers(of client: JSONText) -> [ServedServer] {
        gate.servers.filter { server in
            gate.policy.knows(server: server.alias)
                && gate.policy.decide(client: client, server: server.alias, ask: .method).isAllowed
        }
        .sorted { $0.alias < $1.alias }
    }

    func standing(_ server: ServedServer) -> Standing {
        if case .refused(.needsSignIn)? = server.credential.map(gate.credentials.current) { return .needsSignIn }
        return server.upstream?.isKnownDown ?? false ? .down : .ready
    }

    // MARK: What they say of themselves

    /// What is known of each server, after all that are not known were asked, or the patience with them has ended.
    func introduce(
        _ servers: [ServedServer],
        to asker: Asker,
        on connection: ClientConnection,
        then: @escaping ([(alias: JSONText, facts: ServerFacts)]) -> Void
    ) {
        let known = {
            servers.map { server in
                let key = Key(client: asker.visit.client, server: server.alias, era: asker.era)
                return (alias: server.alias, facts: self.facts[key]?.facts ?? .unknown)
            }
        }
        Together.wait(for: servers, { server, done in self.introduce(server, to: asker, on: connection, then: done) }) {
            then(known())
        }
    }

    /// What is known of one server.
    func facts(of server: ServedServer, for asker: Asker) -> ServerFacts {
        facts[Key(client: asker.visit.client, server: server.alias, era: asker.era)]?.facts ?? .unknown
    }

    private func introduce(
        _ server: ServedServer,
        to asker: Asker,
        on connection: ClientConnection,
        then: @escaping () -> Void
    ) {
        let key = Key(client: asker.visit.client, server: server.alias, era: asker.era)
        if let known = facts[key], known.until > gate.now() { return then() }
        if let fetch = fetches[key] { return fetch.join(then) }
        guard standing(server) == .ready else { return then() }
        let fetch = PatientFetch(on: path.loop, then)
        fetches[key] = fetch
        let session = asker.session(at: server, gate)
        // In the handshake era a server says it when its session begins, and any request has it begun.
        let message = asker.request(asker.era == .modern ? .serverDiscover : .ping, in: session)
        WholeAnswer.ask(server.alias, message, for: asker, on: connection) { answer in
            if self.fetches[key] === fetch { self.fetches[key] = nil }
            let said = asker.era == .modern ? Self.result(answer) : session?.welcome?.object
            let rest = said == nil ? Self.shortRest : Self.rest
            self.facts[key] = (said.map(ServerFacts.init) ?? self.facts[key]?.facts ?? .unknown, self.gate.now() + rest)
            fetch.end()
        }
    }

    private static func result(_ answer: [UInt8]?) -> JSONObject? {
        guard let answer, let message = try? JSONValue(lenientlyParsing: answer) else { return nil }
        return message["result"]?.object
    }

    // MARK: What changes

    /// Policy, servers or clients are others.
    func replaced() {
        let names = Set(gate.servers.map(\.alias))
        catalogue.forget { !names.contains($0.server) || !gate.isKnown(client: $0.client) }
        facts = facts.filter { names.contains($0.key.server) && gate.isKnown(client: $0.key.client) }
        for stream in streams.values { stream.reconsider() }
    }

    /// Lists are others now, for one client or for all that listen.
    func changed(_ kinds: ListKinds, for client: JSONText? = nil) {
        for stream in streams.values where client == nil || stream.client == client { stream.changed(kinds) }
    }

    /// A client begins to listen.
    func opened(_ stream: MergedStream) {
        streams[ObjectIdentifier(stream)] = stream
        guard watch == nil else { return }
        _ = hasOtherStandings()
        // Nobody tells of a sign-in, or of a server that is back.
        watch = Ticker(on: path.loop, every: .seconds(1)) {
            if self.hasOtherStandings() { self.changed(.all) }
        }
    }

    /// A client listens no more.
    func closed(_ stream: MergedStream) {
        streams[ObjectIdentifier(stream)] = nil
        guard streams.isEmpty else { return }
        watch?.cancel()
        watch = nil
    }

    /// A request has gone to a server within this session: its own stream, if it has one, can be listened to.
    func used(_ server: ServedServer, _ asker: Asker) {
        guard let session = asker.session else { return }
        for stream in streams.values where stream.session === session { stream.attach(server) }
    }

    private func hasOtherStandings() -> Bool {
        let old = standings
        standings = Dictionary(
            gate.servers.map { ($0.alias, standing($0) == .needsSignIn) },
            uniquingKeysWith: { first, _ in first }
        )
        return standings != old
    }

    func end() {
        watch?.cancel()
        watch = nil
    }
}

/// Several things that are waited for together.
enum Together {
    /// Begins each, and says when all have called back; each does so once, possibly at once.
    static func wait<Item>(
        for items: [Item],
        _ begin: (Item, @escaping () -> Void) -> Void,
        then: @escaping () -> Void
    ) {
        let missing = Missing(items.count + 1)
        let done = { if missing.isLast() { then() } }
        for item in items { begin(item, done) }
        done()
    }

    private final class Missing {
        private var count: Int

        init(_ count: Int) { self.count = count }

        func isLast() -> Bool {
            count -= 1
            return count == 0
        }
    }
}
