internal import MCP
internal import NIOCore
internal import ServiceKit
internal import StrictJSON
internal import Wire

/// The one stream on which a client hears what all servers say of themselves: GET in the handshake era,
/// `subscriptions/listen` at 2026-07-28.
///
/// It is open at once and stays open whatever the servers do. In the handshake era a server is listened to once the
/// client's session has begun there, since that is when it may have something to say.
final class MergedStream: Gathering {
    let isStream = true
    let connection: ClientConnection
    let asker: Asker
    /// The literal of the request that opens it; nil for GET.
    private var id: [UInt8]?
    /// The lists whose changes the client wants to hear of.
    private(set) var kinds: ListKinds = .all
    /// The resources that it wants to hear of, by server.
    private var uris: [JSONText: [JSONText]] = [:]
    private var branches: [JSONText: StreamBranch] = [:]
    /// The servers that there are for this client.
    private var aliases: Set<JSONText> = []
    /// Lists that have changed and of which the client was not told.
    private var untold: ListKinds = []
    private var timer: Scheduled<Void>?
    private var retry: Ticker?

    /// How often servers that do not listen are asked again.
    private static let retryAfter = TimeAmount.seconds(5)

    init(on connection: ClientConnection, _ asker: Asker) {
        self.connection = connection
        self.asker = asker
    }

    var client: JSONText { asker.visit.client }
    /// What names it in all that is said on it: the id of its request.
    var subscription: JSONValue? { id.flatMap { try? JSONValue(parsing: $0, topLevel: .anything) } }
    var session: Session? { asker.session }
    private var path: DataPath { connection.path }
    var now: Int64 { path.gate.now() }
    private var isOpen: Bool { connection.gathering === self }

    // MARK: Opening

    /// Opens a stream of the handshake era; with an event, that of its server is taken up behind it.
    func open(behind event: (alias: JSONText, id: [UInt8])?) {
        guard begin() else { return }
        for server in path.everyServer.servers(of: client) {
            if let event, event.alias == server.alias {
                attach(server, behind: event.id)
            } else if hasBegun(server) {
                attach(server)
            }
        }
    }

    /// Opens a subscription.
    ///
    /// - Parameters:
    ///   - kinds: the lists that it is about.
    ///   - uris: the resources.
    ///   - id: the literal of its request.
    func listen(for kinds: ListKinds, uris: [(server: ServedServer, uri: JSONText)], id: [UInt8]) {
        self.kinds = kinds
        self.id = id
        let servers = path.everyServer.servers(of: client)
        var accepted: [JSONText] = []
        for (server, uri) in uris where path.everyServer.facts(of: server, for: asker).subscribes {
            self.uris[server.alias, default: []].append(uri)
            accepted.append(ExposedURI.expose(uri, of: server.alias))
        }
        guard begin() else { return }
        acknowledge(accepted)
        for server in servers { attach(server) }
    }

    private func begin() -> Bool {
        connection.gathering = self
        connection.events.clear()
        guard connection.layOutStreamHead(record: nil, session: nil) else {
            connection.abort()
            return false
        }
        connection.writeStreamHead(isAlone: true)
        aliases = Set(path.everyServer.servers(of: client).map(\.alias))
        path.everyServer.opened(self)
        retry = Ticker(on: path.loop, every: Self.retryAfter) { self.reconsider() }
        return true
    }

    /// The first message of a subscription is what of it was taken (2026-07-28, "Subscriptions").
    private func acknowledge(_ uris: [JSONText]) {
        var taken = JSONObject()
        let names: [(ListKinds, JSONText)] = [
            (.tools, "toolsListChanged"), (.prompts, "promptsListChanged"), (.resources, "resourcesListChanged"),
        ]
        for (kind, name) in names where kinds.contains(kind) { taken[name] = true }
        if !uris.isEmpty { taken["resourceSubscriptions"] = .array(uris.map(JSONValue.string)) }
        send(.subscriptionsAcknowledged, ["notifications": .object(taken)])
        connection.sendEvents(isLast: false)
    }

    /// Lays out a notification of the agent's own.
    private func send(_ method: MCPMethod, _ params: JSONObject = JSONObject()) {
        var body = Array(#"{"jsonrpc":"2.0","method":"\#(method.name)""#.utf8)
        var literal = JSONValue.object(params).bytes
        if let id {
            let meta = Array(#""_meta":{"io.modelcontextprotocol/subscriptionId":"#.utf8) + id + Array("}}".utf8)
            literal = literal.dropLast() + (params.isEmpty ? [] : [UInt8(ascii: ",")]) + meta
        }
        if id != nil || !params.isEmpty { body += Array(#","params":"#.utf8) + literal }
        body.append(UInt8(ascii: "}"))
        body.withUnsafeBytes { connection.events.append(data: $0, id: nil) }
    }

    // MARK: Servers

    private func hasBegun(_ server: ServedServer) -> Bool {
        guard let session else { return false }
        let key = SessionKey(client: client, server: server.alias, id: session.key.id)
        return path.gate.sessions.find(key, now: path.gate.now())?.upstream != nil
    }

    /// Listens to a server, if it is not listened to.
    func attach(_ server: ServedServer, behind event: [UInt8]? = nil) {
        let now = path.gate.now()
        let last = branches[server.alias]
        guard isOpen, last?.mayBeginAgain(now) ?? true, path.everyServer.standing(server) == .ready else { return }
        let branch = StreamBranch(of: self, server, after: last, now: now)
        branches[server.alias] = branch
        var message: InnerMessage
        if asker.era == .modern {
            var wanted = JSONObject()
            if kinds.contains(.tools) { wanted["toolsListChanged"] = true }
            if kinds.contains(.prompts) { wanted["promptsListChanged"] = true }
            if kinds.contains(.resources) { wanted["resourcesListChanged"] = true }
            if let uris = uris[server.alias] { wanted["resourceSubscriptions"] = .array(uris.map(JSONValue.string)) }
            // Under the client's own id, which then names the subscription in all that the server says of it.
            let id = subscription ?? 1
            message = asker.request(.subscriptionsListen, ["notifications": .object(wanted)], id: id, in: nil)
        } else {
            message = asker.message([], method: nil, in: asker.session(at: server, path.gate))
            message.method = .get
            message.event = event
        }
        branch.start(message)
    }

    /// Policy or servers are others, or some time has gone: whom the client may listen to is listened to again, and whom it
    /// may not is not.
    func reconsider() {
        guard isOpen else { return }
        guard path.gate.closure == nil, path.gate.isKnown(client: client) else { return connection.abort() }
        let servers = path.everyServer.servers(of: client)
        let aliases = Set(servers.map(\.alias))
        for (alias, branch) in branches where !aliases.contains(alias) {
            branch.cancel()
            branches[alias] = nil
        }
        if aliases != self.aliases { changed(.all) }
        self.aliases = aliases
        for server in servers where asker.era == .modern || hasBegun(server) { attach(server) }
    }

    /// A server says that lists of its own are others now, or the agent that its set of servers is.
    func changed(_ kinds: ListKinds, of server: JSONText? = nil) {
        if let server { path.everyServer.catalogue.invalidate(kinds, of: server, client: client) }
        untold.formUnion(kinds.intersection(self.kinds))
        guard !untold.isEmpty, timer == nil else { return }
        // Of several changes in a row the client is told once.
        let rest = TimeAmount.nanoseconds(path.gate.configuration.changeRest.nanoseconds)
        timer = path.loop.assumeIsolated().scheduleTask(in: rest) {
            self.timer = nil
            guard self.isOpen else { return }
            for method in self.untold.notifications { self.send(method) }
            self.untold = []
            self.connection.sendEvents(isLast: false)
        }
    }

    /// Passes on what a server says.
    func pass(_ bytes: UnsafeBufferPointer<UInt8>, _ id: UnsafeRawBufferPointer?, of alias: JSONText) {
        guard isOpen else { return }
        connection.append(bytes, id, ExposedMessage(alias: alias))
        connection.sendEvents(isLast: false)
    }

    // MARK: The client

    func clientGone() {
        path.everyServer.closed(self)
        timer?.cancel()
        timer = nil
        retry?.cancel()
        retry = nil
        let left = branches.values
        branches = [:]
        for branch in left { branch.cancel() }
    }

    func clientWritable(_ isWritable: Bool) {
        for branch in branches.values { branch.setWritable(isWritable) }
    }
}
