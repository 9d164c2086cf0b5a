internal import AuditLog
internal import MCP
internal import Policy
internal import Spool
internal import StrictJSON
internal import TransparencyLog

/// Which session: one of one client at one server.
///
/// The id is the agent's own, and outlives the server's session behind it. It opens nothing: with it alone, and without
/// the credential of the client that it was given to, there is no such session.
struct SessionKey: Hashable {
    let client: JSONText
    let server: JSONText
    /// Empty for what a client and a server have in common that begin no session.
    let id: JSONText

    /// Whether it is the one that a client has with all its servers at once, each of which has one of the same id behind it.
    var isOfAll: Bool { server.utf8.isEmpty }
}

/// What has to be remembered between the requests of one session of the handshake era.
final class Session {
    /// A request of the server that the client has yet to answer.
    struct Pending {
        /// What its records say; nil for a ping, which is not recorded.
        let facts: CallAttributes?
        /// Where its beginning is recorded.
        let spool: Spool?
        /// When it was passed on, in nanoseconds.
        let began: Int64
        let bytes: Int
        /// The connection on whose stream it went to the client; the session itself once that stream is parked.
        var stream: ObjectIdentifier
    }

    let key: SessionKey
    var lastUsed: Int64
    /// The hash that identifies it on disk; nil for a session without an id.
    var mark: Hash?

    // The server's session behind it.
    /// The server's id; empty where the server gives none, nil where its session has to be begun before it is asked.
    private(set) var upstream: JSONText?
    /// Counts the sessions of the server that were begun for this one.
    private(set) var generation: UInt32 = 0
    /// What it takes to begin the server's session once more; nil: it ends with it.
    private(set) var seed: SessionSeed?
    /// What the server said of itself when the agent began its session; nil where the client did.
    private(set) var welcome: JSONValue?
    /// The beginning that is under way.
    var beginning: SessionBeginning?
    /// What is kept on disk of the other side; nil where it has to be sealed anew.
    var sealed: [UInt8]?
    /// Answers that the server owes and will not give any more: the client gets them where it looks for them.
    private(set) var owed: [[UInt8]] = []
    /// Whether the client has to look at the server's lists again: another program may have them now.
    var hasStaleLists = false

    private(set) var pending: [RequestID: Pending] = [:]
    private(set) var parked: [RequestID: ParkedCall] = [:]
    /// Which events went out, so that their streams can be taken up again.
    var events = EventIDs()
    /// Those of a session of the server that is no more, or of a run of the agent that is: no server is asked for them.
    private var formerEvents: FormerEvents = .none
    /// When something last came on a stream that may bring the answers of parked calls.
    var heard: Int64 = .min
    /// Requests that the client has cancelled and that have not ended.
    private var cancelled: Set<RequestID> = []
    /// When the client last answered a request of the server.
    private(set) var answered: Int64 = .min

    /// The most requests of a server that wait at a time, or are refused on one stream; of those of the client that are
    /// taken up again; of those cancelled.
    static let most = 64

    /// Events behind which no stream can be taken up again, although the client was given them.
    private enum FormerEvents {
        case none
        case known(EventIDs)
        /// An earlier run of the agent has passed them on.
        case unknown
    }

    /// A session.
    ///
    /// - Parameters:
    ///   - key: whose and where.
    ///   - now: the time, in nanoseconds.
    ///   - upstream: the server's id; empty: none is needed.
    ///   - seed: what it takes to begin the server's session once more.
    init(_ key: SessionKey, now: Int64, upstream: JSONText? = "", seed: SessionSeed? = nil) {
        self.key = key
        lastUsed = now
        self.upstream = upstream
        self.seed = seed
    }

    /// Whether a question of the server waits for the client: the clock of its calls is stopped.
    var isWaitingForClient: Bool { pending.values.contains { $0.facts != nil } }

    // MARK: Requests of the server

    /// Remembers a request that goes to the client; false where too many wait, or one of this id does.
    func add(_ id: RequestID, _ request: Pending) -> Bool {
        guard pending.count < Self.most, pending[id] == nil else { return false }
        pending[id] = request
        return true
    }

    /// Takes the request that an answer of the client is for.
    func answer(_ id: RequestID, now: Int64) -> Pending? {
        guard let request = pending.removeValue(forKey: id) else { return nil }
        answered = now
        return request
    }

    /// Takes all requests that went over a stream which has ended.
    func abandon(stream: ObjectIdentifier) -> [Pending] {
        guard pending.values.contains(where: { $0.stream == stream }) else { return [] }
        let abandoned = pending.filter { $0.value.stream == stream }
        for id in abandoned.keys { pending[id] = nil }
        return Array(abandoned.values)
    }

    /// Keeps the requests that went over a stream which is parked: they end with the last call that is.
    func keepPending(of stream: ObjectIdentifier) {
        for (id, request) in pending where request.stream == stream {
            pending[id]?.stream = ObjectIdentifier(self)
        }
    }

    /// Takes everything that the client has yet to answer.
    func takePending() -> [Pending] {
        defer { pending = [:] }
        return Array(pending.values)
    }

    // MARK: Requests of the client

    /// Whether another request can be kept for the stream that may bring its answer.
    func canPark(_ id: RequestID) -> Bool { parked.count < Self.most && parked[id] == nil }

    /// Keeps a request; to be called by `ParkedCalls`, which counts them all.
    func park(_ id: RequestID, _ call: ParkedCall) { parked[id] = call }

    /// Takes one out; to be called by `ParkedCalls`.
    func unpark(_ id: RequestID) -> ParkedCall? { parked.removeValue(forKey: id) }

    /// Gives back the slots of a parked request.
    func releaseSlots(_ id: RequestID) { parked[id]?.permit.release() }

    /// Takes the slots out of a parked request; the caller has to give them back.
    func takeSlots(_ id: RequestID) -> LimitPermit {
        defer { parked[id]?.permit = LimitPermit() }
        return parked[id]?.permit ?? LimitPermit()
    }

    /// Takes all out; to be called by `ParkedCalls`.
    func unparkAll() -> [ParkedCall] {
        defer { parked = [:] }
        return Array(parked.values)
    }

    /// Whether the server can be asked to go on behind an event: it went out to the client in this session.
    func knows(event: UInt64) -> Bool {
        events.contains(event) || parked.values.contains { $0.lastEvent == event }
    }

    /// Whether the client may name an event: one that it was given, or may have been given before.
    func accepts(event: UInt64) -> Bool {
        switch formerEvents {
        case .none: knows(event: event)
        case .known(let former): former.contains(event) || knows(event: event)
        case .unknown: true
        }
    }

    /// Whether the server cannot be asked to go on behind an event that the client may name.
    func isFormer(event: UInt64) -> Bool {
        switch formerEvents {
        case .none: false
        case .known(let former): former.contains(event) && !knows(event: event)
        case .unknown: !knows(event: event)
        }
    }

    /// Takes note that the client gave up a request.
    func cancel(_ id: RequestID) {
        if cancelled.count < Self.most { cancelled.insert(id) }
    }

    /// Whether the client gave up any request that has not ended.
    var hasCancelled: Bool { !cancelled.isEmpty }

    /// Whether the client gave up this request, which has not ended.
    func hasCancelled(_ id: RequestID) -> Bool { cancelled.contains(id) }

    /// Whether the client gave up a request, which has ended now.
    func endCancelled(_ id: RequestID) -> Bool { cancelled.remove(id) != nil }
}

// The server's session behind it.
extension Session {
    /// Takes what there is of the server's session; another run of the agent may have begun it.
    func take(upstream id: JSONText?, seed: SessionSeed?, isEarlier: Bool = false) {
        upstream = id
        self.seed = seed
        sealed = nil
        if isEarlier { formerEvents = .unknown }
    }

    /// The server has begun another session.
    func began(upstream id: JSONText, welcome: JSONValue) {
        upstream = id
        self.welcome = welcome
        generation &+= 1
        hasStaleLists = true
        sealed = nil
    }

    /// The server does not know its session any more.
    ///
    /// - Parameter answers: answers in its place to the calls that were under way there.
    func loseUpstream(owed answers: [[UInt8]]) {
        upstream = nil
        sealed = nil
        if case .unknown = formerEvents {} else { formerEvents = .known(events) }
        events = EventIDs()
        owed += answers.prefix(max(0, Self.most - owed.count))
    }

    /// Takes the answers that the client has to get.
    func takeOwed() -> [[UInt8]] {
        defer { owed = [] }
        return owed
    }

    /// Takes note of what a server would have to be asked again; returns whether anything has changed.
    func note(_ wish: SessionSeed.Wish, params: JSONValue) -> Bool {
        guard seed?.note(wish, params: params) ?? false else { return false }
        sealed = nil
        return true
    }
}
