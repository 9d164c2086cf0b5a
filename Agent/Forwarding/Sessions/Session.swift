internal import AuditLog
internal import MCP
internal import StrictJSON

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
        let facts: CallFacts?
        /// When it was passed on, in nanoseconds.
        let began: Int64
        let bytes: Int
        /// The connection on whose stream it went to the client.
        let stream: ObjectIdentifier
    }

    /// A request of the client whose stream has ended before its answer, and may be taken up again (`Last-Event-ID`).
    struct Parked {
        let facts: CallFacts
        let method: MCPMethod
        let began: Int64
        let bytesIn: Int
    }

    let key: SessionKey
    var lastUsed: Int64
    private(set) var pending: [RequestID: Pending] = [:]
    private(set) var parked: [RequestID: Parked] = [:]
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

    /// Whether a question of the server waits for the client: the clock of its calls stands still.
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

    /// Takes everything that is still open.
    func takeAll() -> (pending: [Pending], parked: [Parked]) {
        defer {
            pending = [:]
            parked = [:]
        }
        return (Array(pending.values), Array(parked.values))
    }

    // MARK: Requests of the client

    /// Remembers a request for the stream that may bring its answer; false where that cannot be.
    func park(_ id: RequestID, _ request: Parked) -> Bool {
        guard parked.count < Self.most, parked[id] == nil else { return false }
        parked[id] = request
        return true
    }

    /// Looks for the request that an answer is for.
    func parkedRequest(_ id: RequestID) -> Parked? { parked[id] }

    /// Takes it.
    func unpark(_ id: RequestID) { parked[id] = nil }

    /// Takes note that the client gave up a request.
    func cancel(_ id: RequestID) {
        if cancelled.count < Self.most { cancelled.insert(id) }
    }

    /// Whether the client gave up any request that has not ended.
    var hasCancelled: Bool { !cancelled.isEmpty }

    /// Whether the client gave up a request, which has ended now.
    func endCancelled(_ id: RequestID) -> Bool { cancelled.remove(id) != nil }
}
