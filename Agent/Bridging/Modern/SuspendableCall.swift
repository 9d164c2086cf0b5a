internal import MCP
internal import NIOCore
internal import StrictJSON

/// One request of a modern client to a server of the handshake era. Where the server asks something meanwhile, the request
/// of the client is answered with the question, and this call waits until the client asks again with the answer.
final class SuspendableCall: PeerCall, PeerCallDelegate {
    private let server: ModernOverHandshake
    /// As the client has sent it last.
    private var request: PeerRequest
    private let binding: StateSeal.Binding
    /// Who waits; nil while the client has to come back.
    private var requester: (any PeerCallDelegate)?
    private var peer: (any HandshakePeer)?
    private var call: (any PeerCall)?
    /// Questions that the client has not answered, by their keys.
    private var questions: [(id: [UInt8], question: Rounds.Question)] = []
    private var lastKey = 0
    private var rounds = 0
    private var window: Scheduled<Void>?
    private var suspension: UInt64?
    /// What came while nobody waited.
    private var backlog: [PeerMessage] = []
    private var outcome: Outcome?
    private var isRunning = true
    private var hasBegunAnew = false

    private enum Outcome {
        case answered(PeerMessage)
        case failed(PeerFault)
    }

    /// Questions that come within so short a time are asked together.
    private static let windowTime = TimeAmount.milliseconds(25)
    private static let mostRounds = 32
    private static let mostBacklog = 64

    init(_ request: PeerRequest, of server: ModernOverHandshake, requester: any PeerCallDelegate) {
        self.request = request
        self.server = server
        self.requester = requester
        binding = StateSeal.Binding(
            server: server.sharing.server,
            client: request.client,
            method: request.method,
            params: request.params
        )
        server.began()
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

    /// The number in the state of a call that is simply made again.
    private static let repeating: UInt64 = 0

    var isReading = true {
        didSet { call?.isReading = isReading }
    }

    // MARK: The beginning

    /// Answers `server/discover`.
    func discover() {
        withSession { peer in
            let result = Openings.discoverResult(peer.greeting ?? RawObject())
            self.finish(.answered(RPCText.result(self.request.id, result.bytes)))
        }
    }

    private func begin() {
        withSession { peer in
            self.peer = peer
            let level = LogLevel(self.meta.text(Openings.logLevel))
            self.server.ask(for: level, peer, self.request.access) { self.send(to: peer) }
        }
    }

    private func withSession(_ body: @escaping (any HandshakePeer) -> Void) {
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

    private var meta: RawObject { request.params.object("_meta") ?? RawObject() }

    private func send(to peer: any HandshakePeer) {
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
        if message.method == .message {
            // Messages of the log are for those who have asked for them, in so many words.
            guard let wanted = LogLevel(meta.text(Openings.logLevel)),
                LogLevel(message.members.text("level")) ?? .info >= wanted
            else { return }
        }
        guard let requester else {
            if backlog.count < Self.mostBacklog { backlog.append(message) }
            return
        }
        requester.peerSaid(message)
    }

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

    private func deliver() {
        guard requester != nil, let outcome else { return }
        window?.cancel()
        questions = []
        switch outcome {
        case .failed(let fault): finish(.failed(fault))
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

    private func finish(error: [UInt8], code: Int?) {
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
        finish(.answered(RPCText.error(request.id, Results.errorForModern(error, code: code))))
    }

    private enum Ending {
        case answered([UInt8])
        case failed(PeerFault)
    }

    private func finish(_ ending: Ending) {
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

    private func end() {
        guard isRunning else { return }
        isRunning = false
        window?.cancel()
        server.finished()
    }

    private func refuseLater(_ words: String) {
        server.sharing.loop.assumeIsolated().execute {
            guard self.isRunning else { return }
            self.finish(.answered(RPCText.error(self.request.id, RPCText.fault(.invalidParams, words))))
        }
    }

    // MARK: Questions

    /// Whether the protocol lets a result of this method ask for input.
    private var mayAsk: Bool { [.toolsCall, .promptsGet, .resourcesRead].contains(request.method) }

    func peerAsked(_ message: PeerMessage) {
        guard let id = message.idLiteral else { return }
        let params = Rounds.forModern(message.method, message.members)
        let capabilities = meta.object(Openings.clientCapabilities) ?? RawObject()
        guard mayAsk, message.method.serverRequest != nil, rounds < Self.mostRounds,
            questions.count < Rounds.mostQuestions,
            Capabilities.allow(message.method, params: params, capabilities)
        else {
            return answer(id, RPCText.error(id, RPCText.fault(.methodNotFound, "The client cannot be asked this.")))
        }
        lastKey += 1
        questions.append((id, Rounds.Question(key: JSONText("q\(lastKey)"), method: message.method, params: params)))
        guard requester != nil, window == nil else { return }
        window = server.sharing.loop.assumeIsolated().scheduleTask(in: Self.windowTime) { self.ask() }
    }

    private func answer(_ id: [UInt8], _ message: [UInt8]) { peer?.answer(id, message, request.access) }

    private func seal(_ number: UInt64) -> JSONText? {
        let sharing = server.sharing
        let expires = sharing.now() + sharing.suspensions.patience.nanoseconds
        return sharing.seal.seal(StateSeal.State(suspension: number, expires: expires), for: binding)
    }

    /// Answers the client's request with what the server wants to know.
    private func ask() {
        window = nil
        guard let requester, !questions.isEmpty, isRunning else { return }
        rounds += 1
        let number = server.sharing.suspensions.add(self, of: request.client, binding)
        suspension = number
        guard let state = seal(number) else { return }
        self.requester = nil
        let result = Rounds.asking(questions.map(\.question), state: state, serverInfo: server.serverInfo)
        guard let message = try? PeerMessage(ofServer: RPCText.result(request.id, result)) else {
            requester.peerFailed(.violated("The server asks in a way that cannot be passed on."))
            return
        }
        requester.peerAnswered(message)
    }

    /// The client has come back.
    private func resume(_ request: PeerRequest, _ requester: any PeerCallDelegate) {
        self.request = request
        self.requester = requester
        suspension = nil
        let responses = request.params.object("inputResponses") ?? RawObject()
        let asked = questions
        questions = asked.filter { responses[$0.question.key] == nil }
        for (id, question) in asked {
            guard let result = responses[question.key] else { continue }
            answer(id, RPCText.result(id, result))
        }
        let said = backlog
        backlog = []
        // Told a moment later, as all answers are.
        server.sharing.loop.assumeIsolated().execute {
            for message in said { self.requester?.peerSaid(message) }
            // What was not answered is asked again, unless the server has gone on meanwhile.
            if self.outcome != nil { self.deliver() } else if !self.questions.isEmpty { self.ask() }
        }
    }

    /// The client did not come back.
    func expire() {
        suspension = nil
        for (id, question) in questions {
            let cancelled = Rounds.cancelled(question.method).map { RPCText.result(id, $0) }
            answer(id, cancelled ?? RPCText.error(id, RPCText.fault(.internalError, "The client gave no answer.")))
        }
        call?.cancel("The client did not come back with an answer.")
        call = nil
        end()
    }

    /// The user was to open an address first (-32042), and has; the call is made again.
    private func repeatOnceOpened() {
        let responses = request.params.object("inputResponses") ?? RawObject()
        let actions = responses.names.map { responses.object($0)?.text("action") }
        guard !actions.isEmpty, actions.allSatisfy({ $0 == "accept" }) else {
            return refuseLater("The server wants an address to be opened first, and that was declined.")
        }
        begin()
    }

    func cancel(_ reason: String) {
        requester = nil
        // A call that waits for answers goes on until they come, or their time is over.
        guard suspension == nil else { return }
        call?.cancel(reason)
        call = nil
        end()
    }
}
