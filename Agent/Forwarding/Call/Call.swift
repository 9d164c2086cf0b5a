internal import AuditLog
internal import MCP
internal import NIOCore
internal import Policy
internal import Spool
internal import StrictJSON
internal import Upstreams
internal import Wire

/// One request of a client that goes to a server, from the decision to the last byte of the answer.
///
/// It decides nothing itself: what was allowed says `CallAuthorizer`, what comes next `CallMachine`, what of the answer
/// goes on `ResponseFilter`, which are values without I/O. The call owns its machine and its exchange with the server, whose
/// delegate it is, and so it costs no task and no promise. It belongs to the event loop.
///
/// The connection holds its call as `call` while the client waits, and as `draining` while the rest of an answer is read
/// that the client has long had; it lets go of it at the end of either, so the two do not keep each other alive. What
/// comes for a call that was let go of (a renewed credential, the record of its beginning) finds its machine at rest.
final class Call {
    let connection: ClientConnection
    let server: ServedServer
    let client: JSONText
    let how: ClientProof
    /// What its records say; nil for what has no records: notifications, pings, answers, GET and DELETE.
    var facts: CallAttributes?
    /// Where its beginning is recorded.
    var spool: Spool?
    /// The record that the coordinator has to countersign before a byte leaves; nil where it need not.
    var countersigned: UInt64?
    var method = MCPMethod.unknown
    var era = Revisions.Era.handshake
    let trace: TraceContext
    /// When it began, in nanoseconds.
    let began: Int64
    /// Where the body is in the request's bytes.
    let body: Range<Int>
    /// Where the literal of the request's id is in the request's bytes.
    var id: Range<Int>?
    /// The slots of the limits that it has.
    var permit: LimitPermit
    /// Whether it is to be answered with a task.
    var asksForTask = false
    /// The session that it belongs to.
    var session: Session?
    /// The number of the server's session that it was sent in.
    var generation: UInt32 = 0
    /// The conversation that its address names; empty where it names none.
    var thread: JSONText = ""
    /// The lists whose changes its client hears on its stream; empty for a request that opens no stream.
    var listens: ListKinds = []
    /// Of these the ones that have changed, and the client does not know.
    var untold: ListKinds = []
    /// The policy by which its client knows these lists.
    var shown: PolicySnapshot?
    /// Whether the server has said that it takes the subscription.
    var isAcknowledged = false
    /// The request of the server that it answers.
    var answered: Session.Pending?
    /// The value of the header that was shown to the server.
    var authorization: [UInt8]?

    // The exchange with the server.
    var machine = CallMachine()
    var exchange: UpstreamExchange?
    /// When the last byte came from the server, in nanoseconds.
    var lastByte: Int64
    /// The one message of a JSON answer, or events that are not whole.
    var collected = ByteBuffer()
    /// Bytes of an answer that were read for the sake of its connection alone.
    var drained = 0

    // A list that is asked for as a whole.
    /// Whether its client gets the whole list, whatever pages the server cuts.
    var isWholeList = false
    /// What there is of it; nil before a page was read that is not the only one.
    var list: WholeList?
    /// The request for the next page, in place of the client's own.
    var page: ListPageRequest?

    // The answer.
    /// The server's id of the session that it begins with its answer.
    var newSession: JSONText?
    /// The agent's own id of that session.
    var boundID: JSONText?
    /// Cuts an event stream; nil before one has begun.
    var splitter: EventStreamSplitter?
    /// The hash of the id of the last event; with one a stream that breaks off can be taken up again.
    var lastEvent: UInt64?
    /// Until when the head of an event stream waits for a first message, in nanoseconds.
    var commitBy = Int64.max
    /// Requests of the server on its stream that were refused.
    var refusedRequests = 0
    /// Whether the head of an event stream has gone to the client.
    var isCommitted = false
    /// Bytes of bodies that went to the client.
    var bytesOut = 0

    init(
        on connection: ClientConnection,
        server: ServedServer,
        session: Session?,
        permit: LimitPermit = LimitPermit(),
        authorization: [UInt8]? = nil,
        trace: TraceContext,
        body: Range<Int>
    ) {
        self.connection = connection
        self.server = server
        self.session = session
        self.permit = permit
        self.authorization = authorization
        client = connection.visit.client
        how = connection.visit.how
        self.trace = trace
        self.body = body
        began = connection.lastActive
        lastByte = began
    }

    var path: DataPath { connection.path }
    var gate: Gate { connection.gate }

    /// Whether its client still waits for something.
    var isUnanswered: Bool { machine.isUnanswered }

    /// Its client hears on its stream when these lists change.
    func listen(for kinds: ListKinds, shown policy: PolicySnapshot) {
        guard !kinds.isEmpty else { return }
        listens = kinds
        shown = policy
    }

    /// Takes the slots out of the call; the caller has to give them back.
    func takePermit() -> LimitPermit {
        defer { permit = LimitPermit() }
        return permit
    }

    /// What judges the answers to it.
    var judge: ResponseFilter {
        ResponseFilter(
            method: method,
            era: era,
            policy: gate.policy,
            client: client,
            server: server.alias,
            limits: gate.replyLimits,
            tasks: gate.tasks,
            pins: server.pins
        )
    }

    // MARK: The request

    /// The id of the request, as one that can be compared.
    var requestID: RequestID? {
        guard let range = id else { return nil }
        let request = connection.request
        return request.withUnsafeReadableBytes { bytes in
            RequestID(literal: UnsafeRawBufferPointer(rebasing: bytes[range]).bindMemory(to: UInt8.self))
        }
    }

    /// The literal of the id of the request.
    var literalID: [UInt8]? { connection.literal(id) }

    /// The revision that the client's head names.
    var version: [UInt8]? {
        let request = connection.request
        return request.withUnsafeReadableBytes { bytes in
            connection.head.value(.protocolVersion, in: bytes).map { Array($0) }
        }
    }

    // MARK: The session

    /// The key of what the client and the server have in common outside of sessions.
    var sessionless: SessionKey { SessionKey(client: client, server: server.alias, id: "") }

    /// Where the requests of the server are that belong to this call.
    var openSession: Session? {
        guard era == .handshake else { return nil }
        return session ?? gate.sessions.find(sessionless, now: gate.now())
    }

    /// The session of a key; begins one if the key has no session yet.
    func beginSession(_ key: SessionKey) -> Session {
        defer { path.upkeep.wake() }
        return gate.beginSession(key)
    }

    /// Forgets a session that has ended.
    func dropSession(_ session: Session) {
        guard let ended = gate.sessions.end(session.key) else { return }
        gate.close(ended)
    }
}
