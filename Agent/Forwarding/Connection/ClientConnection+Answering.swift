internal import AuditLog
internal import NIOCore
internal import StrictJSON
internal import Upstreams
internal import Wire

// From an answer to bytes.
extension ClientConnection {
    /// Answers with a status and a line of text for people, and is ready for the next request.
    func answerPlainly(_ status: Int, _ message: String? = nil, record: AuditID? = nil) {
        if status == 202 || status == 204 {
            answer(
                ReplyHead(status: status, body: status == 204 ? .none : .length(0), content: .text),
                [],
                record: record
            )
            return
        }
        let text = Array((message ?? Self.words(status)).utf8 + [UInt8(ascii: "\n")])
        var head = ReplyHead(status: status, body: .length(text.count), content: .text)
        head.isChallenge = status == 401
        if status == 405 { head.allow = allowed }
        answer(head, text, record: record)
    }

    /// Answers with a whole body, and is ready for the next request.
    func answer(_ head: ReplyHead, _ body: [UInt8], record: AuditID? = nil) {
        body.withUnsafeBytes { answer(head, $0, record: record) }
    }

    /// Answers with a whole body, in one write, and is ready for the next request.
    func answer(_ head: ReplyHead, _ body: UnsafeRawBufferPointer, record: AuditID? = nil) {
        if write(head, body, record: record) { finishRequest() }
    }

    /// Writes an answer with a whole body; returns false, and breaks the connection off, where that cannot be.
    func write(_ head: ReplyHead, _ body: UnsafeRawBufferPointer, record: AuditID?) -> Bool {
        var head = head
        head.closes = visit.closes
        head.origin = visit.origin
        head.preflight = visit.preflight
        let room = head.room + body.count
        out.clear(minimumCapacity: room)
        let isWritten = path.withDigits(of: record) { digits in
            head.record = digits
            return out.writeHead(reserving: room) { writer in
                head.write(to: &writer)
                writer.append(body)
            }
        }
        guard isWritten else {
            // A head out of our own parts always fits; if it ever does not, nothing half-made goes out.
            breakOff()
            return false
        }
        send(out, isLast: visit.closes)
        return true
    }

    /// Writes, and with the last answer ends the connection.
    func send(_ buffer: ByteBuffer, isLast: Bool) {
        guard let context, let writer else { return }
        guard isLast else {
            if path.turn.isSingle {
                writer.write(buffer)
            } else {
                writer.hold(buffer)
                path.turn.add(self, to: .answer)
            }
            return
        }
        phase = .ending
        arm(gate.now() + Self.lastRead)
        let promise = context.eventLoop.makePromise(of: Void.self)
        // Closed at once, with bytes of the client unread, its system would throw the answer away.
        promise.futureResult.assumeIsolated().whenComplete { _ in self.context?.close(mode: .output, promise: nil) }
        writer.write(buffer, promise: promise)
    }

    /// How long a client is left to read the last answer.
    private static let lastRead: Int64 = 2_000_000_000

    /// The request has its answer: the next one may come.
    func finishRequest() {
        number += 1
        request = ByteBuffer()
        call = nil
        guard phase == .answering else { return }
        // What follows may be refused before it is looked at, and is not of the same page.
        visit = Visit()
        phase = .reading
        lastActive = gate.now()
        process()
    }

    private var allowed: StaticString {
        switch visit.route {
        case .server: "GET, POST, DELETE"
        case .control: "GET, POST"
        case .health, .openPage, .wellKnown, .nowhere: "GET"
        }
    }

    private static func words(_ status: Int) -> String {
        switch status {
        case 200: "ok"
        case 401: "Show the credential of a client: Authorization: Bearer dwc1_..."
        case 403: "This origin may not call."
        case 404: "There is nothing here."
        case 405: "This method is not for this address."
        case 408: "The request did not come in time."
        case 415: "The body must be application/json."
        case 421: "This is not the host that you are looking for."
        case 502: "The server does not answer as it should."
        default: "This is not possible."
        }
    }
}
