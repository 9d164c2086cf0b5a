internal import MCP
internal import NIOCore
internal import StrictJSON
internal import Wire

/// One server as clients of the handshake era see it over Streamable HTTP: sessions, streams, and messages in both directions.
final class HandshakeFront {
    private var sessions: [JSONText: HandshakeClientSession] = [:]
    private let alias: JSONText
    private let now: () -> Int64
    /// Told of each result of a list of tools.
    private let onTools: ([UInt8]) -> Void

    /// The most sessions at a time; the one that rests longest goes.
    private static let most = 1024

    init(alias: JSONText, now: @escaping () -> Int64, onTools: @escaping ([UInt8]) -> Void) {
        self.alias = alias
        self.now = now
        self.onTools = onTools
    }

    var isEmpty: Bool { sessions.isEmpty }

    func knows(_ session: JSONText) -> Bool { sessions[session] != nil }

    func endAll() {
        for session in sessions.values { session.close(PeerAccess()) }
        sessions = [:]
    }

    // MARK: The beginning

    /// Begins a session for a client's `initialize`.
    ///
    /// - Parameters:
    ///   - call: the client's request.
    ///   - message: its message.
    ///   - makePeer: makes the server's end for the session of this id.
    ///   - refused: hears where the server has refused it: true where somebody else answers the call.
    func begin(
        _ call: BridgedCall,
        _ message: PeerMessage,
        makePeer: (JSONText) -> any HandshakePeer,
        refused: @escaping (PeerMessage) -> Bool = { _ in false }
    ) {
        let id = Self.newID()
        let peer = makePeer(id)
        peer.open(message.members, call.access) { opening in
            switch opening {
            case .failed(let fault): call.fail(fault)
            case .refused(let error):
                if !refused(error) { call.answer(error.under(id: call.id)) }
            case .begun(var result):
                guard !call.isEnded else { return peer.close(call.access) }
                // The session may be shared with a client of a newer revision.
                let asked = Openings.agreed(on: message.members.text("protocolVersion"))
                if let given = result.text("protocolVersion")?.string, asked < given {
                    result.set("protocolVersion", .text(asked))
                }
                self.add(HandshakeClientSession(id, client: call.request.client, peer: peer, front: self))
                call.answer(RPCText.result(call.id, result.bytes), session: id)
            }
        }
    }

    private func add(_ session: HandshakeClientSession) {
        if sessions.count >= Self.most, let oldest = sessions.values.min(by: { $0.lastUsed < $1.lastUsed }) {
            oldest.close(PeerAccess())
            sessions[oldest.id] = nil
        }
        session.lastUsed = now()
        sessions[session.id] = session
    }

    /// Forgets a session whose server has ended.
    func forget(_ session: HandshakeClientSession) { sessions[session.id] = nil }

    private static func newID() -> JSONText {
        var random = SystemRandomNumberGenerator()
        let words = [random.next(), random.next()]
        return JSONText(words.map { String($0 | 1 << 63, radix: 16) }.joined())
    }

    // MARK: Within a session

    /// Serves what belongs to a session; false where there is no such session.
    func serve(_ call: BridgedCall, _ message: PeerMessage?) -> Bool {
        guard let id = call.request.session, let session = sessions[id],
            call.request.client.utf8.isEmpty || call.request.client == session.client
        else { return false }
        session.lastUsed = now()
        switch call.request.method {
        case .get: session.listen(call)
        case .delete:
            session.close(call.access)
            sessions[id] = nil
            call.answer(status: 200)
        default:
            guard let message else { return false }
            receive(message, call, session)
        }
        return true
    }

    private func receive(_ message: PeerMessage, _ call: BridgedCall, _ session: HandshakeClientSession) {
        switch message.kind {
        case .request:
            if message.method == .toolsList {
                call.onAnswer = { [onTools] answer in
                    if answer.kind == .response, let result = answer.answer { onTools(result) }
                }
            }
            session.ask(message, call)
        case .notification:
            session.hear(message, call.access)
            call.answer(status: 202)
        case .response, .errorResponse:
            if let id = message.idLiteral { session.peer.answer(id, message.bytes, call.access) }
            call.answer(status: 202)
        }
    }
}

/// One session of a client of the handshake era.
final class HandshakeClientSession: PeerListener {
    let id: JSONText
    let client: JSONText
    let peer: any HandshakePeer
    var lastUsed: Int64 = 0
    private unowned let front: HandshakeFront
    /// The stream on which the client hears what belongs to no request.
    private var stream: BridgedCall?
    private var running: [RequestID: BridgedCall] = [:]
    /// What waits for such a stream: a change of a list is worth telling later too.
    private var waiting: [PeerMessage] = []

    private static let mostWaiting = 16

    init(_ id: JSONText, client: JSONText, peer: any HandshakePeer, front: HandshakeFront) {
        self.id = id
        self.client = client
        self.peer = peer
        self.front = front
        peer.listeners.add(self)
    }

    func close(_ access: PeerAccess) {
        peer.listeners.remove(self)
        peer.close(access)
        stream?.finish()
        stream = nil
    }

    /// Sends a request of the client on.
    func ask(_ message: PeerMessage, _ call: BridgedCall) {
        var request = PeerRequest(method: message.method, params: message.members)
        request.id = call.id
        request.client = client
        request.access = call.access
        if let id = message.id {
            running[id] = call
            call.onEnd = { [weak self] in self?.running[id] = nil }
        }
        let running = peer.call(request, delegate: call)
        guard !call.isEnded else { return }
        call.running = running
        if !call.isReading { running.isReading = false }
    }

    /// Hears a notification of the client.
    func hear(_ message: PeerMessage, _ access: PeerAccess) {
        guard message.method == .cancelled else { return peer.notify(message.method, message.members, access) }
        guard let id = message.cancelled, let call = running[id], let request = call.running else { return }
        call.running = nil
        request.cancel("The client has taken it back.")
        // A request that was taken back has no answer; its stream ends.
        call.fail(.violated("The request was taken back."))
    }

    /// Takes the client's stream; of several the newest is the one that is read.
    func listen(_ call: BridgedCall) {
        stream?.finish()
        stream = call
        call.onEnd = { [weak self, weak call] in
            guard let self, self.stream === call else { return }
            self.stream = nil
        }
        call.beginStream()
        for message in waiting { call.say(message.bytes) }
        waiting = []
        peer.listen(call.access)
    }

    func peerSaidAside(_ message: PeerMessage) {
        if let stream { return stream.say(message.bytes) }
        if message.kind == .request {
            guard let id = message.idLiteral else { return }
            let fault = RPCText.fault(.methodNotFound, "The client has no stream on which it could be asked this.")
            return peer.answer(id, RPCText.error(id, fault), PeerAccess())
        }
        let isChange = [.toolsListChanged, .promptsListChanged, .resourcesListChanged].contains(message.method)
        guard isChange, waiting.count < Self.mostWaiting, !waiting.contains(where: { $0.method == message.method })
        else { return }
        waiting.append(message)
    }

    func peerEnded() {
        stream?.finish()
        stream = nil
        front.forget(self)
    }
}
