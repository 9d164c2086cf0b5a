internal import MCP
internal import NIOCore
internal import StrictJSON

/// A session of the handshake era as a modern server: it is begun for the first request of those who share it, and what the
/// server asks during a call becomes part of a result, with which the client comes back.
final class ModernOverHandshake: ModernPeer, PeerListener {
    /// What all such sessions of one server share.
    struct Sharing {
        let server: JSONText
        let seal: StateSeal
        let suspensions: Suspensions
        let loop: any EventLoop
        /// Nanoseconds of the machine's own clock.
        let now: () -> Int64
    }

    let sharing: Sharing
    private let asksForAll: Bool
    private let makePeer: () -> any HandshakePeer
    private var peer: (any HandshakePeer)?
    private var listeners: [ModernListener] = []
    private var subscribed: [JSONText: Int] = [:]
    /// How verbose the server was asked to be.
    private var level: LogLevel?
    private(set) var lastUsed: Int64
    /// The requests that are under way, the youngest last.
    private var running: [SuspendableCall] = []
    /// As of the last request.
    private var access = PeerAccess()

    /// - Parameters:
    ///   - sharing: what it shares with other sessions.
    ///   - asksForAll: whether clients share it that can be asked different things, so that the server is told all.
    ///   - makePeer: makes the session with the server.
    init(_ sharing: Sharing, asksForAll: Bool = false, makePeer: @escaping () -> any HandshakePeer) {
        self.sharing = sharing
        self.asksForAll = asksForAll
        self.makePeer = makePeer
        lastUsed = sharing.now()
    }

    /// Whether nobody waits for anything here.
    var isIdle: Bool { running.isEmpty && listeners.isEmpty }

    var serverInfo: [UInt8]? { peer?.greeting?["serverInfo"] }

    /// Ends the session.
    func close() {
        let peer = peer
        self.peer = nil
        level = nil
        subscribed = [:]
        peer?.listeners.remove(self)
        peer?.close(access)
        for listener in listeners { listener.end() }
        listeners = []
    }

    // MARK: The session

    /// Has the session, begun if needed; `done` may be told from within.
    func session(
        for request: PeerRequest,
        _ done: @escaping (Result<any HandshakePeer, SessionProblem>) -> Void
    ) {
        lastUsed = sharing.now()
        access = request.access
        let peer = self.peer ?? makePeer()
        if self.peer == nil {
            self.peer = peer
            peer.listeners.add(self)
        }
        let meta = request.params.object("_meta") ?? RawObject()
        peer.open(Openings.initializeParams(meta, asksForAll: asksForAll), request.access) { [weak self] opening in
            switch opening {
            case .begun: done(.success(peer))
            case .refused(let message):
                self?.forget(peer)
                done(.failure(.refused(message)))
            case .failed(let fault):
                self?.forget(peer)
                done(.failure(.failed(fault)))
            }
        }
    }

    private func forget(_ peer: any HandshakePeer) {
        guard self.peer === peer else { return }
        peer.listeners.remove(self)
        self.peer = nil
    }

    /// Why there is no session.
    enum SessionProblem: Error {
        case refused(PeerMessage)
        case failed(PeerFault)
    }

    /// The server has ended the session: listeners have to come again, since they may have missed something.
    func peerEnded() {
        peer = nil
        level = nil
        subscribed = [:]
        let listeners = listeners
        self.listeners = []
        for listener in listeners { listener.end() }
    }

    // MARK: Requests

    func call(_ request: PeerRequest, delegate: any PeerCallDelegate) -> any PeerCall {
        lastUsed = sharing.now()
        switch request.method {
        case .serverDiscover:
            let call = SuspendableCall(request, of: self, requester: delegate)
            call.discover()
            return call
        case .subscriptionsListen:
            let listener = ModernListener(request, of: self, delegate)
            listener.begin()
            return listener
        case .toolsCall, .toolsList, .promptsList, .promptsGet, .resourcesList, .resourceTemplatesList, .resourcesRead,
            .completionComplete:
            return SuspendableCall.begin(request, of: self, requester: delegate)
        default:
            let fault = RPCText.fault(
                .methodNotFound,
                "\(request.method.name) has no counterpart at the server, which speaks an older revision of MCP."
            )
            return LocalAnswer(RPCText.error(request.id, fault), on: sharing.loop, delegate)
        }
    }

    func began(_ call: SuspendableCall) { running.append(call) }

    func finished(_ call: SuspendableCall) {
        running.removeAll { $0 === call }
        lastUsed = sharing.now()
    }

    /// Hears the server's questions, where it may ask any during a call; then `done`.
    ///
    /// Servers on the official SDK ask for roots, and some for samples, on the stream of the session, and wait for ever where
    /// there is none.
    func hearQuestions(during call: SuspendableCall, _ peer: any HandshakePeer, _ done: @escaping () -> Void) {
        let declared = call.meta.object(Openings.clientCapabilities) ?? RawObject()
        guard call.mayAsk, !Capabilities.ofModernClient(declared).isEmpty else { return done() }
        peer.listen(call.request.access, done)
    }

    // MARK: Logs

    /// Asks the server for messages of a level, where it was not asked for as much before; then `done`.
    func ask(for wanted: LogLevel?, _ peer: any HandshakePeer, _ access: PeerAccess, _ done: @escaping () -> Void) {
        guard let wanted, wanted < level ?? .none,
            peer.greeting?.object("capabilities")?.object("logging") != nil
        else { return done() }
        level = wanted
        var params = RawObject()
        params.set("level", .text(wanted.name))
        var request = PeerRequest(method: .loggingSetLevel, params: params)
        request.access = access
        _ = peer.call(request, delegate: OneAnswer { _ in done() })
    }

    // MARK: What belongs to no request

    func peerSaidAside(_ message: PeerMessage) {
        switch message.kind {
        case .notification:
            for listener in listeners { listener.receive(message) }
        case .request:
            // What does not say which request it belongs to is taken for the youngest that it can belong to.
            let asking = running.filter(\.isAtServer)
            if let call = asking.last(where: { $0.requester != nil }) ?? asking.last { return call.peerAsked(message) }
            // Nobody's request is under way that the client could come back with.
            guard let id = message.idLiteral else { return }
            let words = "No client can be asked now: the question belongs to no request."
            peer?.answer(id, RPCText.error(id, RPCText.fault(.methodNotFound, words)), access)
        case .response, .errorResponse: break
        }
    }

    // MARK: Subscriptions

    /// Has a listener hear; `ready` is told once the server has a way to say something.
    func add(_ listener: ModernListener, _ access: PeerAccess, _ ready: @escaping () -> Void) {
        listeners.append(listener)
        guard let peer else { return ready() }
        peer.listen(access, ready)
    }

    func remove(_ listener: ModernListener) {
        let count = listeners.count
        listeners.removeAll { $0 === listener }
        guard listeners.count < count else { return }
        lastUsed = sharing.now()
        for uri in listener.accepted {
            subscribed[uri, default: 1] -= 1
            guard subscribed[uri] == 0 else { continue }
            subscribed[uri] = nil
            change(.resourcesUnsubscribe, uri, access) { _ in }
        }
    }

    /// Subscribes to resources; `done` hears those that the server has taken.
    func subscribe(_ uris: [JSONText], _ access: PeerAccess, _ done: @escaping ([JSONText]) -> Void) {
        var accepted: [JSONText] = []
        var waiting = uris.count
        guard waiting > 0 else { return done([]) }
        for uri in uris {
            let end = { (isTaken: Bool) in
                if isTaken {
                    accepted.append(uri)
                    self.subscribed[uri, default: 0] += 1
                }
                waiting -= 1
                if waiting == 0 { done(uris.filter(accepted.contains)) }
            }
            if subscribed[uri] != nil { end(true) } else { change(.resourcesSubscribe, uri, access, end) }
        }
    }

    private func change(
        _ method: MCPMethod,
        _ uri: JSONText,
        _ access: PeerAccess,
        _ done: @escaping (Bool) -> Void
    ) {
        guard let peer else { return done(false) }
        var params = RawObject()
        params.set("uri", .string(uri))
        var request = PeerRequest(method: method, params: params)
        request.access = access
        _ = peer.call(
            request,
            delegate: OneAnswer { answer in
                if case .message(let message) = answer { done(message.kind == .response) } else { done(false) }
            }
        )
    }
}
