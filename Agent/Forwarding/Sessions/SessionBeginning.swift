internal import AuditLog
internal import MCP
internal import NIOCore
internal import StrictJSON
internal import Upstreams
internal import Wire

/// Begins a server's session anew for a session of a client: `initialize`, `notifications/initialized`, and what the client
/// has asked of the session as such.
///
/// It is the agent's own account: no call, and so no record. All calls that wait for the session wait for one beginning,
/// and what it comes to is their answer.
final class SessionBeginning: ExchangeDelegate {
    /// What it comes to.
    enum Outcome: Equatable {
        case begun
        /// The server refuses the credential.
        case unauthorized
        case failed(Refusal)
    }

    /// What it waits for.
    private enum Step {
        case welcome
        case acknowledgement
        /// The answer to a request of which nothing depends; so many of them are done.
        case wish(Int)
    }

    private let session: Session
    private let server: ServedServer
    private let path: DataPath
    private let seed: SessionSeed
    /// The revision that the client speaks; nil where it does not say so.
    private let expected: [UInt8]?
    private let authorization: [UInt8]?
    private let client: JSONText
    private let clientNumber: Int
    private let thread: JSONText

    private var waiting: [Call] = []
    private var step = Step.welcome
    private var exchange: UpstreamExchange?
    private var timer: Scheduled<Void>?
    // The answer to the step at hand.
    private var status = 0
    private var id: JSONText = ""
    private var revision: [UInt8]?
    private var welcome = JSONValue.null
    private var collected = ByteBuffer()
    private var events: EventReader?

    private static let longestAnswer = 1 << 20

    /// Has a call wait for the session; begins it where nobody does.
    static func join(_ call: Call, _ session: Session, seed: SessionSeed) {
        if let beginning = session.beginning {
            beginning.waiting.append(call)
            return
        }
        let beginning = SessionBeginning(call, session, seed)
        session.beginning = beginning
        beginning.waiting.append(call)
        beginning.start()
    }

    private init(_ call: Call, _ session: Session, _ seed: SessionSeed) {
        self.session = session
        self.seed = seed
        server = call.server
        path = call.path
        expected = call.version
        authorization = call.authorization
        client = call.client
        clientNumber = call.connection.visit.clientNumber
        thread = call.conversation
    }

    // MARK: Asking

    private func start() {
        timer = path.loop.assumeIsolated().scheduleTask(in: .nanoseconds(server.timeout)) {
            self.exchange?.cancel(UpstreamError(.timeout, "The server is too slow."))
            self.exchange = nil
            self.finish(.failed(.noOtherSession(self.server.alias, because: "it was silent for too long.")))
        }
        ask(#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":"#, seed.params, as: .initialize)
    }

    private func ask(_ opening: StaticString, _ params: [UInt8], as method: MCPMethod) {
        ask(opening.withUTF8Buffer { Array($0) } + params + Array("}".utf8), as: method)
    }

    private func ask(_ body: [UInt8], as method: MCPMethod) {
        let isFirst = method == .initialize
        let own = OutgoingRequest.OwnHead(version: isFirst ? nil : revision, session: isFirst ? nil : id)
        var request = OutgoingRequest(head: .own(own), message: ByteBuffer(bytes: body), content: 0..<body.count)
        request.rpc = method
        request.authorization = authorization
        request.client = client
        request.clientNumber = clientNumber
        request.thread = thread
        request.isRepeatable = isFirst
        collected = ByteBuffer()
        events = nil
        var buffer = ByteBuffer()
        exchange = server.send(request, using: &buffer, delegate: self)
        if exchange == nil { finish(.failed(.noOtherSession(server.alias, because: "its credential cannot be sent."))) }
    }

    /// Asks for the next thing that the client wants of the session.
    private func wish(after done: Int) {
        let wishes = seed.wishes
        guard done < wishes.count else { return finish(.begun) }
        step = .wish(done + 1)
        let (method, params) = wishes[done]
        let opening = #"{"jsonrpc":"2.0","id":\#(done + 1),"method":"\#(method)","params":"#
        let known: MCPMethod = params == seed.level ? .loggingSetLevel : .resourcesSubscribe
        ask(Array(opening.utf8) + params + Array("}".utf8), as: known)
    }

    // MARK: Being answered

    func exchangeReceived(head: ResponseHead, in bytes: UnsafeRawBufferPointer) {
        status = head.status
        guard case .welcome = step else { return }
        if let value = head.value(.sessionID, in: bytes), SessionTable.isID(value) { id = JSONText(utf8: value) }
        if head.contentType == .eventStream { events = EventReader(longest: Self.longestAnswer) }
    }

    func exchangeReceived(body: ByteBuffer) {
        guard case .welcome = step else { return }
        guard events != nil else {
            collected.append(received: body)
            if collected.readableBytes > Self.longestAnswer { refuse("its answer is too large.") }
            return
        }
        events?.append(body)
        while let event = (try? events?.next()) ?? nil {
            guard let json = try? JSONValue(lenientlyParsing: event.data), json["id"]?.int == 0 else { continue }
            let rest = exchange
            exchange = nil
            // The server may hold the stream open behind its answer.
            if let rest { OneWayExchange.readOut(rest, on: path) }
            return welcomed(json)
        }
    }

    func exchangeEnded() {
        exchange = nil
        switch step {
        case .welcome:
            if status == 401 { return finish(.unauthorized) }
            guard (200...299).contains(status) else { return refuse("it answers with HTTP \(status).") }
            let bytes = collected.readableBytesView.withContiguousStorageIfAvailable { Array($0) } ?? []
            guard events == nil, let json = try? JSONValue(lenientlyParsing: bytes) else {
                return refuse("it gives no answer.")
            }
            welcomed(json)
        case .acknowledgement:
            guard (200...299).contains(status) else { return refuse("it answers with HTTP \(status).") }
            wish(after: 0)
        case .wish(let done):
            wish(after: done)
        }
    }

    func exchangeFailed(_ failure: UpstreamFailure) {
        exchange = nil
        // What the client asked of the session as such is not worth the session.
        if case .wish(let done) = step { return wish(after: done) }
        switch failure {
        case .notSent(let error), .afterSending(let error):
            finish(.failed(.failed(error, wasSent: false, server: server.alias)))
        }
    }

    private func welcomed(_ answer: JSONValue) {
        guard let result = answer["result"], let version = result["protocolVersion"]?.string?.utf8 else {
            return refuse(answer["error"] == nil ? "its answer is none." : "it answers with an error.")
        }
        guard expected == nil || expected == version else {
            return refuse("it speaks another revision by now, so the client has to be started anew.")
        }
        revision = version
        welcome = result
        step = .acknowledgement
        ask(Array(#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#.utf8), as: .initialized)
    }

    private func refuse(_ words: String) {
        exchange?.cancel()
        exchange = nil
        finish(.failed(.noOtherSession(server.alias, because: words)))
    }

    private func finish(_ outcome: Outcome) {
        guard session.beginning === self else { return }
        timer?.cancel()
        timer = nil
        session.beginning = nil
        if outcome == .begun { path.gate.upstreamBegan(id, welcome, for: session) }
        let calls = waiting
        waiting = []
        for call in calls { call.sessionBegun(outcome) }
    }
}
