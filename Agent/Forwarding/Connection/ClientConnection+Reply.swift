internal import AuditLog
internal import MCP
internal import NIOCore
internal import ServiceKit
internal import StrictJSON
internal import Upstreams
internal import Wire

// What comes from the server.
extension ClientConnection: ExchangeDelegate {
    func exchangeReceived(head: ResponseHead, in bytes: UnsafeRawBufferPointer) {
        guard machine.state == .waiting, let server = call?.server else { return }
        call?.lastByte = gate.now()
        var facts = ReplyFacts(status: head.status, contentType: head.contentType)
        facts.hasSession = call?.session != nil
        if head.status == 403, head.has(.wwwAuthenticate) {
            // Each scheme may have a field of its own.
            facts.lacksScope = head.fields(in: bytes).contains { field in
                field.isNamed(.wwwAuthenticate, in: bytes) && Challenge.lacksScope(field.value.slice(of: bytes))
            }
        }
        facts.retryAfterMilliseconds = head.value(.retryAfter, in: bytes)
            .flatMap { RetryAfter.milliseconds($0, now: gate.clock.wall()) }
        if call?.method == .initialize, (200...299).contains(head.status), let id = head.value(.sessionID, in: bytes) {
            guard SessionTable.isID(id) else {
                stop(machine.violated("session_id", "The server's session has an id that none may have."))
                return
            }
            call?.newSession = JSONText(utf8: id)
        }
        drained = 0
        let action = machine.head(facts)
        if machine.isReadingEvents {
            splitter = EventStreamSplitter(maxEventBytes: gate.configuration.longestReply)
            events.clear()
            if let call { call.commitBy = call.lastByte + gate.configuration.headPatience.nanoseconds }
        }
        let trouble = head.status >= 500 ? "The server answers with HTTP \(head.status)." : nil
        server.noteAnswer(trouble: trouble, now: trouble == nil ? 0 : gate.clock.wall())
        perform(action)
    }

    func exchangeReceived(body: ByteBuffer) {
        switch machine.state {
        case .collecting, .collectingError:
            touch()
            collect(body)
        case .events:
            touch()
            receiveEvents(body)
        case .discarding, .draining:
            drained += body.readableBytes
            guard drained > Self.mostDrained else { return }
            exchange?.cancel()
            exchange = nil
            perform(machine.ended())
        case .idle, .recording, .renewing, .waiting:
            break
        }
    }

    func exchangeEnded() {
        exchange = nil
        perform(machine.ended())
    }

    func exchangeFailed(_ failure: UpstreamFailure) {
        exchange = nil
        perform(machine.failed(failure, canResume: machine.isReadingEvents && canResume))
    }

    /// What an answer that nobody needs may cost before its connection is rather closed.
    private static let mostDrained = 64 << 10

    /// Something came from the server: its time begins anew.
    private func touch() {
        let now = gate.now()
        call?.lastByte = now
        if machine.kind == .stream { call?.session?.heard = now }
        armCall()
    }

    /// The server's part ends here, and the machine has said how.
    func stop(_ action: CallAction) {
        let exchange = exchange
        self.exchange = nil
        exchange?.cancel()
        perform(action)
    }

    // MARK: One message

    private func collect(_ body: ByteBuffer) {
        guard collected.readableBytes + body.readableBytes <= gate.configuration.longestReply else {
            stop(machine.tooLarge())
            return
        }
        collected.append(received: body)
        account()
    }

    /// The one message of a JSON answer is whole.
    func judgeCollected() {
        let message = collected
        collected = ByteBuffer()
        message.withUnsafeReadableBytes { bytes in
            let bytes = bytes.bindMemory(to: UInt8.self)
            let envelope: Envelope
            do throws(EnvelopeError) {
                envelope = try Envelope.scan(ofServer: bytes, limits: gate.configuration.replyLimits)
            } catch {
                stop(machine.violated("malformed", "The server's answer cannot be taken: \(error.message)."))
                return
            }
            answerWith(envelope, bytes, status: 200)
        }
    }

    /// The body of an error over HTTP is whole: a JSON-RPC error in it is what the client should see.
    func judgeError(_ status: Int, otherwise refusal: Refusal) {
        let message = collected
        collected = ByteBuffer()
        message.withUnsafeReadableBytes { bytes in
            let bytes = bytes.bindMemory(to: UInt8.self)
            guard let envelope = try? Envelope.scan(ofServer: bytes, limits: gate.configuration.replyLimits),
                envelope.kind == .errorResponse
            else {
                settle()
                end(with: refusal, refusal.outcome)
                return
            }
            // The same status says that a method or a thing is not there; the session goes on then.
            let ofRequest = [JSONRPCErrorCode.methodNotFound, .invalidParams].map(\.rawValue)
            let isAboutRequest = envelope.errorCode.map(ofRequest.contains) ?? false
            if status == 404, !isAboutRequest, let session = call?.session { dropSession(session) }
            guard let wait = refusal.retryAfterMilliseconds else { return answerWith(envelope, bytes, status: status) }
            // What its head says is not part of what the server said in its error: it stands beside that.
            if let renumbered = ReplyJudge.renumbered(envelope, in: bytes) {
                renumbered.withUnsafeBufferPointer { answer(scanning: $0, waiting: wait, status: status) }
            } else {
                answer(envelope, bytes, waiting: wait, status: status)
            }
        }
    }

    /// Answers with a message of the server's that was mended here; `wait` is how long the server wants to be left alone.
    private func answer(scanning bytes: UnsafeBufferPointer<UInt8>, waiting wait: Int? = nil, status: Int) {
        guard let envelope = try? Envelope.scan(ofServer: bytes, limits: gate.configuration.replyLimits) else {
            stop(machine.violated("malformed", "The server's answer cannot be taken."))
            return
        }
        guard let wait else { return answerWith(envelope, bytes, status: status) }
        answer(envelope, bytes, waiting: wait, status: status)
    }

    /// Answers with an error of the server's, and how long it wants to be left alone.
    private func answer(_ envelope: Envelope, _ bytes: UnsafeBufferPointer<UInt8>, waiting wait: Int, status: Int) {
        guard let told = ErrorBody.adding(retryAfterMilliseconds: wait, to: envelope, in: bytes) else {
            return answerWith(envelope, bytes, status: status)
        }
        told.withUnsafeBufferPointer { answer(scanning: $0, status: status) }
    }

    /// Answers the request with a message that came as the first thing with data.
    func answerWith(_ envelope: Envelope, _ bytes: UnsafeBufferPointer<UInt8>, status: Int) {
        guard let call else { return }
        guard envelope.kind == .response || envelope.kind == .errorResponse else {
            stop(machine.violated("no_answer", "The server answers with something that is no answer."))
            return
        }
        switch answering(envelope, bytes, isRefused: status != 200) {
        case .ours: break
        case .mended(let mended):
            mended.withUnsafeBufferPointer { answer(scanning: $0, status: status) }
            return
        case .foreign:
            stop(machine.violated("foreign_id", "The server answers another request than the one that was made."))
            return
        }
        switch call.judge(gate).judge(response: envelope, in: bytes) {
        case .pass(let outcome):
            noteTask(envelope, bytes)
            answerOnce(UnsafeRawBufferPointer(bytes), outcome, status: status)
        case .replace(let other, let outcome): other.withUnsafeBytes { answerOnce($0, outcome, status: status) }
        case .refuse(let refusal, let outcome):
            settle()
            end(with: refusal, outcome)
        }
    }

    /// Sends the one answer as JSON, and ends the call.
    private func answerOnce(_ body: UnsafeRawBufferPointer, _ outcome: Outcome.Kind, status: Int) {
        let record = call?.facts?.call
        call?.bytesOut += body.count
        let session = outcome == .ok ? bindSession() : nil
        settle()
        // A 429 or 5xx would end the whole session of many clients, for a call that has its answer.
        var head = ReplyHead(status: status == 429 || status >= 500 ? 200 : status, body: .length(body.count))
        let isWritten =
            session?.utf8.withUnsafeBufferPointer { id in
                head.session = id
                return write(head, body, record: record)
            } ?? write(head, body, record: record)
        // The client need not wait for the record of the end, which may be lost and is then written anew at a start.
        endCall(outcome)
        if isWritten { finishRequest() }
    }
}
