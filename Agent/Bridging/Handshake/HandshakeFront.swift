internal import MCP
internal import NIOCore
internal import StrictJSON
internal import Wire

/// One server as clients of the handshake era see it over Streamable HTTP: sessions, streams, and messages in both directions.
final class HandshakeFront {
    private var sessions: [JSONText: HandshakeClientSession] = [:]
    private let alias: JSONText
    private let now: () -> Int64
    let loop: any EventLoop
    /// What is kept of streams for clients that take them up again.
    let events: EventBudget
    /// Told of each result of a list of tools.
    private let onTools: ([UInt8]) -> Void

    /// The most sessions at a time.
    static let most = 1024

    init(alias: JSONText, _ around: ServerBridge.Surroundings, onTools: @escaping ([UInt8]) -> Void) {
        self.alias = alias
        loop = around.loop
        now = around.now
        events = around.events
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
                let revision = result.text("protocolVersion")?.string ?? ""
                let client = call.request.client
                self.add(HandshakeClientSession(id, client: client, revision: revision, peer: peer, front: self))
                call.answer(RPCText.result(call.id, result.bytes), session: id)
            }
        }
    }

    private func add(_ session: HandshakeClientSession) {
        if sessions.count >= Self.most, let loser = loser(to: session.client) {
            loser.close(PeerAccess())
            sessions[loser.id] = nil
        }
        session.lastUsed = now()
        sessions[session.id] = session
    }

    /// Of the client that has most the session that rests longest: nobody loses his own by those that another begins.
    private func loser(to client: JSONText) -> HandshakeClientSession? {
        let counts = Dictionary(grouping: sessions.values, by: \.client).mapValues(\.count)
        let most = counts.values.max()
        let greediest = counts[client] == most ? client : counts.first { $0.value == most }?.key
        return sessions.values.filter { $0.client == greediest }.min { $0.lastUsed < $1.lastUsed }
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
            session.ask(message, call) { [onTools] answer in
                guard message.method == .toolsList, answer.kind == .response, let result = answer.answer else { return }
                onTools(result)
            }
        case .notification:
            session.hear(message, call.access)
            call.answer(status: 202)
        case .response, .errorResponse:
            if let id = message.idLiteral { session.peer.answer(id, message.bytes, call.access) }
            call.answer(status: 202)
        }
    }
}
