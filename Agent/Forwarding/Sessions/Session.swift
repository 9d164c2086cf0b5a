internal import AuditLog
internal import MCP
internal import Policy
internal import Spool
internal import StrictJSON
internal import TransparencyLog

/// Which session: one of one client at one server.
///
/// The id is the server's own. It is no secret between the agent and the client, and it opens nothing: with it alone, and
/// without the credential of the client that it was given to, there is no such session.
struct SessionKey: Hashable {
    let client: JSONText
    let server: JSONText
    /// Empty for what a client and a server have in common that begin no session.
    let id: JSONText
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
    private(set) var pending: [RequestID: Pending] = [:]
    private(set) var parked: [RequestID: ParkedCall] = [:]
    /// Which events went out, so that their streams can be taken up again.
    var events = EventIDs()
    /// When something last came on a stream that may bring the answers of parked calls.
    var heard: Int64 = .min
    /// Requests that the client has cancelled and that have not ended.
    private var cancelled: Set<RequestID> = []
    /// When the client last answered a request of the server.
    private(set) var answered: Int64 = .min

    /// The most requests of a server that wait at a time, or are refused on one stream; of those of the client that are
    /// taken up again; of those cancelled.
    static let most = 64

    init(_ key: SessionKey, now: Int64) {
        self.key = key
        lastUsed = now
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

    /// Whether an event with an id of this hash went out to the client in this session.
    func knows(event: UInt64) -> Bool {
        events.contains(event) || parked.values.contains { $0.lastEvent == event }
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
