internal import AuditLog
internal import MCP
internal import NIOCore
internal import StrictJSON
internal import Upstreams

// An answer in one message.
extension Call {
    func collect(_ body: ByteBuffer) {
        guard collected.readableBytes + body.readableBytes <= gate.configuration.longestReply else {
            stop(machine.tooLarge())
            return
        }
        collected.append(received: body)
        connection.account()
    }

    /// The one message of a JSON answer is whole.
    func judgeCollected() {
        var message = collected
        collected = ByteBuffer()
        defer { message.release() }
        message.withUnsafeReadableBytes { bytes in
            let bytes = bytes.bindMemory(to: UInt8.self)
            let envelope: Envelope
            do throws(EnvelopeError) {
                envelope = try Envelope.scan(ofServer: bytes, limits: gate.replyLimits)
            } catch {
                stop(machine.violated("malformed", "The server's answer cannot be taken: \(error.message)."))
                return
            }
            answer(with: envelope, bytes, status: 200)
        }
    }

    /// The body of an error over HTTP is whole: a JSON-RPC error in it is what the client should see.
    func judgeError(_ status: Int, otherwise refusal: Refusal) {
        var message = collected
        collected = ByteBuffer()
        defer { message.release() }
        message.withUnsafeReadableBytes { bytes in
            let bytes = bytes.bindMemory(to: UInt8.self)
            guard let envelope = try? Envelope.scan(ofServer: bytes, limits: gate.replyLimits),
                envelope.kind == .errorResponse
            else {
                finishReading()
                refuse(refusal, refusal.outcome)
                return
            }
            if let session, LostSession.isTold(by: status, envelope, in: bytes) {
                if sessionLost() { return }
                if status == 404 { dropSession(session) }
            }
            guard let wait = refusal.retryAfterMilliseconds else {
                return answer(with: envelope, bytes, status: status)
            }
            // What the response's head tells is not part of the server's error: the agent puts it beside that error.
            if let renumbered = ResponseFilter.renumbered(envelope, in: bytes) {
                renumbered.withUnsafeBufferPointer { answer(scanning: $0, waiting: wait, status: status) }
            } else {
                answer(with: envelope, bytes, waiting: wait, status: status)
            }
        }
    }

    /// Answers with a message of the server's that was mended or put together here; `wait` is how long the server wants to be left alone.
    func answer(scanning bytes: UnsafeBufferPointer<UInt8>, waiting wait: Int? = nil, status: Int) {
        guard let envelope = try? Envelope.scan(ofServer: bytes, limits: gate.replyLimits) else {
            stop(machine.violated("malformed", "The server's answer cannot be taken."))
            return
        }
        guard let wait else { return answer(with: envelope, bytes, status: status) }
        answer(with: envelope, bytes, waiting: wait, status: status)
    }

    /// Answers with an error of the server's, and how long it wants to be left alone.
    private func answer(with envelope: Envelope, _ bytes: UnsafeBufferPointer<UInt8>, waiting wait: Int, status: Int) {
        guard let told = ErrorBody.adding(retryAfterMilliseconds: wait, to: envelope, in: bytes) else {
            return answer(with: envelope, bytes, status: status)
        }
        told.withUnsafeBufferPointer { answer(scanning: $0, status: status) }
    }

    /// Answers the request with a message that came as the first thing with data.
    func answer(with envelope: Envelope, _ bytes: UnsafeBufferPointer<UInt8>, status: Int) {
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
        if isWholeList, takePage(envelope, bytes) { return }
        switch judge.judge(response: envelope, in: bytes) {
        case .pass(let outcome):
            noteTask(envelope, bytes)
            answerOnce(UnsafeRawBufferPointer(bytes), outcome, status: status)
        case .replace(let other, let outcome): other.withUnsafeBytes { answerOnce($0, outcome, status: status) }
        case .refuse(let refusal, let outcome):
            finishReading()
            refuse(refusal, outcome)
        }
    }

    /// Sends the one answer as JSON, and ends the call.
    private func answerOnce(_ body: UnsafeRawBufferPointer, _ outcome: Outcome.Kind, status: Int) {
        // Messages have gone before it, so it is the last of them.
        if isCommitted { return finishStream(body, nil, outcome) }
        let record = facts?.call
        bytesOut += body.count
        let session = outcome == .ok ? bindSession() : nil
        finishReading()
        // A 429 or 5xx would end the whole session of many clients, for a call that has its answer.
        var head = ReplyHead(status: status == 429 || status >= 500 ? 200 : status, body: .length(body.count))
        let isWritten =
            session?.utf8.withUnsafeBufferPointer { id in
                head.session = id
                return connection.write(head, body, record: record)
            } ?? connection.write(head, body, record: record)
        // The client need not wait for the record of the end, which may be lost and is then written anew at a start.
        recordEnd(outcome)
        if isWritten { connection.finishRequest() }
    }
}
