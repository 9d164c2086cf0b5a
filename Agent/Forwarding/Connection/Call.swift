internal import AuditLog
internal import MCP
internal import Policy
internal import Spool
internal import StrictJSON
internal import Wire

/// What there is to know of the request that a connection has under way.
///
/// An object, since everything that happens to the request looks at it: a copy would cost a count of references for each
/// of the names in it, every time.
final class Call {
    let server: ServedServer
    let client: JSONText
    let how: ClientProof
    /// What its records say; nil for what has no records: notifications, pings, answers, GET and DELETE.
    var facts: CallFacts?
    /// Where its beginning is recorded.
    var spool: Spool?
    var method = MCPMethod.unknown
    var era = Revisions.Era.handshake
    let trace: TraceContext
    /// When it began, in nanoseconds.
    let began: Int64
    /// Where the body stands in the request's bytes.
    let body: Range<Int>
    /// Where the literal of the request's id stands in the request's bytes.
    var id: Range<Int>?
    var permit = LimitPermit()
    /// Whether it is to be answered with a task.
    var asksForTask = false
    /// The session that it belongs to.
    var session: Session?
    /// The lists of which its client hears on its stream when they change; empty for what opens no stream.
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

    /// The session that the server begins with its answer.
    var newSession: JSONText?
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
    /// When the last byte came from the server, in nanoseconds.
    var lastByte: Int64

    init(
        server: ServedServer,
        client: JSONText,
        how: ClientProof,
        trace: TraceContext,
        body: Range<Int>,
        now: Int64
    ) {
        self.server = server
        self.client = client
        self.how = how
        self.trace = trace
        self.body = body
        began = now
        lastByte = now
    }

    /// Its client hears on its stream when these lists change.
    func listen(for kinds: ListKinds, shown policy: PolicySnapshot) {
        guard !kinds.isEmpty else { return }
        listens = kinds
        shown = policy
    }

    /// Takes its slots away, for whoever is to give them back.
    func takePermit() -> LimitPermit {
        defer { permit = LimitPermit() }
        return permit
    }

    /// What judges the answers to it.
    func judge(_ gate: Gate) -> ReplyJudge {
        ReplyJudge(
            method: method,
            era: era,
            policy: gate.policy,
            client: client,
            server: server.alias,
            limits: gate.configuration.replyLimits,
            tasks: gate.tasks
        )
    }
}

/// A client's credential that was looked up once: the next request of its connection shows the same.
struct KnownClient {
    /// The value of the header.
    let value: [UInt8]
    let name: JSONText
    let number: Int
    /// Which list of clients it was found in.
    let generation: Int
}

/// Who sent a request, and where it goes.
struct Visit {
    var route = Route.nowhere
    var method = RequestMethod.other
    var client = Gate.local
    /// Stands for it where it is counted.
    var clientNumber = Gate.localNumber
    var how = ClientProof.local
    /// The origin of the page that asks, where the settings let it in.
    var origin: [UInt8]?
    /// The headers that its browser wants to send, where it asks first (Fetch, "CORS-preflight request").
    var preflight: [UInt8]?
    /// Whether the connection ends after it.
    var closes = false
}
