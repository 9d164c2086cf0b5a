internal import MCP
internal import NIOCore
internal import StrictJSON

// What the server asks during a call, and how its client comes back with the answers.
extension SuspendableCall {
    /// Whether the protocol lets a result of this method ask for input.
    var mayAsk: Bool { [.toolsCall, .promptsGet, .resourcesRead].contains(request.method) }

    func peerAsked(_ message: PeerMessage) {
        guard let id = message.idLiteral else { return }
        let params = Rounds.forModern(message.method, message.members)
        let capabilities = meta.object(Openings.clientCapabilities) ?? RawObject()
        guard mayAsk, message.method.serverRequest != nil, rounds < Self.mostRounds,
            questions.count < Rounds.mostQuestions, bytesAsked + message.bytes.count <= Self.mostAsked,
            Capabilities.allow(message.method, params: params, capabilities)
        else {
            if mayAsk, let kind = message.method.serverRequest,
                !Capabilities.allow(message.method, params: params, capabilities)
            {
                lacking.insert(kind)
            }
            return answer(id, RPCText.error(id, RPCText.fault(.methodNotFound, "The client cannot be asked this.")))
        }
        lastKey += 1
        let question = Rounds.Question(key: JSONText("q\(lastKey)"), method: message.method, params: params)
        questions.append((id, question))
        if let kind = message.method.serverRequest, !request.mayBeAsked(kind) { return forbid(question) }
        guard requester != nil, window == nil else { return }
        window = server.sharing.loop.assumeIsolated().scheduleTask(in: Self.windowTime) { self.ask() }
    }

    private var bytesAsked: Int { questions.reduce(0) { $0 + $1.question.params.count } }

    /// The policy does not let the server ask this: the call ends here, as one does whose server has asked within a result.
    private func forbid(_ question: Rounds.Question) {
        for (id, _) in questions {
            answer(
                id,
                RPCText.error(id, RPCText.fault(.methodNotFound, "A policy does not let the client be asked this."))
            )
        }
        questions = []
        call?.cancel("The server has asked what a policy does not let it ask.")
        call = nil
        outcome = .forbidden(question)
        deliver()
    }

    func answer(_ id: [UInt8], _ message: [UInt8]) { peer?.answer(id, message, request.access) }

    func seal(_ number: UInt64) -> JSONText? {
        let sharing = server.sharing
        let expires = sharing.now() + sharing.suspensions.patience.nanoseconds
        return sharing.seal.seal(StateSeal.State(suspension: number, expires: expires), for: binding)
    }

    /// Answers the client's request with what the server wants to know.
    func ask() {
        window = nil
        guard let requester, !questions.isEmpty, isRunning else { return }
        rounds += 1
        let number = server.sharing.suspensions.add(self, of: request.client, binding)
        suspension = number
        guard let state = seal(number) else { return }
        self.requester = nil
        request = request.waiting
        let result = Rounds.asking(questions.map(\.question), state: state, serverInfo: server.serverInfo)
        guard let message = try? PeerMessage(ofServer: RPCText.result(request.id, result)) else {
            requester.peerFailed(.violated("The server asks in a way that cannot be passed on."))
            return
        }
        requester.peerAnswered(message)
    }

    /// The client has come back.
    func resume(_ request: PeerRequest, _ requester: any PeerCallDelegate) {
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
        self.request = request.waiting
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
    func repeatOnceOpened() {
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

extension PeerRequest {
    /// What has to be known of it while its client is away with a question.
    fileprivate var waiting: PeerRequest {
        var waiting = self
        let meta = params.object("_meta") ?? RawObject()
        var kept = meta.keeping(["progressToken", Openings.logLevel])
        kept.set(
            Openings.clientCapabilities,
            Capabilities.ofModernClient(meta.object(Openings.clientCapabilities) ?? RawObject())
        )
        waiting.params = RawObject()
        waiting.params.set("_meta", kept)
        return waiting
    }
}
