internal import MCP
internal import NIOCore
internal import StrictJSON
internal import Upstreams

/// One client on standard input and output, and the agent on its socket; belongs to the event loop.
///
/// The era of each message is its own: one that names a modern revision is a request for itself, all others belong to the
/// client's session.
final class Shim {
    let configuration: ShimConfiguration
    let loop: any EventLoop
    let agent: UpstreamServer
    let heads: AgentHead
    private(set) lazy var session = HandshakeSession(shim: self)
    private let writer: LineWriter
    private let note: (String) -> Void
    private let done: () -> Void
    private var lines: LineSplitter
    private var pending: [PendingRequest] = []
    /// Messages without an answer that are on their way.
    private var sayings = 0
    private var tools = ShownTools()

    // Whether the agent is there.
    private var hasAnswered = false
    private var isSilent = false

    // The end.
    private var isEnding = false
    private var isOver = false

    /// - Parameters:
    ///   - configuration: what to connect to, and the bounds.
    ///   - agent: the agent's endpoint.
    ///   - loop: where everything happens.
    ///   - output: where messages for the client go.
    ///   - note: takes words for people.
    ///   - done: called when nothing is left to do.
    init(
        _ configuration: ShimConfiguration,
        agent: UpstreamServer,
        loop: any EventLoop,
        output: Int32,
        note: @escaping (String) -> Void,
        done: @escaping () -> Void
    ) {
        self.configuration = configuration
        self.agent = agent
        self.loop = loop
        self.note = note
        self.done = done
        heads = AgentHead(configuration)
        writer = LineWriter(file: output)
        lines = LineSplitter(longest: max(configuration.longestLine, configuration.longestMessage))
    }

    // MARK: From the client

    /// Takes what was read from standard input; nothing is its end.
    func received(_ bytes: [UInt8]) {
        guard !isOver else { return }
        var whole: [LineSplitter.Line] = []
        if bytes.isEmpty { lines.end { whole.append($0) } } else { lines.append(bytes) { whole.append($0) } }
        for line in whole { take(line) }
        if bytes.isEmpty { inputEnded() }
    }

    private func take(_ line: LineSplitter.Line) {
        switch line {
        case .tooLong(let start): refuse(start)
        case .whole(let bytes) where bytes.count > configuration.longestMessage: refuse(bytes)
        case .whole(let bytes):
            let message = ClientMessage(bytes)
            if message.isRequest, !hasRoom(for: message) {
                write(ShimAnswer.busy(id: message.idLiteral))
            } else {
                route(message)
            }
        }
    }

    private func refuse(_ tooLong: [UInt8]) {
        let id = ClientMessage(tooLong).idLiteral
        write(ShimAnswer.tooLong(configuration.longestMessage, id: id))
    }

    private func hasRoom(for message: ClientMessage) -> Bool {
        let held = pending.reduce(session.held + message.bytes.readableBytes) { $0 + $1.message.bytes.readableBytes }
        return pending.count + session.count < configuration.mostRequests && held <= configuration.mostHeld
    }

    /// Sends a message where it belongs.
    func route(_ message: ClientMessage) {
        if message.method == .cancelled, let id = message.cancelled, takeBack(id) { return }
        guard message.isRequest else { return say(message) }
        if message.isModern || message.method == .initialize {
            if message.method == .initialize { session.begins(with: message) }
        } else {
            guard !session.keeps(message) else { return }
            session.note(message)
        }
        let request = PendingRequest(message, shim: self)
        pending.append(request)
        request.send()
    }

    /// Takes a request back; false where the server of a session has to be told.
    private func takeBack(_ id: RequestID) -> Bool {
        if session.withdraw(id) { return true }
        guard let request = pending.first(where: { $0.message.id == id }) else { return false }
        guard request.message.isModern || !request.isSent else {
            request.isTakenBack = true
            return false
        }
        // To close the connection is to cancel, at 2026-07-28; and of what was not sent nobody knows.
        request.cancel()
        ended(request)
        return true
    }

    /// Sends what has no answer: it belongs to the session, or to nothing.
    private func say(_ message: ClientMessage, attempt: Int = 0) {
        guard !message.isModern, !session.keeps(message), session.isOpen,
            let head = heads.post(length: message.bytes.readableBytes, session.head)
        else { return }
        if message.method == .initialized { session.confirms() }
        sayings += 1
        makeRequest(received: { _, _ in }, ended: { self.said(message, $1, attempt) })
            .send(head, message.bytes, lane: .aside, to: agent)
    }

    private func said(_ message: ClientMessage, _ end: AgentRequest.End, _ attempt: Int) {
        defer { said() }
        switch end {
        case .failed(isSent: false) where attempt < 5 && !isOver:
            agentIsSilent()
            let pause = TimeAmount.milliseconds(100 << Int64(attempt))
            sayings += 1
            loop.assumeIsolated().scheduleTask(in: pause) {
                self.say(message, attempt: attempt + 1)
                self.said()
            }
            // Nothing may overtake it.
            return
        case .ended(let answer) where answer.status == 404:
            session.renew(for: nil)
            // An answer to the server's question has no place in another session.
            if message.kind == .notification, message.method != .initialized { _ = session.keeps(message) }
        case .ended, .failed: break
        }
        if message.method == .initialized { session.confirmed() }
    }

    // MARK: To the agent

    func makeRequest(
        received: @escaping (AgentRequest, [UInt8]) -> Void,
        ended: @escaping (AgentRequest, AgentRequest.End) -> Void
    ) -> AgentRequest {
        AgentRequest(longest: configuration.longestAnswer, received: received, ended: ended)
    }

    /// How long a request waits for an agent that is not there.
    var patience: TimeAmount { hasAnswered ? configuration.patience : configuration.firstPatience }

    /// Nobody listens on the agent's socket.
    func agentIsSilent() {
        guard !isSilent else { return }
        isSilent = true
        note("doorward: error: The agent is not running, or does not answer on \(configuration.socketPath).")
        note("doorward: next: \(ShimAnswer.command) (or: doorward agent)")
    }

    /// The agent has answered.
    func agentAnswers() {
        hasAnswered = true
        guard isSilent else { return }
        isSilent = false
        note("doorward: The agent answers again.")
    }

    // MARK: Headers out of arguments

    /// The headers that repeat arguments of a call.
    func parameterHeaders(of message: ClientMessage) -> [HeaderParameter] {
        guard message.isModern, message.method == .toolsCall, let tool = message.item else { return [] }
        return tools.headers(tool: tool, arguments: message.arguments)
    }

    /// An answer as the client gets it: without the tools that it could not call by the rules of HTTP.
    func shown(_ answer: AgentMessage, of message: ClientMessage, id: [UInt8]?) -> [UInt8] {
        guard message.isModern, message.method == .toolsList, !answer.isError,
            var tree = try? JSONValue(
                lenientlyParsing: answer.bytes,
                limits: JSONLimits(maxBytes: answer.bytes.count, maxDepth: 128)
            ),
            case .object(var document) = tree, var result = document["result"]?.object
        else { return answer.bytes(id: id) }
        let broken = tools.learn(result)
        guard !broken.isEmpty else { return answer.bytes(id: id) }
        note(
            "doorward: Tools of \(configuration.server) are not shown, since their x-mcp-header breaks the rules: \(broken.count)"
        )
        let kept = (result["tools"]?.array ?? []).filter { $0["name"]?.string.map { !broken.contains($0) } ?? true }
        result["tools"] = .array(kept)
        document["result"] = .object(result)
        tree = .object(document)
        return tree.bytes
    }

    /// Asks for the tools, to know their schemas, with what a modern request of the client says of itself.
    func listTools(like message: ClientMessage, then: @escaping () -> Void) {
        let tree = try? JSONValue(parsing: Array(message.bytes.readableBytesView))
        guard let meta = tree?["params"]?["_meta"] else { return then() }
        let question: JSONValue = [
            "jsonrpc": "2.0", "id": "doorward-stdio", "method": "tools/list", "params": ["_meta": meta],
        ]
        let list = ClientMessage(question.bytes)
        guard let head = heads.post(list, AgentHead.Session(), parameters: []) else { return then() }
        makeRequest(
            received: { _, bytes in
                guard let answer = AgentMessage(bytes), answer.isResponse else { return }
                _ = self.shown(answer, of: list, id: nil)
            },
            ended: { _, _ in then() }
        ).send(head, list.bytes, lane: .aside, to: agent)
    }

    // MARK: To the client

    func write(_ message: [UInt8]) {
        guard !isOver, !writer.write(message) else { return }
        // The client has gone.
        finish()
    }

    /// A request has its answer, or will never have one.
    func ended(_ request: PendingRequest) {
        pending.removeAll { $0 === request }
        finishIfIdle()
    }

    /// A message without an answer has gone out.
    func said() {
        sayings -= 1
        finishIfIdle()
    }

    // MARK: The end

    private func inputEnded() {
        isEnding = true
        for request in pending where request.isListening {
            request.cancel()
            ended(request)
        }
        loop.assumeIsolated().scheduleTask(in: configuration.lastWords) { self.finish() }
        finishIfIdle()
    }

    private func finishIfIdle() {
        guard isEnding, pending.isEmpty, session.count == 0, sayings <= 0 else { return }
        finish()
    }

    private func finish() {
        guard !isOver else { return }
        isOver = true
        for request in pending { request.cancel() }
        pending = []
        // So long the agent may take to hear of it.
        let deadline = loop.assumeIsolated().scheduleTask(in: .milliseconds(300)) { self.done() }
        session.end {
            deadline.cancel()
            self.done()
        }
    }
}
