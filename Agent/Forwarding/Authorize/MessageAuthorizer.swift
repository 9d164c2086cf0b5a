internal import MCP
internal import Policy
internal import StrictJSON

/// Decides whether what has no id may go to its server: notifications, answers to requests of the server, GET and DELETE.
///
/// As with `CallAuthorizer` each list is the order in which the guards are asked. None of these is recorded, and most of
/// them cannot be answered with an error: their client hears it with its next request.
enum MessageAuthorizer {
    /// Asks every guard of a notification or an answer until one refuses.
    ///
    /// - Parameters:
    ///   - envelope: the message.
    ///   - body: the bytes that hold it.
    ///   - headers: the headers that repeat parts of it.
    ///   - authorities: the state of client, server and everything that they share.
    /// - Returns: how the message goes to its server.
    /// - Throws: `MessageDenial`, by the first guard that refuses.
    static func authorize<Authorities: MessageAuthorities>(
        _ envelope: Envelope,
        in body: UnsafeBufferPointer<UInt8>,
        headers: MCPHeaders,
        by authorities: Authorities
    ) throws(MessageDenial) -> MessagePlan<Authorities.Server> {
        // First what the message is, as with a request.
        if let refusal = CallAuthorizer.flaw(of: envelope, in: body, headers: headers) {
            throw .error(refusal.about(authorities.shownAlias))
        }
        let server = try server(authorities)
        // Over HTTP the modern era has no messages of clients but requests: they are taken and go nowhere.
        guard headers.era == .handshake, envelope.era == .handshake else { throw .status(202) }
        // The session before the message, since an answer is for a request that was made within one.
        let session = try session(authorities, at: server)
        switch envelope.kind {
        case .response, .errorResponse:
            // An answer to nothing goes nowhere.
            guard let id = envelope.id.flatMap({ RequestID($0, in: body) }),
                let pending = authorities.takePending(id, in: session, at: server)
            else { throw .status(202) }
            return MessagePlan(server: server, session: session, answered: pending)
        case .notification, .request:
            let client = authorities.client
            guard CallAuthorizer.isKnown(envelope.method, in: .handshake),
                CallAuthorizer.decide(
                    envelope,
                    in: body,
                    policy: authorities.policy,
                    client: client,
                    server: server.alias,
                    hints: { authorities.hints(of: $0, at: server) }
                )
                .isAllowed
            else { throw .status(202) }
            return MessagePlan(server: server, session: session)
        }
    }

    /// Asks every guard of GET (the server's own stream) or DELETE (the end of a session) until one refuses.
    ///
    /// - Parameters:
    ///   - kind: which of the two.
    ///   - headers: what the head says of it.
    ///   - lastEvent: the event behind which the client wants to go on; nil or empty for a new stream.
    ///   - authorities: what is known of client, server and everything that they share.
    /// - Returns: how the request goes to its server.
    /// - Throws: `MessageDenial`, by the first guard that refuses.
    static func authorize<Authorities: MessageAuthorities>(
        _ kind: CallKind,
        headers: MCPHeaders,
        behind lastEvent: UnsafeBufferPointer<UInt8>?,
        by authorities: Authorities
    ) throws(MessageDenial) -> MessagePlan<Authorities.Server> {
        // First what the request is: an unknown revision may have other rules.
        if let refusal = CallAuthorizer.flaw(ofVersion: headers.protocolVersion) {
            throw .error(refusal.about(authorities.shownAlias))
        }
        // The modern era has neither, at any server.
        guard headers.era == .handshake else { throw .plainly(.noBareMethods, 405) }
        let server = try server(authorities)
        // The session before the policy: with a 404 the client knows that it has to begin another.
        let session: Session?
        switch authorities.session(in: .handshake, at: server) {
        case .unknown: throw .plainly(.unknownSession.about(server.alias), 404)
        case .none:
            guard kind == .stream else { throw .plainly(.noSession.about(server.alias), 400) }
            session = nil
        case .found(let found): session = found
        }
        let decision = authorities.policy.decide(client: authorities.client, server: server.alias, ask: .method)
        guard decision.isAllowed else { throw .instead(.denied(decision).about(server.alias)) }
        // Last, since it depends on the session: a server may take an event's id for all that it needs to know, and
        // show what it said to another client.
        if kind == .stream, let lastEvent, !lastEvent.isEmpty,
            !authorities.wasGiven(event: lastEvent, in: session, at: server)
        {
            throw .error(.unknownEvent.about(server.alias))
        }
        return MessagePlan(server: server, session: session)
    }

    /// The server of the path, if it is open to this user at all: the three guards in the order of `CallAuthorizer`.
    private static func server<Authorities: MessageAuthorities>(
        _ authorities: Authorities
    ) throws(MessageDenial) -> Authorities.Server {
        if let refusal = authorities.closed { throw .instead(refusal.about(authorities.shownAlias)) }
        let policy = authorities.policy
        if policy.isClosed {
            let decision = policy.decide(client: authorities.client, server: "", ask: .method)
            throw .instead(.denied(decision).about(authorities.shownAlias))
        }
        guard let server = authorities.server, policy.knows(server: server.alias) else { throw .status(404) }
        return server
    }

    private static func session<Authorities: MessageAuthorities>(
        _ authorities: Authorities,
        at server: Authorities.Server
    ) throws(MessageDenial) -> Session? {
        switch authorities.session(in: .handshake, at: server) {
        case .unknown: throw .error(.unknownSession.about(server.alias))
        case .none: return nil
        case .found(let session): return session
        }
    }
}

/// Why something without an id may not go.
enum MessageDenial: Error, Equatable {
    /// An error of JSON-RPC.
    case error(Refusal)
    /// A status, with the message of a refusal.
    case plainly(Refusal, Int)
    /// The status that what is refused has in place of an error.
    case instead(Refusal)
    /// A status alone.
    case status(Int)
}

/// How something without an id goes to its server, once every guard has let it pass; its credential is looked up then.
struct MessagePlan<Server> {
    let server: Server
    /// The session that it belongs to.
    let session: Session?
    /// The request of the server that it answers.
    var answered: Session.Pending?
}

/// What the guards ask beside that about what has no id.
protocol MessageAuthorities: CallAuthorities {
    /// The server's alias as the client has named it, for the message of an answer: whether or not there is such a
    /// server.
    var shownAlias: JSONText? { get }

    /// Takes the request of the server that an answer is for.
    func takePending(_ id: RequestID, in session: Session?, at server: Server) -> Session.Pending?
    /// Whether an event with this id went out to the client in this session.
    func wasGiven(event id: UnsafeBufferPointer<UInt8>, in session: Session?, at server: Server) -> Bool
}

extension MCPHeaders {
    /// The era of what has no `_meta`: the header says it.
    var era: Revisions.Era { protocolVersion.flatMap(Revisions.era(of:)) ?? .handshake }
}
