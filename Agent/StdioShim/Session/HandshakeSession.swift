internal import MCP
internal import NIOCore
internal import StrictJSON
internal import Upstreams

/// The client's session of the handshake era, which outlives the agent that it was begun with; belongs to the event loop.
///
/// What the client sends while its session is being begun waits, as no server takes it before.
final class HandshakeSession {
    private enum Phase {
        /// The client has not begun one, or it could not be begun.
        case none
        /// The client's `initialize` is under way.
        case beginning
        /// The client's `notifications/initialized` is: what overtook it might find a server that is not ready.
        case confirming
        /// The agent does not know it any more, and it is being begun anew.
        case renewing
        case open
    }

    private unowned let shim: Shim
    private var phase = Phase.none
    private(set) var head = AgentHead.Session()
    /// What the client began it with, to begin it anew.
    private var initialize: ClientMessage?
    private var isInitialized = false
    /// What else a server keeps for a session: the level of its log, and the resources that it tells of.
    private var level: ClientMessage?
    private var subscriptions: [JSONText: ClientMessage] = [:]
    private var waiting: [ClientMessage] = []
    private var suspended: [PendingRequest] = []
    private lazy var stream = ServerStream(shim: shim)
    private static let mostSubscriptions = 1024

    init(shim: Shim) {
        self.shim = shim
    }

    /// Whether a message has to wait for the session; it is kept then.
    func keeps(_ message: ClientMessage) -> Bool {
        switch phase {
        case .none where initialize != nil: renew(for: nil)
        case .none, .open: return false
        case .beginning, .confirming, .renewing: break
        }
        waiting.append(message)
        return true
    }

    /// Whether there is one to say something in.
    var isOpen: Bool { phase == .open }
    /// How many bytes wait.
    var held: Int { waiting.reduce(0) { $0 + $1.bytes.readableBytes } }
    var count: Int { waiting.count + suspended.count }

    /// Takes a request back that waits; false where none of this id does.
    func withdraw(_ id: RequestID) -> Bool {
        let before = waiting.count
        waiting.removeAll { $0.id == id && $0.kind == .request }
        return waiting.count < before
    }

    // MARK: The client's own beginning

    /// The client's `initialize` goes out.
    func begins(with message: ClientMessage) {
        end()
        initialize = message
        phase = .beginning
    }

    /// The answer to the client's `initialize` has come.
    func began(with answer: AgentMessage, _ head: AgentRequest.Answer) {
        guard phase == .beginning else { return }
        take(answer, head)
        if phase == .none { initialize = nil }
        flush()
    }

    /// The client's `initialize` has ended without an answer of the server.
    func didNotBegin() {
        guard phase == .beginning else { return }
        phase = .none
        initialize = nil
        flush()
    }

    private func take(_ answer: AgentMessage, _ answerHead: AgentRequest.Answer) {
        guard !answer.isError else {
            phase = .none
            return
        }
        let result = (try? JSONValue(lenientlyParsing: answer.bytes))?["result"]
        head = AgentHead.Session(
            id: answerHead.session,
            version: (result?["protocolVersion"]?.string).map(\.utf8)
        )
        phase = .open
    }

    /// The client's `notifications/initialized` goes out.
    func confirms() {
        if phase == .open { phase = .confirming }
    }

    /// It has come, or never will.
    func confirmed() {
        guard phase == .confirming else { return }
        phase = .open
        isInitialized = true
        stream.open()
        flush()
    }

    /// Remembers what a server keeps for a session.
    func note(_ message: ClientMessage) {
        switch message.method {
        case .loggingSetLevel: level = message
        case .resourcesSubscribe:
            guard let item = message.item, subscriptions.count < Self.mostSubscriptions else { return }
            subscriptions[item] = message
        case .resourcesUnsubscribe:
            if let item = message.item { subscriptions[item] = nil }
        default: break
        }
    }

    // MARK: Beginning anew

    /// Begins the session anew, and sends a request again then.
    func renew(for request: PendingRequest?) {
        if let request { suspended.append(request) }
        guard phase != .renewing else { return }
        stream.close()
        head = AgentHead.Session()
        guard let initialize, let post = shim.heads.post(length: initialize.bytes.readableBytes, head) else {
            return giveUp(ShimAnswer.trouble(.lost, server: shim.configuration.server, id: nil))
        }
        phase = .renewing
        var answer: AgentMessage?
        let attempt = shim.makeRequest(
            received: { answer = AgentMessage($1).flatMap { $0.isResponse ? $0 : nil } ?? answer },
            ended: { self.renewed(answer, $0.answer, $1) }
        )
        attempt.send(post, initialize.bytes, lane: .aside, to: shim.agent)
    }

    private func renewed(_ answer: AgentMessage?, _ answerHead: AgentRequest.Answer, _ end: AgentRequest.End) {
        guard phase == .renewing else { return }
        if case .failed = end {
            shim.agentIsSilent()
            return giveUp(ShimAnswer.trouble(.noAgent, server: shim.configuration.server, id: nil))
        }
        guard let answer else {
            return giveUp(
                ShimAnswer.trouble(.silent(status: answerHead.status), server: shim.configuration.server, id: nil)
            )
        }
        take(answer, answerHead)
        guard phase == .open else { return giveUp(answer.bytes) }
        phase = .renewing
        let initialized = isInitialized ? [ByteBuffer(bytes: ShimAnswer.initialized)] : []
        replay(initialized + ([level].compactMap { $0 } + subscriptions.values).map(\.bytes))
    }

    /// Says one after the other what the server of the old session knew.
    private func replay(_ messages: [ByteBuffer]) {
        guard phase == .renewing else { return }
        guard let next = messages.first, let post = shim.heads.post(length: next.readableBytes, head) else {
            phase = .open
            if isInitialized { stream.open() }
            return flush()
        }
        let attempt = shim.makeRequest(
            received: { _, _ in },
            ended: { _, _ in self.replay(Array(messages.dropFirst())) }
        )
        attempt.send(post, next, lane: .aside, to: shim.agent)
    }

    /// The session cannot be begun anew now; the next request tries again.
    private func giveUp(_ error: [UInt8]) {
        phase = .none
        let error = AgentMessage(error)
        for request in taken(&suspended) { request.fail(error?.bytes(id: request.message.idLiteral) ?? []) }
        for message in taken(&waiting) where message.isRequest {
            shim.write(error?.bytes(id: message.idLiteral) ?? [])
        }
    }

    private func flush() {
        for request in taken(&suspended) where !request.isOver { request.send() }
        for message in taken(&waiting) { shim.route(message) }
    }

    private func taken<Element>(_ list: inout [Element]) -> [Element] {
        defer { list = [] }
        return list
    }

    // MARK: The end

    /// Ends the session; a server that does not hear of it ends it by itself.
    ///
    /// - Parameter then: called once the agent has heard of it, or cannot.
    func end(then: @escaping () -> Void = {}) {
        stream.close()
        let old = head
        head = AgentHead.Session()
        phase = .none
        isInitialized = false
        level = nil
        subscriptions = [:]
        guard old.id != nil, let delete = shim.heads.delete(old) else { return then() }
        shim.makeRequest(received: { _, _ in }, ended: { _, _ in then() })
            .send(delete, nil, lane: .aside, to: shim.agent)
    }
}
