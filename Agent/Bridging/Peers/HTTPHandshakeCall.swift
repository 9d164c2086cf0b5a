internal import MCP
internal import NIOCore
internal import StrictJSON
internal import Upstreams
internal import Wire

/// One request within a session over Streamable HTTP; a stream that breaks off is taken up again where the server lets it.
final class HTTPHandshakeCall: PeerCall {
    private var request: PeerRequest
    private let id: Int
    private let peer: HTTPHandshakePeer
    private var delegate: (any PeerCallDelegate)?
    private var exchange: MessageExchange?
    private var timer: Scheduled<Void>?
    private var resumptions = 0
    private var lastEventID: [UInt8]?

    private static let mostResumptions = 100

    init(_ request: PeerRequest, id: Int, peer: HTTPHandshakePeer, delegate: any PeerCallDelegate) {
        self.request = request
        self.id = id
        self.peer = peer
        self.delegate = delegate
    }

    var isReading = true {
        didSet { exchange?.isReading = isReading }
    }

    func cancel(_ reason: String) {
        guard delegate != nil else { return }
        delegate = nil
        timer?.cancel()
        var params = RawObject()
        params["requestId"] = RequestID.int(id).literal
        params.set("reason", .text(reason))
        peer.sayAside(RPCText.notification(.cancelled, params), request.access)
        // It may yet say something, which nobody waits for.
        exchange?.leave(on: peer.server.loop)
        exchange = nil
    }

    func send() {
        let token = request.progressToken == nil ? nil : RequestID.int(id).literal
        let params = request.under(progressToken: token)
        let body = RPCText.request(
            RequestID.int(id).literal,
            request.method,
            params.isEmpty && request.method.isList ? nil : params
        )
        var http = peer.request(request.access, body: body)
        http.isRepeatable = request.isRepeatable
        request = request.sent
        exchange(http)
    }

    private func resume() {
        timer = nil
        guard delegate != nil else { return }
        var http = peer.request(request.access)
        http.method = .get
        http.lastEventID = lastEventID
        exchange(http)
    }

    private func exchange(_ http: HTTPRequest) {
        exchange = MessageExchange.send(
            http,
            to: peer.server,
            onMessage: { self.receive($0) },
            onEnd: { self.end($0, hasSession: http.session != nil) }
        )
        exchange?.onHold = { [weak self] in self?.delegate?.peerHolds($0) }
        if !isReading { exchange?.isReading = false }
    }

    private func receive(_ message: PeerMessage) {
        guard let delegate else { return }
        resumptions = 0
        switch message.kind {
        case .notification:
            guard let said = message.translated(progress: id, to: request.progressToken) else { return }
            delegate.peerSaid(said)
        case .request where message.method == .ping:
            peer.receiveUnrelated(message, request.access)
        case .request:
            delegate.peerAsked(message)
        case .response, .errorResponse:
            guard message.id.map({ $0.answers(.int(id)) }) ?? (message.kind == .errorResponse) else {
                return fail(.violated("The server answers another request than the one that was made."))
            }
            answer(message)
        }
    }

    private func end(_ how: MessageExchange.End, hasSession: Bool) {
        let mark = exchange?.lastEventID
        let retry = exchange?.retry
        exchange = nil
        guard delegate != nil else { return }
        if let mark { lastEventID = mark }
        switch how {
        case .complete, .failed(.afterSending):
            // Behind an event with an id the server keeps what it says (2025-11-25, "Resumability and Redelivery").
            guard lastEventID != nil, resumptions < Self.mostResumptions, !how.isTooLarge else {
                if case .failed(let failure) = how { return fail(.failure(failure)) }
                return fail(.ended)
            }
            resumptions += 1
            let wait = TimeAmount.milliseconds(Int64(min(max(retry ?? 500, 50), 30_000)))
            timer = peer.server.loop.assumeIsolated().scheduleTask(in: wait) { self.resume() }
        case .failed(let failure): fail(.failure(failure))
        case .violated(let words): fail(.violated(words))
        case .answered(let answer):
            if hasSession, answer.endsSession || answer.saysUnknownSession {
                peer.lost()
                return fail(.sessionLost)
            }
            guard ![401, 403, 429].contains(answer.status), let error = answer.error else {
                return fail(.answered(answer))
            }
            self.answer(error)
        }
    }

    private func answer(_ message: PeerMessage) {
        exchange?.leave(on: peer.server.loop)
        exchange = nil
        let delegate = delegate
        self.delegate = nil
        delegate?.peerAnswered(message)
    }

    private func fail(_ fault: PeerFault) {
        exchange?.cancel()
        exchange = nil
        let delegate = delegate
        self.delegate = nil
        delegate?.peerFailed(fault)
    }
}

extension MessageExchange.End {
    /// Whether it would come to the same again.
    fileprivate var isTooLarge: Bool {
        if case .failed(.afterSending(let error)) = self { error.code == .tooLarge } else { false }
    }
}

extension HTTPAnswer {
    /// Whether a 400 says that the session is not known, as some servers do in place of 404.
    var saysUnknownSession: Bool {
        // What names a request was read, and so was not refused for its session alone.
        guard status == 400, let error, error.id == nil || error.id == .string("server-error"),
            let message = error.answer.flatMap({ RawObject($0) })?.text("message")
        else {
            return false
        }
        return message.string.lowercased().contains("session")
    }
}
