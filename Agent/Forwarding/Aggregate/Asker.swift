internal import MCP
internal import StrictJSON

/// Who asks for all servers, and how: what every request that the agent makes for it has in common.
struct Asker {
    let visit: RequestContext
    let era: Revisions.Era
    /// The revision that the client speaks.
    let version: [UInt8]?
    /// `_meta` of a modern request, without what is about that request alone.
    let meta: JSONObject
    /// The client's session at all servers; nil in the modern era.
    let session: Session?
    /// The conversation that the address names.
    let thread: JSONText
    let trace: TraceContext

    /// What of `_meta` every request has to say again.
    private static let kept: [JSONText] = [
        "io.modelcontextprotocol/protocolVersion", "io.modelcontextprotocol/clientCapabilities",
        "io.modelcontextprotocol/clientInfo",
    ]

    /// The client of a request, whose `params` these are.
    init(
        _ visit: RequestContext,
        _ envelope: Envelope,
        params: JSONObject?,
        version: [UInt8]?,
        session: Session?,
        thread: JSONText,
        trace: TraceContext
    ) {
        self.visit = visit
        era = envelope.era
        self.version = version
        self.session = session
        self.thread = thread
        self.trace = trace
        var meta = JSONObject()
        for name in Self.kept { meta[name] = params?["_meta"]?[name] }
        self.meta = meta
    }

    /// The same client, within a session.
    init(_ other: Asker, session: Session) {
        visit = other.visit
        era = other.era
        version = other.version
        meta = other.meta
        self.session = session
        thread = other.thread
        trace = other.trace
    }

    /// For what has no body: GET and DELETE.
    init(_ visit: RequestContext, version: [UInt8]?, session: Session?, thread: JSONText, trace: TraceContext) {
        self.visit = visit
        era = .handshake
        self.version = version
        meta = JSONObject()
        self.session = session
        self.thread = thread
        self.trace = trace
    }

    /// The client's session at one server: it begins there with the first request that needs it.
    func session(at server: ServedServer, _ gate: Gate) -> Session? {
        guard let session, let seed = session.seed else { return nil }
        let key = SessionKey(client: visit.client, server: server.alias, id: session.key.id)
        return gate.session(for: key, seed: seed)
    }

    /// A request of the agent itself.
    ///
    /// - Parameters:
    ///   - method: what is asked.
    ///   - params: without `_meta`.
    ///   - id: the literal of its id.
    ///   - session: the one at the server.
    /// - Returns: the request, to be started.
    func request(_ method: MCPMethod, _ params: JSONObject = JSONObject(), id: JSONValue = 1, in session: Session?)
        -> InnerMessage
    {
        var params = params
        if era == .modern { params["_meta"] = .object(meta) }
        let name = JSONText(
            utf8: UnsafeBufferPointer(start: method.name.utf8Start, count: method.name.utf8CodeUnitCount)
        )
        let body: JSONValue = [
            "jsonrpc": "2.0", "id": id, "method": .string(name), "params": .object(params),
        ]
        return message(body.bytes, method: name.utf8, in: session)
    }

    /// A message in the client's own words.
    func message(_ body: [UInt8], method: [UInt8]?, in session: Session?) -> InnerMessage {
        var message = InnerMessage(body: body)
        message.thread = thread
        if era == .modern {
            message.version = version
            message.rpc = method
        } else {
            message.session = session?.key.id
            // Each server speaks the revision that it has agreed on.
            message.version = session?.welcome?["protocolVersion"]?.string?.utf8
        }
        return message
    }
}
