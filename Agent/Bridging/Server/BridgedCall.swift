internal import MCP
internal import NIOCore
internal import StrictJSON
internal import Upstreams
internal import Wire

/// One request of a client while the bridge answers it: what is said here goes to the client's end as if a server of the
/// client's era had said it over Streamable HTTP.
final class BridgedCall: ExchangeSource, PeerCallDelegate {
    let request: BridgedRequest
    /// What the answer goes to; nil once it has ended.
    var exchange: UpstreamExchange?
    /// The request to the server that it waits for.
    var running: (any PeerCall)?
    /// Sees a response before it goes out.
    var onAnswer: (PeerMessage) -> Void = { _ in }
    /// Told once the answer has gone out, or the client.
    var onEnd: () -> Void = {}
    /// The literal of the request's id.
    var id: [UInt8] = []
    private var isStreaming = false
    private(set) var isReading = true

    init(_ request: BridgedRequest) {
        self.request = request
    }

    var access: PeerAccess { PeerAccess(request) }
    var isEnded: Bool { exchange == nil }

    // MARK: The client's end

    func setReading(_ isReading: Bool) {
        self.isReading = isReading
        running?.isReading = isReading
    }

    func cancel() {
        guard exchange != nil else { return }
        exchange = nil
        let running = running
        self.running = nil
        running?.cancel("The client has gone.")
        end()
    }

    private func end() {
        exchange = nil
        running = nil
        let onEnd = onEnd
        self.onEnd = {}
        onEnd()
    }

    // MARK: Answers

    /// Begins an event stream, if it has not begun.
    func beginStream() {
        guard !isStreaming else { return }
        isStreaming = true
        exchange?.receive(head: Self.head(200, "Content-Type: text/event-stream\r\n"))
    }

    /// Says an id without a message: what comes behind it can be asked for.
    func say(mark id: String) {
        beginStream()
        exchange?.receive(body: ByteBuffer(string: "id: \(id)\n\n"))
    }

    /// Says a message on the stream.
    ///
    /// - Parameters:
    ///   - message: the message.
    ///   - id: the event's id; nil for one behind which nothing can be asked for.
    func say(_ message: [UInt8], event id: String? = nil) {
        beginStream()
        var event = ByteBuffer()
        event.reserveCapacity(message.count + 64)
        if let id { event.writeString("id: \(id)\n") }
        event.writeStaticString("data: ")
        // A line break would end the line of the event: in JSON it can only be between two of its parts.
        if message.contains(0x0A) || message.contains(0x0D) {
            event.writeBytes(message.map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 })
        } else {
            event.writeBytes(message)
        }
        event.writeStaticString("\n\n")
        exchange?.receive(body: event)
    }

    /// Gives the response: as JSON, or as the last event of a stream that has begun.
    ///
    /// - Parameters:
    ///   - message: the response.
    ///   - status: the status of a response that is not on a stream.
    ///   - session: the id of the session that begins with it.
    func answer(_ message: [UInt8], status: Int = 200, session: JSONText? = nil) {
        guard let exchange else { return }
        if isStreaming {
            say(message)
        } else {
            let begun = session.map { "Mcp-Session-Id: \($0.string)\r\n" } ?? ""
            exchange.receive(head: Self.head(status, "Content-Type: application/json\r\n" + begun))
            self.exchange?.receive(body: ByteBuffer(bytes: message))
        }
        finish()
    }

    /// Gives a status alone.
    func answer(status: Int) {
        exchange?.receive(head: Self.head(status, "Content-Length: 0\r\n"))
        finish()
    }

    /// Ends a stream.
    func finish() {
        let exchange = exchange
        end()
        exchange?.finish()
    }

    /// There is no answer.
    func fail(_ fault: PeerFault) {
        let exchange = exchange
        let isStreaming = isStreaming
        switch fault {
        case .failure(let failure):
            end()
            exchange?.fail(failure)
        case .violated(let words):
            end()
            exchange?.fail(.afterSending(UpstreamError(.malformedResponse, words)))
        case .sessionLost:
            guard !isStreaming else { return fail(.violated("The server has ended the session.")) }
            answer(status: 404)
        case .answered(let answer):
            guard !isStreaming else {
                return fail(.violated("The server answers with HTTP \(answer.status) in the middle of a request."))
            }
            exchange?.receive(head: Self.head(answer))
            self.exchange?.receive(body: ByteBuffer(bytes: answer.body))
            finish()
        }
    }

    private static func head(_ status: Int, _ fields: String) -> ByteBuffer {
        ByteBuffer(string: "HTTP/1.1 \(status) -\r\n\(fields)\r\n")
    }

    private static func head(_ answer: HTTPAnswer) -> ByteBuffer {
        var fields = ""
        switch answer.contentType {
        case .json: fields = "Content-Type: application/json\r\n"
        case .eventStream, .absent, .other: break
        }
        for challenge in answer.challenges {
            fields += "WWW-Authenticate: \(String(decoding: challenge, as: UTF8.self))\r\n"
        }
        if let wait = answer.retryAfter { fields += "Retry-After: \(String(decoding: wait, as: UTF8.self))\r\n" }
        return head(answer.status, fields)
    }

    // MARK: What the server's end says

    func peerSaid(_ message: PeerMessage) { say(message.bytes) }

    func peerAsked(_ message: PeerMessage) { say(message.bytes) }

    func peerHolds(_ bytes: Int) { exchange?.hold(bytes) }

    func peerAnswered(_ message: PeerMessage) {
        running = nil
        exchange?.hold(0)
        onAnswer(message)
        answer(message.under(id: id), status: request.era == .modern ? Self.modernStatus(of: message.errorCode) : 200)
    }

    /// 2026-07-28 has a status for these; before, a 404 would end the session.
    private static func modernStatus(of code: Int?) -> Int {
        switch code {
        case JSONRPCErrorCode.methodNotFound.rawValue: 404
        case JSONRPCErrorCode.missingCapability.rawValue: 400
        default: 200
        }
    }

    func peerFailed(_ fault: PeerFault) {
        running = nil
        fail(fault)
    }
}
