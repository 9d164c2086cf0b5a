internal import AuditLog
internal import MCP
internal import Policy
internal import StrictJSON
internal import Upstreams

/// One request to all servers, while it is at hand: what it is for, and which server it goes to, if to one.
struct EveryServerRequest {
    let connection: ClientConnection
    let envelope: Envelope
    let params: JSONObject
    let body: UnsafeBufferPointer<UInt8>
    let bytes: UnsafeRawBufferPointer
    /// Where the literal of its id is in the request's bytes.
    let id: Range<Int>?
    let facts: CallAttributes
    let asker: Asker
    /// Those that the client may use, in their order.
    let servers: [ServedServer]
    /// Whether the lists that it needs were asked for already.
    let isRetry: Bool

    private var every: EveryServer { connection.path.everyServer }
    private var gate: Gate { connection.gate }
    var literalID: [UInt8] { connection.literal(id, bytes) ?? [] }

    func serve() {
        switch envelope.method {
        case .initialize, .serverDiscover: introduce()
        case .ping: answer(JSONObject())
        case .toolsList, .promptsList, .resourcesList, .resourceTemplatesList: list()
        case .toolsCall: serve(named: .toolsList, .tool)
        case .promptsGet: serve(named: .promptsList, .prompt)
        case .resourcesRead, .resourcesSubscribe, .resourcesUnsubscribe: serveResource()
        case .completionComplete:
            if envelope.item?.kind == .prompt { serve(named: .promptsList, .prompt) } else { serveResource() }
        case .tasksGet, .tasksUpdate, .tasksCancel, .tasksResult: serveTask()
        case .loggingSetLevel: setLevel()
        case .subscriptionsListen: listen()
        default: deny(.unknownMethod(envelope.era))
        }
    }

    // MARK: Answers of the agent itself

    /// Answers with a result.
    func answer(_ result: JSONObject, session: JSONText? = nil) {
        let body = OwnAnswer.body(result, id: literalID, era: envelope.era)
        connection.answer(body, session: session)
    }

    func deny(_ refusal: Refusal, at server: JSONText? = nil, item: CallItem? = nil) {
        var facts = facts
        if let server {
            facts = CallAttributes(
                call: facts.call,
                trace: facts.trace,
                client: facts.client,
                how: facts.how,
                server: server,
                method: facts.method,
                item: item ?? facts.item
            )
        }
        connection.deny(refusal.about(server, facts.item), facts, id: id, server: nil, bytes)
    }

    /// Says who is here: all servers together.
    private func introduce() {
        let beginner = beginning()
        let visit = Introducing(connection: connection, request: self, asker: beginner)
        connection.gathering = visit
        every.introduce(servers, to: beginner, on: connection) { visit.introduced($0) }
    }

    /// The client with the session that begins with this answer, where it begins one.
    private func beginning() -> Asker {
        guard envelope.method == .initialize, let seed = SessionSeed(initialize: body) else { return asker }
        let key = SessionKey(client: asker.visit.client, server: SessionKey.everyServer, id: Gate.newSessionID())
        connection.path.upkeep.wake()
        return Asker(asker, session: gate.session(for: key, seed: seed))
    }

    private func list() {
        guard !envelope.hasCursor else { return deny(.unknownCursor) }
        GatheredList(on: connection, envelope.method, id: literalID, asker).start(servers)
    }

    private func listen() {
        var uris: [(server: ServedServer, uri: JSONText)] = []
        for uri in envelope.resourceSubscriptionURIs(in: body) {
            guard let (server, own) = resource(uri) else { return deny(.unknownName(.resource, asker.era)) }
            let decision = own.utf8.withUnsafeBufferPointer {
                gate.policy.decide(client: asker.visit.client, server: server.alias, ask: .resource($0))
            }
            guard decision.isAllowed else {
                return deny(
                    .denied(decision),
                    at: server.alias,
                    item: own.utf8.withUnsafeBufferPointer { .resource(uri: $0) }
                )
            }
            uris.append((server, own))
        }
        let stream = MergedStream(on: connection, asker)
        stream.listen(for: envelope.listSubscriptions, uris: uris, id: literalID)
    }

    /// Every server that can has the level; the client hears of none that cannot.
    private func setLevel() {
        // Sessions at servers that begin from here on begin with it.
        _ = asker.session?.note(.level, params: .object(params))
        gate.sessions.noteChange()
        for server in servers where every.facts(of: server, for: asker).has("logging") {
            let key = SessionKey(client: asker.visit.client, server: server.alias, id: asker.session?.key.id ?? "")
            guard let begun = gate.sessions.find(key, now: connection.lastActive), begun.upstream != nil else {
                continue
            }
            let message = asker.request(.loggingSetLevel, params, in: begun)
            WholeAnswer.ask(server.alias, message, for: asker, on: connection) { _ in }
        }
        answer(JSONObject())
    }

    // MARK: Requests for one server

    /// Serves a request about something that has a name in a list.
    private func serve(named list: MCPMethod, _ kind: MCPMethod.ItemKind) {
        guard let item = envelope.item else { return deny(.unknownName(kind, asker.era)) }
        let name = JSONText(utf8: item.name.text(in: body))
        if kind == .tool, let server = servers.first(where: { ExposedName.signIn($0.alias) == name }),
            every.standing(server) == .needsSignIn
        {
            return SignInHelper.answer(self, server)
        }
        if let (server, own) = every.catalogue.resolve(name, list, asker, servers) {
            return route(to: server, item, own)
        }
        // What it could stand for, to say why it stands for nothing.
        guard let (alias, rest) = name.utf8.withUnsafeBufferPointer(ExposedName.parts(of:)),
            let server = servers.first(where: { $0.alias == alias })
        else { return deny(.unknownName(kind, asker.era)) }
        guard isRetry || every.standing(server) != .ready else { return wait(for: list, at: server) }
        deny(unknown(rest, kind, list, at: server), at: alias, item: recorded(rest, kind))
    }

    private func unknown(
        _ rest: JSONText,
        _ kind: MCPMethod.ItemKind,
        _ list: MCPMethod,
        at server: ServedServer
    ) -> Refusal {
        let decision = rest.utf8.withUnsafeBufferPointer {
            gate.policy.decide(
                client: asker.visit.client,
                server: server.alias,
                ask: kind == .tool ? .tool($0) : .prompt($0),
                arguments: .any,
                hints: kind == .tool && gate.policy.looksAtHints ? server.pins.hints(of: $0) : .assumed
            )
        }
        guard decision.isAllowed else { return .denied(decision) }
        // No list has a tool that is held back, and so it stands for nothing here.
        if kind == .tool, !rest.utf8.withUnsafeBufferPointer(server.pins.mayCall) {
            return .quarantined(rest, server: server.alias, server.pins)
        }
        let key = Catalogue.Key(client: asker.visit.client, server: server.alias, method: list, era: asker.era)
        switch every.standing(server) {
        case .needsSignIn: return .credential(.needsSignIn, server: server.alias)
        case .ready where every.catalogue.part(key) != nil: return .unknownName(kind, asker.era)
        case .ready, .down: return .unlisted(server.alias)
        }
    }

    private func recorded(_ name: JSONText, _ kind: MCPMethod.ItemKind) -> CallItem {
        let name = name.utf8.withUnsafeBufferPointer(CallNames.name)
        return kind == .tool ? .tool(name) : .prompt(name)
    }

    /// Looks at the request again once the list is there that says what its name stands for.
    private func wait(for list: MCPMethod, at server: ServedServer) {
        let waiting = Waiting()
        connection.gathering = waiting
        every.catalogue.want(list, at: server, for: asker, on: connection) { [connection] in
            if connection.gathering === waiting { connection.serveEveryServerAgain() }
        }
    }

    private func serveResource() {
        guard let item = envelope.item, let (server, own) = resource(JSONText(utf8: item.name.text(in: body))) else {
            return deny(.unknownName(.resource, asker.era))
        }
        route(to: server, item, own)
    }

    private func resource(_ uri: JSONText) -> (server: ServedServer, own: JSONText)? {
        guard let (alias, own) = ExposedURI.parts(of: uri), let server = servers.first(where: { $0.alias == alias })
        else {
            return nil
        }
        return (server, own)
    }

    /// A task has the id that its server gave it: whose it is says the table of those that this client has made.
    private func serveTask() {
        guard let item = envelope.item else { return deny(.unknownName(.task, asker.era)) }
        let makers = item.name.withText(in: body) { id in
            servers.filter { gate.tasks.tool(of: id, client: asker.visit.client, server: $0.alias) != nil }
        }
        // An id that two servers have given says nothing of either.
        guard makers.count == 1 else { return deny(.unknownTask) }
        route(to: makers[0], item, JSONText(utf8: item.name.text(in: body)))
    }

    private func route(to server: ServedServer, _ item: Envelope.Item, _ own: JSONText) {
        var message = OwnMessage(body)
        message.rename(item, own)
        message.restoreURIs(in: envelope.arguments, of: server.alias)
        message.restoreURIs(in: envelope.argument, of: server.alias)
        let session = asker.session(at: server, gate)
        var inner = asker.message(message.message, method: envelope.methodName?.text(in: body), in: session)
        if asker.era == .modern {
            if envelope.method.isNamedInHeader { inner.name = Array(MCPHeaders.encoded(own.string).utf8) }
            inner.parameters = UpstreamRequestHead.parameters(of: connection.head, in: bytes).map { name, value in
                guard let (alias, uri) = ExposedURI.parts(of: JSONText(utf8: value)), alias == server.alias else {
                    return (name, value)
                }
                return (name, Array(MCPHeaders.encoded(uri.string).utf8))
            }
        }
        let requestID = envelope.id.flatMap { RequestID($0, in: body) }
        RoutedCall(on: connection, to: server, asker, id: requestID).start(inner)
    }
}
