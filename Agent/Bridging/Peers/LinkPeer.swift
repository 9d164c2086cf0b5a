internal import MCP
internal import NIOCore
internal import StrictJSON
internal import Upstreams

/// A server at the other end of a link, of either era; all that share the link share it.
///
/// On one pair of pipes nothing says which request a message belongs to, unless it says so itself: what does not is taken
/// for the youngest request that is under way.
final class LinkPeer: HandshakePeer, ModernPeer, ServerLinkDelegate {
    private enum State {
        case closed, opening, open, over
    }

    private final class Call: PeerCall {
        let id: Int
        let request: PeerRequest
        let peer: LinkPeer
        var delegate: (any PeerCallDelegate)?
        // One reader that is slow must not hold up the others: what it leaves unread is counted where it waits.
        var isReading = true

        init(_ id: Int, _ request: PeerRequest, _ peer: LinkPeer, _ delegate: any PeerCallDelegate) {
            self.id = id
            self.request = request
            self.peer = peer
            self.delegate = delegate
        }

        func cancel(_ reason: String) { peer.cancel(self, reason) }
    }

    private let era: Revisions.Era
    private let link: any ServerLink
    private let loop: any EventLoop
    private var state = State.closed
    private var lastID = 0
    private var calls: [Int: Call] = [:]
    private var opening: [(Opening) -> Void] = []
    private(set) var greeting: RawObject?
    let listeners = PeerListeners()

    /// The most requests that are under way at a time.
    private static let most = 1024

    /// When a request last began or ended, in nanoseconds.
    private(set) var lastUsed: Int64
    private let now: () -> Int64

    init(_ link: any ServerLink, era: Revisions.Era, loop: any EventLoop, now: @escaping () -> Int64) {
        self.link = link
        self.era = era
        self.loop = loop
        self.now = now
        lastUsed = now()
    }

    /// The end of a link that there is not.
    static func missing(
        on loop: any EventLoop,
        now: @escaping () -> Int64,
        because error: UpstreamError = .unreachable
    ) -> LinkPeer {
        LinkPeer(MissingLink(loop, because: error), era: .handshake, loop: loop, now: now)
    }

    /// Whether it can be asked (again).
    var isOver: Bool { state == .over }
    /// Whether anything is under way.
    var isBusy: Bool { !calls.isEmpty || !opening.isEmpty }

    private func start(_ access: PeerAccess) {
        link.authorization = access.authorization
        guard state == .closed else { return }
        state = .opening
        link.open(self)
    }

    private func send(_ message: [UInt8], _ access: PeerAccess? = nil) {
        if let access { link.authorization = access.authorization }
        guard state != .over else { return }
        // A line feed would end the message: in JSON it can only be between two of its parts.
        let line =
            message.contains(0x0A) || message.contains(0x0D)
            ? message.map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 } : message
        link.send(ByteBuffer(bytes: line))
    }

    // MARK: Requests

    func call(_ request: PeerRequest, delegate: any PeerCallDelegate) -> any PeerCall {
        guard state != .over, calls.count < Self.most else {
            let error = UpstreamError(
                state == .over ? .closed : .tooManyConnections,
                "The server is not there any more."
            )
            loop.assumeIsolated().execute { delegate.peerFailed(.failure(.notSent(error))) }
            return EndedCall()
        }
        if !request.isOwn {
            start(request.access)
            lastUsed = now()
        }
        lastID += 1
        let call = Call(lastID, request.sent, self, delegate)
        calls[call.id] = call
        let token = request.progressToken == nil ? nil : RequestID.int(call.id).literal
        send(
            RPCText.request(RequestID.int(call.id).literal, request.method, request.under(progressToken: token)),
            request.isOwn ? nil : request.access
        )
        return call
    }

    /// Whether it can be asked something (in a session, where it has such), and nothing is under way.
    var isResting: Bool { !isOver && !isBusy && (era == .modern ? state == .open : greeting != nil) }

    /// Asks whether the server is there; `done` hears whether it has answered, or nil where the link has ended.
    func probe(within time: TimeAmount, _ done: @escaping (Bool?) -> Void) {
        let params = era == .modern ? ModernClientFacts().enveloped(RawObject(), progressToken: nil) : RawObject()
        var request = PeerRequest(method: era == .modern ? .serverDiscover : .ping, params: params)
        request.isOwn = true
        var timer: Scheduled<Void>?
        let call = call(
            request,
            delegate: OneAnswer { answer in
                timer?.cancel()
                if case .message = answer { done(true) } else { done(nil) }
            }
        )
        timer = loop.assumeIsolated().scheduleTask(in: time) {
            call.cancel("The server does not answer.")
            done(false)
        }
    }

    private func cancel(_ call: Call, _ reason: String) {
        call.delegate = nil
        guard calls.removeValue(forKey: call.id) != nil else { return }
        var params = RawObject()
        params["requestId"] = RequestID.int(call.id).literal
        params.set("reason", .text(reason))
        send(RPCText.notification(.cancelled, params))
    }

    // MARK: The session

    func open(_ params: RawObject, _ access: PeerAccess, _ done: @escaping (Opening) -> Void) {
        if let greeting { return done(.begun(greeting)) }
        opening.append(done)
        guard opening.count == 1 else { return }
        var request = PeerRequest(method: .initialize, params: params)
        request.access = access
        _ = call(request, delegate: OneAnswer { self.opened(Opening($0), access) })
    }

    private func opened(_ opening: Opening, _ access: PeerAccess) {
        if case .begun(let result) = opening {
            greeting = result
            send(RPCText.notification(.initialized, nil), access)
        }
        let waiting = self.opening
        self.opening = []
        for done in waiting { done(opening) }
    }

    func notify(_ method: MCPMethod, _ params: RawObject?, _ access: PeerAccess) {
        guard method != .initialized else { return }
        send(RPCText.notification(method, params), access)
    }

    func answer(_ id: [UInt8], _ message: [UInt8], _ access: PeerAccess) { send(message, access) }

    func listen(_ access: PeerAccess, _ ready: @escaping () -> Void) { ready() }

    // Others may share it: the code that has made it ends it.
    func close(_ access: PeerAccess) {}

    /// Ends the link.
    func stop() {
        guard state != .over else { return }
        state = .over
        link.close()
        fail(.failure(.afterSending(UpstreamError(.closed, "The server was stopped."))))
    }

    private func fail(_ fault: PeerFault) {
        let waiting = calls.values.sorted { $0.id < $1.id }
        calls = [:]
        for call in waiting {
            let delegate = call.delegate
            call.delegate = nil
            delegate?.peerFailed(fault)
        }
    }

    // MARK: What comes

    func linkOpened() {
        if state == .opening { state = .open }
    }

    func linkReceived(_ message: ByteBuffer) {
        // What is no message is not answered: a server that writes a log line there is not cut off for it.
        guard let read = try? PeerMessage(ofServer: Array(message.readableBytesView)) else { return }
        switch read.kind {
        case .response, .errorResponse: receiveAnswer(read)
        case .notification: receiveNotification(read)
        case .request: receiveQuestion(read)
        }
    }

    private func receiveAnswer(_ message: PeerMessage) {
        guard let id = message.id, let call = call(answeredBy: id) else { return }
        calls[call.id] = nil
        if !call.request.isOwn { lastUsed = now() }
        let delegate = call.delegate
        call.delegate = nil
        delegate?.peerAnswered(message)
    }

    private func call(answeredBy id: RequestID) -> Call? {
        switch id {
        case .int(let number): calls[number]
        case .string(let text): Int(text.string).flatMap { calls[$0] }
        }
    }

    private func receiveNotification(_ message: PeerMessage) {
        switch message.method {
        case .progress:
            guard let token = message.progressToken, let call = call(answeredBy: token),
                let said = message.translated(progress: call.id, to: call.request.progressToken)
            else { return }
            call.delegate?.peerSaid(said)
        case .cancelled:
            guard let id = message.cancelled else { return }
            if era == .modern, let call = call(answeredBy: id) {
                // How a modern server ends a subscription.
                calls[call.id] = nil
                call.delegate?.peerFailed(.ended)
            } else {
                listeners.tell(message)
            }
        default:
            if let subscription = message.members.object("_meta")?.value(Openings.subscriptionID) {
                receive(message, ofSubscription: subscription)
            } else if message.method == .message, let call = youngest {
                call.delegate?.peerSaid(message)
            } else {
                listeners.tell(message)
            }
        }
    }

    /// A subscription is named by the id of its request, which is another one for the client.
    private func receive(_ message: PeerMessage, ofSubscription subscription: JSONValue) {
        guard let id = subscription.bytes.withUnsafeBufferPointer({ RequestID(literal: $0) }),
            let call = call(answeredBy: id), var meta = message.members.object("_meta")
        else { return }
        meta[Openings.subscriptionID] = call.request.id
        if let said = message.replacing("_meta", with: meta.bytes) { call.delegate?.peerSaid(said) }
    }

    private func receiveQuestion(_ message: PeerMessage) {
        guard let id = message.idLiteral else { return }
        if message.method == .ping { return send(RPCText.result(id, Array("{}".utf8))) }
        guard era == .handshake else {
            return send(
                RPCText.error(id, RPCText.fault(.methodNotFound, "There are no such requests in this revision."))
            )
        }
        if let call = youngest { call.delegate?.peerAsked(message) } else { listeners.tell(message) }
    }

    private var youngest: Call? {
        calls.values.filter { !$0.request.isOpenEnded && $0.delegate != nil }.max { $0.id < $1.id }
    }

    func linkEnded(_ failure: UpstreamFailure, status: Int?) {
        guard state != .over else { return }
        state = .over
        fail(status.map { .answered(HTTPAnswer(status: $0)) } ?? .failure(failure))
        listeners.end()
    }
}
