internal import MCP
internal import StrictJSON

/// One request of a client of the handshake era to a modern server, over as many rounds as the server asks for.
final class ModernRounds: PeerCall, PeerCallDelegate {
    private let request: PeerRequest
    private let session: HandshakeOverModern
    private var delegate: (any PeerCallDelegate)?
    private var call: (any PeerCall)?
    private var rounds = 0
    /// What the server wants to be shown again with the answers.
    private var state: [UInt8]?
    /// The questions that wait for the client, by their keys.
    private var unanswered: [JSONText: MCPMethod] = [:]
    private var answers: [(key: JSONText, result: [UInt8])] = []
    private var access: PeerAccess

    /// The most rounds of one request, and the most bytes of the answers of one.
    private static let mostRounds = 16
    private static let mostAnswered = 4 << 20

    init(_ request: PeerRequest, of session: HandshakeOverModern, delegate: any PeerCallDelegate) {
        self.request = request
        self.session = session
        self.delegate = delegate
        access = request.access
    }

    var isReading = true {
        didSet { call?.isReading = isReading }
    }

    func cancel(_ reason: String) {
        delegate = nil
        call?.cancel(reason)
        call = nil
        session.forget(self)
    }

    func begin() { send(request.params) }

    private func send(_ params: RawObject) {
        rounds += 1
        var next = request
        next.params = session.facts.enveloped(params, progressToken: request.progressToken)
        next.access = access
        call = session.peer.call(next, delegate: self)
        if !isReading { call?.isReading = false }
    }

    // MARK: What comes

    func peerSaid(_ message: PeerMessage) { delegate?.peerSaid(message) }

    func peerAsked(_ message: PeerMessage) {}

    func peerHolds(_ bytes: Int) { delegate?.peerHolds(bytes) }

    func peerFailed(_ fault: PeerFault) {
        call = nil
        let delegate = delegate
        self.delegate = nil
        session.forget(self)
        delegate?.peerFailed(fault)
    }

    func peerAnswered(_ message: PeerMessage) {
        call = nil
        guard message.kind == .response, let result = message.answer else {
            let error = message.answer ?? RPCText.fault(.internalError, "The server gives an error without words.")
            return end(
                RPCText.error(request.id, Results.errorForHandshake(error, code: message.errorCode, of: request.method))
            )
        }
        switch message.resultType {
        case .inputRequired: ask(result)
        case .other: peerFailed(.violated("The server gave a kind of result that nobody here knows."))
        default:
            guard let told = Results.forHandshake(result, of: request.method) else {
                return peerFailed(.violated("The server's result is no object."))
            }
            end(RPCText.result(request.id, told))
        }
    }

    private func end(_ message: [UInt8]) {
        let delegate = delegate
        self.delegate = nil
        session.forget(self)
        guard let answer = try? PeerMessage(ofServer: message) else {
            delegate?.peerFailed(.violated("The server's answer cannot be taken."))
            return
        }
        delegate?.peerAnswered(answer)
    }

    // MARK: Questions

    private func ask(_ result: [UInt8]) {
        guard let asking = Rounds.read(result) else {
            return peerFailed(.violated("The server asks for input in a way that nobody here knows."))
        }
        guard rounds < Self.mostRounds else {
            return refuse("The server has asked for input \(rounds) times, and was not asked again.")
        }
        state = asking.state
        answers = []
        unanswered = [:]
        guard !asking.questions.isEmpty else { return send(Rounds.answering(request.params, [], state: state)) }
        for question in asking.questions
        where !Capabilities.allow(question.method, params: question.params, session.facts.capabilities) {
            return refuse("The server wants to ask something (\(question.method.name)) that your client cannot answer.")
        }
        for question in asking.questions { unanswered[question.key] = question.method }
        for question in asking.questions {
            guard let message = session.ask(question, of: self) else {
                return refuse("The server asks too many things at a time.")
            }
            delegate?.peerAsked(message)
            guard delegate != nil else { return }
        }
    }

    /// Ends the request: a tool's call with a result that its model sees, anything else with an error.
    private func refuse(_ words: String) {
        guard request.method == .toolsCall else {
            return end(RPCText.error(request.id, RPCText.fault(.internalError, words)))
        }
        let result: JSONValue = ["content": [["type": "text", "text": .text(words)]], "isError": true]
        end(RPCText.result(request.id, result.bytes))
    }

    /// The client has answered one question.
    func answered(_ key: JSONText, _ message: PeerMessage, _ access: PeerAccess) {
        guard delegate != nil, let asked = unanswered.removeValue(forKey: key) else { return }
        self.access = access
        if message.kind == .response, let result = message.answer {
            answers.append((key, result))
        } else if let cancelled = Rounds.cancelled(asked) {
            answers.append((key, cancelled))
        } else {
            let words = message.answer.flatMap { RawObject($0) }?.text("message")?.string
            return refuse("Your client did not answer what the server asked" + (words.map { ": \($0)" } ?? "."))
        }
        guard answers.reduce(0, { $0 + $1.result.count }) <= Self.mostAnswered else {
            return refuse("Your client's answers to what the server asked are too large.")
        }
        guard unanswered.isEmpty else { return }
        send(Rounds.answering(request.params, answers, state: state))
    }
}
