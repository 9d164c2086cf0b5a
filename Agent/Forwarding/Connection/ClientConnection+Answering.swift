internal import Bytes
internal import NIOCore
internal import StrictJSON
internal import Upstreams
internal import Wire

// From an answer to bytes.
extension ClientConnection {
    /// Answers with a status and a line of text for people, or with an error of JSON-RPC to a POST, and is ready for the
    /// next request.
    func answerPlainly(_ status: Int, _ message: String? = nil, record: RandomID? = nil) {
        if status == 202 || status == 204 {
            answer(
                ReplyHead(status: status, body: status == 204 ? .none : .length(0), content: .text),
                [],
                record: record
            )
            return
        }
        guard status != 200 else { return answerText("ok", ReplyHead(status: 200, body: .none), record: record) }
        refusePlainly(Refusal(status: status, message, allowed: allowed, gate.configuration), status, record: record)
    }

    /// Answers with a status, and says why in the form that the request's method asks for.
    func refusePlainly(_ refusal: Refusal, _ status: Int, record: RandomID? = nil) {
        var head = ReplyHead(status: status, body: .none)
        if status == 405 { head.allow = allowed }
        // Clients show the message of a JSON-RPC error and discard any other text. Under `/.well-known/` no answer may
        // look like a document.
        guard visit.method == .post, visit.route != .wellKnown else {
            return answerText(refusal.words(), head, record: record)
        }
        let body = refusal.body(id: nil, record: nil)
        head.body = .length(body.count)
        answer(head, body, record: record)
    }

    /// Answers what has no id: with the refusal's message where the status may have a body.
    func refuseBare(_ refusal: Refusal, _ status: Int) {
        if status == 202 || status == 204 { return answerPlainly(status) }
        refusePlainly(refusal, status)
    }

    private func answerText(_ text: String, _ head: ReplyHead, record: RandomID?) {
        let body = Array("\(text)\n".utf8)
        var head = head
        head.body = .length(body.count)
        head.content = .text
        answer(head, body, record: record)
    }

    /// Answers with a whole body, and is ready for the next request.
    func answer(_ head: ReplyHead, _ body: [UInt8], record: RandomID? = nil) {
        body.withUnsafeBytes { answer(head, $0, record: record) }
    }

    /// Answers with a whole body, in one write, and is ready for the next request.
    func answer(_ head: ReplyHead, _ body: UnsafeRawBufferPointer, record: RandomID? = nil) {
        if write(head, body, record: record) { finishRequest() }
    }

    /// Writes an answer with a whole body; returns false, and breaks the connection off, where that cannot be.
    func write(_ head: ReplyHead, _ body: UnsafeRawBufferPointer, record: RandomID?) -> Bool {
        if let inner {
            inner.answered(head, body, record)
            return true
        }
        var head = head
        head.closes = visit.closes
        head.origin = visit.origin
        head.preflight = visit.preflight
        // The answer to HEAD ends with its head (RFC 9110 section 9.3.2).
        let body = visit.method == .head ? UnsafeRawBufferPointer(start: nil, count: 0) : body
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
            abort()
            return false
        }
        send(out, isLast: visit.closes)
        // A connection lives long, and few answers are large.
        if out.capacity > Self.mostKept { out = ByteBuffer() }
        return true
    }

    /// Lays out the head of an event stream; false where it does not fit.
    func layOutStreamHead(record: RandomID?, session: JSONText?) -> Bool {
        if let inner {
            inner.opened(record)
            return true
        }
        var head = ReplyHead(status: 200, body: .chunked, content: .events)
        head.closes = visit.closes
        head.origin = visit.origin
        let room = head.room + (session?.utf8.count ?? 0)
        out.clear(minimumCapacity: room)
        return path.withDigits(of: record) { digits in
            head.record = digits
            guard let session else { return out.writeHead(reserving: room) { head.write(to: &$0) } }
            return session.utf8.withUnsafeBufferPointer { id in
                head.session = id
                return out.writeHead(reserving: room) { head.write(to: &$0) }
            }
        }
    }

    /// Writes the head of an event stream that was laid out: together with the first events, or alone.
    func writeStreamHead(isAlone: Bool) {
        writer?.write(out, isLast: isAlone)
    }

    /// Writes, and with the last answer ends the connection.
    func send(_ buffer: ByteBuffer, isLast: Bool) {
        if let inner { return inner.received(buffer) }
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
        state.ends(gate.now())
        armTable()
        let promise = context.eventLoop.makePromise(of: Void.self)
        // Closed at once, with bytes of the client unread, its system would throw the answer away.
        promise.futureResult.assumeIsolated().whenComplete { _ in self.context?.close(mode: .output, promise: nil) }
        writer.write(buffer, promise: promise)
    }

    /// The largest memory that is kept for the next answer.
    private static let mostKept = 64 << 10

    /// The request has its answer: the next one may come.
    func finishRequest() {
        letGoOfRequest()
        account()
        guard state.answered(gate.now()) else { return }
        // What follows may be refused before it is looked at, and is not of the same page.
        if isInner { return finishInner() }
        visit = RequestContext()
        process()
    }

    private var allowed: StaticString {
        switch visit.route {
        case .server, .everyServer: visit.method == .get || visit.method == .delete ? "POST" : "GET, POST, DELETE"
        case .control: "GET, POST"
        case .ownPage: "GET, HEAD, POST"
        case .health, .openPage, .wellKnown, .nowhere: "GET, HEAD"
        }
    }
}
