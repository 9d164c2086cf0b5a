internal import MCP
internal import NIOCore
internal import StrictJSON
internal import Upstreams
internal import Wire

/// One session with a server of the handshake era over Streamable HTTP.
final class HTTPHandshakePeer: HandshakePeer {
    let server: HTTPServer
    /// The session's id, taken from a successful `initialize` alone; nil where the server has given none.
    private(set) var session: JSONText?
    private(set) var greeting: RawObject?
    /// What was agreed on.
    private(set) var version: [UInt8]?
    private(set) var isOver = false
    private var lastID = 0
    private var opening: [(Opening) -> Void] = []
    private var stream: HTTPSessionStream?
    private var deadline: Scheduled<Void>?

    /// A server says what it is in few words; some take their time to start.
    private static let longestGreeting = 256 << 10
    private static let patience = TimeAmount.seconds(30)

    let listeners = PeerListeners()

    init(_ server: HTTPServer) {
        self.server = server
    }

    /// A request within the session.
    func request(_ access: PeerAccess, body: [UInt8] = []) -> HTTPRequest {
        var request = HTTPRequest()
        request.body = body
        request.version = version
        request.session = session
        request.authorization = access.authorization
        request.trace = access.trace
        request.clientNumber = access.clientNumber
        return request
    }

    // MARK: The beginning

    func open(_ params: RawObject, _ access: PeerAccess, _ done: @escaping (Opening) -> Void) {
        if let greeting { return done(.begun(greeting)) }
        opening.append(done)
        guard opening.count == 1 else { return }
        lastID += 1
        let number = lastID
        let id = RequestID.int(number).literal
        var request = request(access, body: RPCText.request(id, .initialize, params))
        request.isRepeatable = true
        var given: JSONText?
        var answer: PeerMessage?
        var exchange: MessageExchange?
        deadline = server.loop.assumeIsolated().scheduleTask(in: Self.patience) {
            exchange?.cancel()
            exchange = nil
            let error = UpstreamError(.timeout, "The server does not begin a session in time.")
            self.tell(.failed(.failure(.afterSending(error))))
        }
        exchange = MessageExchange.send(
            request,
            to: server.answering(atMost: Self.longestGreeting),
            onHead: { given = $0.session },
            onMessage: { message in
                guard answer == nil, message.kind == .response || message.kind == .errorResponse,
                    message.kind == .errorResponse || message.id?.answers(.int(number)) == true
                else { return }
                answer = message
                // Some servers leave this stream open.
                exchange?.leave(on: self.server.loop)
                self.opened(message, session: given, access)
            },
            onEnd: { how in
                exchange = nil
                guard answer == nil else { return }
                switch how {
                case .complete: self.tell(.failed(.ended))
                case .failed(let failure): self.tell(.failed(.failure(failure)))
                case .violated(let words): self.tell(.failed(.violated(words)))
                case .answered(let answer): self.tell(.failed(.answered(answer)))
                }
            }
        )
    }

    private func opened(_ message: PeerMessage, session: JSONText?, _ access: PeerAccess) {
        guard message.kind == .response, let result = message.answer.flatMap({ RawObject($0) }) else {
            return tell(.refused(message))
        }
        if let session {
            guard (1...1024).contains(session.utf8.count), session.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
            else {
                return tell(.failed(.violated("The server's session has an id that none may have.")))
            }
            self.session = session
        }
        version = result.text("protocolVersion")?.utf8
        let request = request(access, body: RPCText.notification(.initialized, nil))
        // Requests before the server has heard this may be refused.
        _ = MessageExchange.send(
            request,
            to: server,
            onMessage: { _ in },
            onEnd: { _ in
                self.greeting = result
                self.tell(.begun(result))
            }
        )
    }

    private func tell(_ opening: Opening) {
        deadline?.cancel()
        deadline = nil
        let waiting = self.opening
        self.opening = []
        for done in waiting { done(opening) }
    }

    // MARK: Within the session

    func call(_ request: PeerRequest, delegate: any PeerCallDelegate) -> any PeerCall {
        lastID += 1
        let call = HTTPHandshakeCall(request, id: lastID, peer: self, delegate: delegate)
        call.send()
        return call
    }

    func notify(_ method: MCPMethod, _ params: RawObject?, _ access: PeerAccess) {
        // Said when the session began.
        guard method != .initialized else { return }
        sayAside(RPCText.notification(method, params), access)
    }

    func answer(_ id: [UInt8], _ message: [UInt8], _ access: PeerAccess) {
        sayAside(message, access)
    }

    /// Says what has no answer.
    func sayAside(_ message: [UInt8], _ access: PeerAccess) {
        guard !isOver else { return }
        var request = request(access, body: message)
        request.lane = .aside
        _ = MessageExchange.send(request, to: server, onMessage: { _ in }, onEnd: { _ in })
    }

    /// A message that came on a stream of the session and belongs to no request that waits.
    func receiveUnrelated(_ message: PeerMessage, _ access: PeerAccess) {
        if message.kind == .request, message.method == .ping, let id = message.idLiteral {
            return sayAside(RPCText.result(id, Array("{}".utf8)), access)
        }
        guard message.kind == .request || message.kind == .notification else { return }
        listeners.tell(message)
    }

    func listen(_ access: PeerAccess, _ ready: @escaping () -> Void) {
        guard !isOver else { return ready() }
        let stream = self.stream ?? HTTPSessionStream(self)
        self.stream = stream
        stream.open(access, ready)
    }

    /// The server has forgotten the session.
    func lost() {
        guard !isOver else { return }
        isOver = true
        stream?.close()
        stream = nil
        listeners.end()
    }

    func close(_ access: PeerAccess) {
        guard !isOver else { return }
        isOver = true
        stream?.close()
        stream = nil
        guard session != nil else { return }
        var request = request(access)
        request.method = .delete
        request.lane = .aside
        _ = MessageExchange.send(request, to: server, onMessage: { _ in }, onEnd: { _ in })
    }
}
