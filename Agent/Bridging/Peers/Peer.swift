internal import MCP
internal import StrictJSON
internal import Upstreams

/// For whom the bridge asks a server: what goes with each request beside its message.
struct PeerAccess {
    /// The value of `Authorization`.
    var authorization: [UInt8]?
    /// The value of `traceparent`.
    var trace: [UInt8]?
    /// Whose share of the server's connections it takes.
    var clientNumber = 0

    init() {}

    init(_ request: BridgedRequest) {
        authorization = request.authorization
        trace = request.trace
        clientNumber = request.clientNumber
    }
}

/// One request to a server, before it has an id there.
struct PeerRequest {
    let method: MCPMethod
    var params: RawObject
    /// The literal of the id that the client has given it.
    var id: [UInt8] = []
    /// Whose it is, and in which conversation; empty where there is one alone.
    var client: JSONText = ""
    var thread: JSONText = ""
    var access = PeerAccess()
    /// Whether the server may ask its client such a thing, by the policy.
    var mayBeAsked: (ServerRequest) -> Bool = { _ in true }
    /// Whether the agent asks on its own account, so that it is no use of what it asks.
    var isOwn = false
    /// Whether it is a stream that lasts for as long as its client listens.
    var isOpenEnded: Bool { method == .subscriptionsListen }

    /// Whether a server may get it twice by mistake, as a request that only reads.
    var isRepeatable: Bool {
        switch method {
        case .ping, .serverDiscover, .toolsList, .resourcesList, .resourceTemplatesList, .promptsList: true
        default: false
        }
    }

    /// What has to be known of it once it has left.
    var sent: PeerRequest {
        var sent = self
        sent.params = RawObject()
        guard let progressToken else { return sent }
        var meta = RawObject()
        meta["progressToken"] = progressToken
        sent.params.set("_meta", meta)
        return sent
    }

    /// The literal of the token under which the client wants to hear of its progress.
    var progressToken: [UInt8]? { params.object("_meta")?["progressToken"] }

    /// What the header `Mcp-Name` says of it.
    var name: String? {
        guard method.isNamedInHeader else { return nil }
        return (params.text("name") ?? params.text("uri") ?? params.text("taskId"))?.string
    }

    /// The same with another progress token; nil: none.
    func under(progressToken: [UInt8]?) -> RawObject {
        var params = params
        guard var meta = params.object("_meta") else { return params }
        meta["progressToken"] = progressToken
        params["_meta"] = meta.isEmpty ? nil : meta.bytes
        return params
    }
}

/// Why a request got no message in answer.
enum PeerFault {
    case failure(UpstreamFailure)
    /// The server answered over HTTP with something else.
    case answered(HTTPAnswer)
    /// What came breaks the protocol; the words are for people.
    case violated(String)
    /// The server does not know the session, and so has not taken the request.
    case sessionLost

    static let ended = PeerFault.violated("The server ended its answer before it gave one.")
}

/// Hears of one request to a server; nothing more after the answer or the fault.
protocol PeerCallDelegate: AnyObject {
    /// A notification that belongs to the request.
    func peerSaid(_ message: PeerMessage)
    /// A question of the server that belongs to it; answered by `HandshakePeer.answer`.
    func peerAsked(_ message: PeerMessage)
    /// The response, whatever its id.
    func peerAnswered(_ message: PeerMessage)
    func peerFailed(_ fault: PeerFault)
    /// So many bytes wait for the rest of their message.
    func peerHolds(_ bytes: Int)
}

extension PeerCallDelegate {
    func peerHolds(_ bytes: Int) {}
}

/// A request that is under way.
protocol PeerCall: AnyObject {
    /// Whether what comes is read.
    var isReading: Bool { get set }
    /// The client no longer waits; the delegate hears nothing more.
    func cancel(_ reason: String)
}

/// A server of the modern era.
protocol ModernPeer: AnyObject {
    /// Asks it, in the modern era's own words. The delegate never hears from within this function.
    func call(_ request: PeerRequest, delegate: any PeerCallDelegate) -> any PeerCall
}

/// A server of the handshake era, within one session.
protocol HandshakePeer: AnyObject {
    /// Who hears what belongs to no request, and of the end.
    var listeners: PeerListeners { get }
    /// The result of `initialize`; nil before the session has begun.
    var greeting: RawObject? { get }

    /// Begins the session, or says at once what it has begun with.
    ///
    /// `done` hears the result of `initialize`, or an error of the server; it may be told from within.
    func open(_ params: RawObject, _ access: PeerAccess, _ done: @escaping (Opening) -> Void)
    /// Asks it; the session must have begun.
    func call(_ request: PeerRequest, delegate: any PeerCallDelegate) -> any PeerCall
    func notify(_ method: MCPMethod, _ params: RawObject?, _ access: PeerAccess)
    /// Answers a question: `id` is the literal of its id, `message` the whole response, with that id.
    func answer(_ id: [UInt8], _ message: [UInt8], _ access: PeerAccess)
    /// Has it say what belongs to no request, where it has to be asked to; `ready` is told once nothing of it is lost any
    /// more, or where there is no such thing. It may be told from within.
    func listen(_ access: PeerAccess, _ ready: @escaping () -> Void)
    func close(_ access: PeerAccess)
}

/// How a session has begun, or why not.
enum Opening {
    /// The result of `initialize`.
    case begun(RawObject)
    /// The server's error, as a message.
    case refused(PeerMessage)
    case failed(PeerFault)
}

/// A call that has ended before it began.
final class EndedCall: PeerCall {
    var isReading = true
    func cancel(_ reason: String) {}
}
