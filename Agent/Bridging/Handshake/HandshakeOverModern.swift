internal import MCP
internal import NIOCore
internal import StrictJSON

/// A modern server as one session of the handshake era: what such a client says once is said with each request, and what a
/// modern server asks within a result is asked with a request of its own.
final class HandshakeOverModern: HandshakePeer {
    let peer: any ModernPeer
    private let alias: JSONText
    private let loop: any EventLoop
    private(set) var facts = ModernClientFacts()
    private(set) var greeting: RawObject?
    private var revision = Openings.newest(.handshake)
    private var questions: [JSONText: (ModernRounds, JSONText)] = [:]
    private var lastQuestion = 0
    private var subscription: ModernSubscription?
    private var uris: [JSONText] = []

    let listeners = PeerListeners()

    /// The most questions that wait for the client, and the most resources that it subscribes to.
    static let mostQuestions = 64
    static let mostURIs = 1000

    init(_ peer: any ModernPeer, alias: JSONText, loop: any EventLoop) {
        self.peer = peer
        self.alias = alias
        self.loop = loop
    }

    // MARK: The beginning

    func open(_ params: RawObject, _ access: PeerAccess, _ done: @escaping (Opening) -> Void) {
        revision = Openings.agreed(on: params.text("protocolVersion"))
        facts = ModernClientFacts(initialize: params, revision: revision)
        var request = PeerRequest(method: .serverDiscover, params: facts.enveloped(RawObject(), progressToken: nil))
        request.access = access
        _ = peer.call(
            request,
            delegate: OneAnswer { answer in
                switch answer {
                case .message(let message):
                    guard message.kind == .response, let result = message.answer.flatMap({ RawObject($0) }) else {
                        return done(.refused(message))
                    }
                    let greeting = Openings.initializeResult(result, revision: self.revision, alias: self.alias)
                    self.greeting = greeting
                    // Before a client has said how much it wants to hear, servers of its era say what they think is useful; a
                    // modern one says nothing that it was not asked for, and some do not announce that they say anything.
                    self.facts.logLevel = "info"
                    done(.begun(greeting))
                case .fault(let fault): done(.failed(fault))
                }
            }
        )
    }

    func notify(_ method: MCPMethod, _ params: RawObject?, _ access: PeerAccess) {
        // That roots have changed has no counterpart: a modern server asks for them anew each time.
        if method == .initialized { resubscribe(access) }
    }

    func listen(_ access: PeerAccess, _ ready: @escaping () -> Void) { resubscribe(access, ready) }

    func close(_ access: PeerAccess) {
        subscription?.close()
        subscription = nil
        questions = [:]
    }

    // MARK: Requests

    func call(_ request: PeerRequest, delegate: any PeerCallDelegate) -> any PeerCall {
        switch request.method {
        case .ping: return acknowledge(request, to: delegate)
        case .loggingSetLevel:
            facts.logLevel = request.params.text("level")
            return acknowledge(request, to: delegate)
        case .resourcesSubscribe, .resourcesUnsubscribe: return subscribe(request, delegate)
        case .toolsCall, .toolsList, .promptsList, .promptsGet, .resourcesList, .resourceTemplatesList, .resourcesRead,
            .completionComplete:
            let rounds = ModernRounds(request, of: self, delegate: delegate)
            rounds.begin()
            return rounds
        default:
            let fault = RPCText.fault(
                .methodNotFound,
                "\(request.method.name) has no counterpart at the server, which speaks a newer revision of MCP."
            )
            return end(RPCText.error(request.id, fault), delegate)
        }
    }

    private func acknowledge(_ request: PeerRequest, to delegate: any PeerCallDelegate) -> any PeerCall {
        end(RPCText.result(request.id, Array("{}".utf8)), delegate)
    }

    private func end(_ message: [UInt8], _ delegate: any PeerCallDelegate) -> any PeerCall {
        LocalAnswer(message, on: loop, delegate)
    }

    private func subscribe(_ request: PeerRequest, _ delegate: any PeerCallDelegate) -> any PeerCall {
        guard let uri = request.params.text("uri") else {
            return end(RPCText.error(request.id, RPCText.fault(.invalidParams, "The URI is missing.")), delegate)
        }
        if request.method == .resourcesUnsubscribe {
            uris.removeAll { $0 == uri }
        } else {
            guard greeting?.object("capabilities")?.object("resources")?.value("subscribe")?.bool == true else {
                let fault = RPCText.fault(.methodNotFound, "The server offers no subscriptions to resources.")
                return end(RPCText.error(request.id, fault), delegate)
            }
            guard uri.utf8.count <= ModernListener.longestURI else {
                return end(RPCText.error(request.id, RPCText.fault(.invalidParams, "The URI is too long.")), delegate)
            }
            guard uris.count < Self.mostURIs else {
                let fault = RPCText.fault(.invalidParams, "There are too many subscriptions in this session.")
                return end(RPCText.error(request.id, fault), delegate)
            }
            if !uris.contains(uri) { uris.append(uri) }
        }
        let answer = RPCText.result(request.id, Array("{}".utf8))
        let held = LocalAnswer(answer, on: loop, delegate, isHeld: true)
        resubscribe(request.access) { held.release() }
        return held
    }

    /// Asks for what this session wants to hear of; the stream before goes on until the new one is acknowledged.
    ///
    /// `taken` is told once the server has taken it, or will not.
    private func resubscribe(_ access: PeerAccess, _ taken: @escaping () -> Void = {}) {
        let filter = ModernSubscription.filter(greeting?.object("capabilities") ?? RawObject(), uris: uris)
        guard !filter.isEmpty else {
            subscription?.close()
            subscription = nil
            return taken()
        }
        if let subscription, subscription.filter == filter {
            subscription.access = access
            return subscription.whenTaken(taken)
        }
        let old = subscription
        let new = ModernSubscription(filter, facts: facts, access, on: peer, loop: loop) { [weak self] in
            self?.listeners.tell($0)
        }
        subscription = new
        new.open(inPlaceOf: old)
        new.whenTaken(taken)
    }

    // MARK: Questions

    /// Asks the client; returns the id of the question, or nil where too many wait.
    func ask(_ question: Rounds.Question, of rounds: ModernRounds) -> PeerMessage? {
        guard questions.count < Self.mostQuestions else { return nil }
        lastQuestion += 1
        let id = JSONText("doorward-\(lastQuestion)")
        let literal = JSONValue.string(id).bytes
        let params = Rounds.forHandshake(question, id: id)
        guard let message = try? PeerMessage(ofServer: RPCText.request(literal, question.method, params)) else {
            return nil
        }
        questions[id] = (rounds, question.key)
        return message
    }

    /// Takes the questions of a call back that has ended.
    func forget(_ rounds: ModernRounds) {
        questions = questions.filter { $0.value.0 !== rounds }
    }

    func answer(_ id: [UInt8], _ message: [UInt8], _ access: PeerAccess) {
        guard let name = RawObject.value(id)?.string, let (rounds, key) = questions.removeValue(forKey: name),
            let answer = try? PeerMessage(ofClient: message)
        else { return }
        rounds.answered(key, answer, access)
    }
}
