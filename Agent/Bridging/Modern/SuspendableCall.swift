internal import MCP
internal import NIOCore
internal import StrictJSON

/// One request of a modern client to a server of the handshake era.
///
/// Where the server asks something meanwhile, the request of the client is answered with the question, and this call waits
/// until the client asks again with the answer.
final class SuspendableCall: PeerCall, PeerCallDelegate {
    let server: ModernOverHandshake
    /// As the client has sent it last.
    var request: PeerRequest
    let binding: StateSeal.Binding
    /// Who waits; nil while the client has to come back.
    var requester: (any PeerCallDelegate)?
    var peer: (any HandshakePeer)?
    var call: (any PeerCall)?
    /// Questions that the client has not answered, by their keys.
    var questions: [(id: [UInt8], question: Rounds.Question)] = []
    var lastKey = 0
    /// What the server wanted of the client that the client does not have.
    var lacking: Set<ServerRequest> = []
    var rounds = 0
    var window: Scheduled<Void>?
    var suspension: UInt64?
    /// What came while nobody waited.
    var backlog: [PeerMessage] = []
    var outcome: Outcome?
    var isRunning = true
    var hasBegunAnew = false

    enum Outcome {
        case answered(PeerMessage)
        case failed(PeerFault)
        /// The server has asked what the policy does not let it ask.
        case forbidden(Rounds.Question)
    }

    /// Questions that come within so short a time are asked together.
    static let windowTime = TimeAmount.milliseconds(25)
    static let mostRounds = 32
    static let mostBacklog = 64
    /// The most bytes that are kept for a client that is away: of what was said, and of the questions of one result.
    static let mostBytes = 256 << 10
    static let mostAsked = 1 << 20

    init(_ request: PeerRequest, of server: ModernOverHandshake, requester: any PeerCallDelegate) {
        self.request = request
        self.server = server
        self.requester = requester
        binding = StateSeal.Binding(
            server: server.sharing.server,
            client: request.client,
            thread: request.thread,
            method: request.method,
            params: request.params
        )
        server.began(self)
    }

    /// Begins a call, or goes on with the one that waits for these answers.
    static func begin(
        _ request: PeerRequest,
        of server: ModernOverHandshake,
        requester: any PeerCallDelegate
    ) -> any PeerCall {
        guard let state = request.params["requestState"] else {
            let call = SuspendableCall(request, of: server, requester: requester)
            call.begin()
            return call
        }
        let call = SuspendableCall(request, of: server, requester: requester)
        let sharing = server.sharing
        guard let text = RawObject.value(state)?.string,
            let opened = sharing.seal.open(text, for: call.binding, now: sharing.now())
        else {
            call.refuseLater("This request state is not one that was given for this request, or its time is over.")
            return call
        }
        guard opened.suspension != repeating else {
            call.repeatOnceOpened()
            return call
        }
        guard let waiting = sharing.suspensions.take(opened.suspension, call.binding) else {
            call.refuseLater("The call that these answers are for has ended: make it anew.")
            return call
        }
        call.end()
        waiting.resume(request, requester)
        return waiting
    }

    /// The number in the state of a call that is simply made again, and of one that nobody can come back to.
    static let repeating: UInt64 = 0
    static let ended = UInt64.max

    var isReading = true {
        didSet { call?.isReading = isReading }
    }

    /// Whether the server works on it, and may ask something meanwhile.
    var isAtServer: Bool { mayAsk && call != nil }

    // MARK: The beginning

    /// Answers `server/discover`.
    func discover() {
        withSession { peer in
            let result = Openings.discoverResult(peer.greeting ?? RawObject())
            self.finish(.answered(RPCText.result(self.request.id, result.bytes)))
        }
    }

    func begin() {
        withSession { peer in
            self.peer = peer
            self.server.hearQuestions(during: self, peer) {
                let level = LogLevel(self.meta.text(Openings.logLevel))
                self.server.ask(for: level, peer, self.request.access) { self.send(to: peer) }
            }
        }
    }

    func withSession(_ body: @escaping (any HandshakePeer) -> Void) {
        server.session(for: request) { result in
            // The client may have gone in the meantime.
            guard self.isRunning else { return }
            switch result {
            case .success(let peer): body(peer)
            case .failure(.failed(let fault)): self.finish(.failed(fault))
            case .failure(.refused(let message)):
                self.finish(.answered(message.under(id: self.request.id)))
            }
        }
    }

    var meta: RawObject { request.params.object("_meta") ?? RawObject() }

    func send(to peer: any HandshakePeer) {
        guard isRunning else { return }
        var next = request
        next.params = Self.plain(request.params)
        call = peer.call(next, delegate: self)
        if !isReading { call?.isReading = false }
    }

    /// The parameters without what the handshake era has no words for.
    static func plain(_ params: RawObject) -> RawObject {
        var params = params
        params["inputResponses"] = nil
        params["requestState"] = nil
        if var meta = params.object("_meta") {
            for name in [Openings.revision, Openings.clientInfo, Openings.clientCapabilities, Openings.logLevel] {
                meta[name] = nil
            }
            params["_meta"] = meta.isEmpty ? nil : meta.bytes
        }
        return params
    }

    // MARK: What comes

    func peerSaid(_ message: PeerMessage) {
        var message = message
        if message.method == .progress {
            // The client comes back with a token of its own for each round.
            guard let token = request.progressToken, let said = message.replacing("progressToken", with: token) else {
                return
            }
            message = said
        }
        if message.method == .message {
            // Messages of the log are for those who have asked for them, in so many words.
            guard let wanted = LogLevel(meta.text(Openings.logLevel)),
                LogLevel(message.members.text("level")) ?? .info >= wanted
            else { return }
        }
        guard let requester else {
            let bytes = backlog.reduce(message.bytes.count) { $0 + $1.bytes.count }
            if backlog.count < Self.mostBacklog, bytes <= Self.mostBytes { backlog.append(message) }
            return
        }
        requester.peerSaid(message)
    }

    func peerHolds(_ bytes: Int) { requester?.peerHolds(bytes) }

    func peerAnswered(_ message: PeerMessage) {
        call = nil
        outcome = .answered(message)
        deliver()
    }

    func peerFailed(_ fault: PeerFault) {
        call = nil
        if case .sessionLost = fault, !hasBegunAnew, rounds == 0 {
            // The server has not looked at the request, so it is made in a session that it knows.
            hasBegunAnew = true
            return begin()
        }
        outcome = .failed(fault)
        deliver()
    }

    func deliver() {
        guard requester != nil, let outcome else { return }
        window?.cancel()
        questions = []
        switch outcome {
        case .failed(let fault): finish(.failed(fault))
        case .forbidden(let question):
            // The result goes no further than to the code that judges what a server may ask, which says why it is refused.
            guard let state = seal(Self.ended) else { return }
            let result = Rounds.asking([question], state: state, serverInfo: server.serverInfo)
            finish(.answered(RPCText.result(request.id, result)))
        case .answered(let message):
            guard message.kind == .response, let result = message.answer else {
                return finish(error: message.answer ?? [], code: message.errorCode)
            }
            guard let told = Results.forModern(result, of: request.method, serverInfo: server.serverInfo) else {
                return finish(.failed(.violated("The server's result is no object.")))
            }
            finish(.answered(RPCText.result(request.id, told)))
        }
    }

    func finish(error: [UInt8], code: Int?) {
        if code == JSONRPCErrorCode.urlElicitationRequired.rawValue, mayAsk {
            let questions = Rounds.questions(ofError: error)
            let capabilities = meta.object(Openings.clientCapabilities) ?? RawObject()
            if !questions.isEmpty,
                questions.allSatisfy({ Capabilities.allow($0.method, params: $0.params, capabilities) }),
                let state = seal(Self.repeating)
            {
                let result = Rounds.asking(questions, state: state, serverInfo: server.serverInfo)
                return finish(.answered(RPCText.result(request.id, result)))
            }
        }
        // A server that cannot go on says so in its own words; what the client can mend is that it lacks something.
        let told = lacking.isEmpty ? Results.errorForModern(error, code: code) : Results.lacking(lacking)
        finish(.answered(RPCText.error(request.id, told)))
    }

    enum Ending {
        case answered([UInt8])
        case failed(PeerFault)
    }

    func finish(_ ending: Ending) {
        let requester = requester
        self.requester = nil
        end()
        switch ending {
        case .failed(let fault): requester?.peerFailed(fault)
        case .answered(let bytes):
            guard let message = try? PeerMessage(ofServer: bytes) else {
                requester?.peerFailed(.violated("The server's answer cannot be taken."))
                return
            }
            requester?.peerAnswered(message)
        }
    }

    func end() {
        guard isRunning else { return }
        isRunning = false
        window?.cancel()
        server.finished(self)
    }

    func refuseLater(_ words: String) {
        server.sharing.loop.assumeIsolated().execute {
            guard self.isRunning else { return }
            self.finish(.answered(RPCText.error(self.request.id, RPCText.fault(.invalidParams, words))))
        }
    }
}
