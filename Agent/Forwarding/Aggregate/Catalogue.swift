internal import MCP
internal import Policy
internal import StrictJSON

/// The lists of all servers as each client knows them, and so also what the names stand for that the client was shown.
///
/// Each part is what one server has answered one client, whose policy, session and credential it depends on. A server
/// that is slow is waited for once: from then on its last known part is shown until it answers.
final class Catalogue {
    /// Whose list of which server.
    struct Key: Hashable {
        let client: JSONText
        let server: JSONText
        let method: MCPMethod
        let era: Revisions.Era
    }

    /// A part with what decides for how long it holds.
    private struct Known {
        var part: ListPart
        var fetched: Int64
        var freshUntil: Int64
        let policy: PolicySnapshot
        /// The client's session at all servers; empty in the modern era.
        var session: JSONText
        var bytes: Int
    }

    private unowned let path: DataPath
    private var known: [Key: Known] = [:]
    private var fetches: [Key: PatientFetch] = [:]
    private var bytes = 0

    /// For how long a part holds of which its server does not say so, and for how long it holds at most, in nanoseconds.
    private static let rest: Int64 = 5_000_000_000
    private static let longestRest: Int64 = 300_000_000_000
    /// The most that is kept of all parts, in bytes; then the oldest go.
    private static let most = 64 << 20

    init(path: DataPath) {
        self.path = path
    }

    // MARK: What is known

    /// The last known part.
    func part(_ key: Key) -> ListPart? { known[key]?.part }

    /// The server and its own name of what the client calls so in lists of this kind; nil for what it was not shown.
    func resolve(_ exposed: JSONText, _ method: MCPMethod, _ asker: Asker, _ servers: [ServedServer])
        -> (server: ServedServer, own: JSONText)?
    {
        for server in servers {
            let key = Key(client: asker.visit.client, server: server.alias, method: method, era: asker.era)
            if let own = known[key]?.part.own(exposed) { return (server, own) }
        }
        return nil
    }

    /// The entries of a part that the client may see now.
    func entries(_ key: Key, at server: ServedServer) -> [ListPart.Entry] {
        guard let part = known[key]?.part else { return [] }
        let policy = path.gate.policy
        return part.entries.filter { entry in
            let decision = entry.own.utf8.withUnsafeBufferPointer { own in
                let ask: Ask =
                    switch key.method {
                    case .toolsList: .tool(own)
                    case .promptsList: .prompt(own)
                    default: .resource(own)
                    }
                let hints: ToolHints =
                    key.method == .toolsList && policy.looksAtHints ? server.pins.hints(of: own) : .assumed
                return policy.decide(client: key.client, server: key.server, ask: ask, arguments: .any, hints: hints)
            }
            return decision.isAllowed && (key.method != .toolsList || server.pins.shows(entry.own))
        }
    }

    /// For how many milliseconds a part still holds, where its server has said so.
    func ttl(_ key: Key, now: Int64) -> Int {
        guard let known = known[key], known.part.ttl != nil else { return 0 }
        return Int(max(0, known.freshUntil - now) / 1_000_000)
    }

    // MARK: What is asked for

    /// Has a part asked for where it is not fresh; `then` is called once, when the patience of a `PatientFetch` ends at the latest.
    func want(
        _ method: MCPMethod,
        at server: ServedServer,
        for asker: Asker,
        on connection: ClientConnection,
        then: @escaping () -> Void
    ) {
        let key = Key(client: asker.visit.client, server: server.alias, method: method, era: asker.era)
        if isFresh(key, asker) { return then() }
        if let fetch = fetches[key] { return fetch.join(then) }
        let fetch = PatientFetch(on: path.loop, then)
        fetches[key] = fetch
        let policy = path.gate.policy
        let message = asker.request(method, in: asker.session(at: server, path.gate))
        WholeAnswer.ask(server.alias, message, for: asker, on: connection) { answer in
            self.received(answer, key, fetch, policy, asker)
        }
    }

    private func isFresh(_ key: Key, _ asker: Asker) -> Bool {
        guard let known = known[key] else { return false }
        return known.freshUntil > path.gate.now() && known.policy === path.gate.policy
            && known.session == asker.session?.key.id ?? ""
    }

    private func received(
        _ answer: [UInt8]?,
        _ key: Key,
        _ fetch: PatientFetch,
        _ policy: PolicySnapshot,
        _ asker: Asker
    ) {
        guard fetches[key] === fetch else { return fetch.end() }
        fetches[key] = nil
        let now = path.gate.now()
        let old = known[key]?.part
        let new = answer.flatMap { ListPart($0, key.method, of: key.server) ?? Self.none($0, key) }
        // What failed is not asked for again at once.
        let rest = new?.ttl.map { min(Int64(max(0, $0)) * 1_000_000, Self.longestRest) } ?? Self.rest
        if let part = new ?? old {
            keep(
                Known(
                    part: part,
                    fetched: now,
                    freshUntil: fetch.isStale ? now : now + rest,
                    policy: policy,
                    session: asker.session?.key.id ?? "",
                    bytes: part.entries.reduce(0) { $0 + $1.bytes.count + 64 }
                ),
                key
            )
        }
        fetch.end()
        if fetch.isOverdue, let new, !new.isSame(as: old) {
            path.everyServer.changed(ListKinds(key.method), for: key.client)
        }
    }

    /// A server without such lists has an empty one.
    private static func none(_ answer: [UInt8], _ key: Key) -> ListPart? {
        let error = (try? JSONValue(lenientlyParsing: answer))?["error"]?["code"]?.int
        guard error == JSONRPCErrorCode.methodNotFound.rawValue, let names = ListPart.names(key.method) else {
            return nil
        }
        let empty: JSONValue = ["result": .object([names.list: []])]
        return ListPart(empty.bytes, key.method, of: key.server)
    }

    private func keep(_ part: Known, _ key: Key) {
        bytes += part.bytes - (known[key]?.bytes ?? 0)
        known[key] = part
        while bytes > Self.most, known.count > 1,
            let oldest = known.min(by: { $0.value.fetched < $1.value.fetched })?.key
        {
            bytes -= known.removeValue(forKey: oldest)?.bytes ?? 0
        }
    }

    // MARK: What changes

    /// Lists of a server are others now, for one client or for all: what is known of them is asked for again.
    func invalidate(_ kinds: ListKinds, of server: JSONText, client: JSONText?) {
        for key in known.keys where key.server == server && kinds.contains(ListKinds(key.method)) {
            if client == nil || key.client == client { known[key]?.freshUntil = .min }
        }
        for (key, fetch) in fetches where key.server == server && kinds.contains(ListKinds(key.method)) {
            if client == nil || key.client == client { fetch.isStale = true }
        }
    }

    /// Forgets what servers and clients have that are gone.
    func forget(where isGone: (Key) -> Bool) {
        for key in known.keys where isGone(key) { bytes -= known.removeValue(forKey: key)?.bytes ?? 0 }
        for key in fetches.keys where isGone(key) { fetches.removeValue(forKey: key)?.end() }
    }
}

extension ListKinds {
    /// The kind of the entries that a method lists.
    init(_ method: MCPMethod) {
        switch method {
        case .toolsList: self = .tools
        case .promptsList: self = .prompts
        case .resourcesList, .resourceTemplatesList: self = .resources
        default: self = []
        }
    }
}
