internal import AuditLog
internal import MCP
internal import NIOCore
internal import StrictJSON
internal import Upstreams
internal import Wire

// An answer in events of the server, each judged once it is whole.
extension Call {
    func receiveEvents(_ body: ByteBuffer) {
        collected.append(received: body)
        while machine.isReadingEvents {
            let buffer = collected
            let step = buffer.withUnsafeReadableBytes { bytes in
                let step = splitter?.next(in: bytes) ?? .incomplete
                if case .event(let event) = step { receive(event, bytes) }
                return step
            }
            switch step {
            case .event: continue
            case .incomplete: break
            case .tooLarge: stop(machine.tooLarge())
            }
            break
        }
        guard machine.isReadingEvents else {
            collected.release()
            return
        }
        collected.moveReaderIndex(forwardBy: splitter?.discard() ?? 0)
        if collected.readableBytes == 0 { collected.release() }
        connection.account()
        guard machine.state == .events(isCommitted: true) else { return }
        sendEvents(isLast: false)
    }

    /// Takes note of the id of an event, behind which the stream can be taken up again in this session.
    private func remember(event id: UnsafeRawBufferPointer) {
        guard era == .handshake else { return }
        guard !id.isEmpty else {
            lastEvent = nil
            return
        }
        let event = EventIDs.hash(id)
        lastEvent = event
        let session = session ?? beginSession(sessionless)
        session.events.remember(event, isOfStream: machine.kind == .stream)
    }

    /// Sends what was laid out, in one chunk; with the last one behind it where the stream ends.
    func sendEvents(isLast: Bool) {
        guard let chunk = connection.events.take(isLast: isLast) else { return }
        connection.send(chunk, isLast: isLast && connection.visit.closes)
    }

    private func receive(_ event: ServerSentEvent, _ bytes: UnsafeRawBufferPointer) {
        let id = event.id.map { UnsafeRawBufferPointer(rebasing: bytes[$0]) }
        // An empty id takes the last one back.
        if let id { remember(event: id) }
        if let retry = event.retry { connection.events.note(retry: UnsafeRawBufferPointer(rebasing: bytes[retry])) }
        guard event.hasData else {
            // Before the head of the reply has gone, a mark waits with it, and a comment has no reader.
            if let id {
                // Of marks that wait only the last one counts, and a server could send any number of them.
                if machine.state == .events(isCommitted: false) { connection.events.clear(keepsRetry: true) }
                connection.events.append(mark: id)
            } else if machine.state == .events(isCommitted: true) {
                if event.retry != nil {
                    connection.events.appendRetry()
                } else if event.dataLines == 0, ![0x0A, 0x0D].contains(bytes[event.range.lowerBound]) {
                    // An empty line after a comment is not a comment of its own.
                    connection.events.appendComment()
                }
            }
            return
        }
        // Clients look at no other kind, so nothing of another kind needs to reach them.
        if let type = event.type, !bytes[type].isEmpty, !bytes[type].elementsEqual("message".utf8) { return }
        if let data = event.data(in: bytes) {
            receive(data.bindMemory(to: UInt8.self), id)
        } else {
            var joined: [UInt8] = []
            event.appendData(from: bytes, to: &joined)
            joined.withUnsafeBufferPointer { receive($0, id) }
        }
    }

    private func receive(_ message: UnsafeBufferPointer<UInt8>, _ id: UnsafeRawBufferPointer?) {
        let envelope: Envelope
        do {
            envelope = try Envelope.scan(ofServer: message, limits: gate.replyLimits)
        } catch {
            stop(machine.violated("malformed", "The server's message cannot be taken: \(error.message)."))
            return
        }
        switch envelope.kind {
        case .response, .errorResponse: receiveResponse(envelope, message, id)
        case .notification: receiveNotification(envelope, message, id)
        case .request: receiveRequest(envelope, message, id)
        }
    }

    // MARK: Responses

    private func receiveResponse(
        _ envelope: Envelope,
        _ message: UnsafeBufferPointer<UInt8>,
        _ id: UnsafeRawBufferPointer?
    ) {
        if machine.kind == .stream {
            receiveParked(envelope, message, id)
            return
        }
        if machine.state == .events(isCommitted: false) {
            // Nothing came before it: as JSON it reaches clients that take no large events.
            connection.events.clear()
            answer(with: envelope, message, status: 200)
            return
        }
        switch answering(envelope, message, isRefused: false) {
        case .ours: break
        case .mended(let mended):
            mended.withUnsafeBufferPointer { receive($0, id) }
            return
        case .foreign:
            stop(machine.violated("foreign_id", "The server answers another request than the one that was made."))
            return
        }
        if isWholeList, takePage(envelope, message) { return }
        switch judge.judge(response: envelope, in: message) {
        case .pass(let outcome):
            noteTask(envelope, message)
            finishStream(UnsafeRawBufferPointer(message), id, outcome)
        case .replace(let other, let outcome): other.withUnsafeBytes { finishStream($0, id, outcome) }
        case .refuse(let refusal, let outcome):
            let told = refusal.about(server, facts?.item, gate.configuration)
            let body = told.body(id: literalID, record: facts?.call)
            body.withUnsafeBytes { finishStream($0, nil, outcome) }
        }
    }

    /// The response is the last thing on its stream.
    func finishStream(_ message: UnsafeRawBufferPointer, _ id: UnsafeRawBufferPointer?, _ outcome: Outcome.Kind) {
        bytesOut += message.count
        connection.events.append(data: message, id: id)
        finishReading()
        recordEnd(outcome)
        sendEvents(isLast: true)
        connection.finishRequest()
    }

    /// A response on the server's own stream: only to a request whose stream broke off.
    private func receiveParked(
        _ envelope: Envelope,
        _ message: UnsafeBufferPointer<UInt8>,
        _ id: UnsafeRawBufferPointer?
    ) {
        guard let session, let span = envelope.id, let answered = RequestID(span, in: message),
            let (request, parked) = session.parkedCall(answeredBy: answered)
        else { return }
        guard message[span.range].elementsEqual(parked.note.id) else {
            // It goes on under the request's own id.
            let mended = Array(message[..<span.lower]) + parked.note.id + message[span.upper...]
            mended.withUnsafeBufferPointer { receive($0, id) }
            return
        }
        let judge = self.judge.about(parked.method)
        let outcome: Outcome.Kind
        var bytesOut = message.count
        switch judge.judge(response: envelope, in: message) {
        case .pass(let kind):
            outcome = kind
            noteTask(envelope, message, parked, request, in: session)
            pass(message, id)
        case .replace(let other, let kind):
            outcome = kind
            bytesOut = other.count
            other.withUnsafeBufferPointer { pass($0, id) }
        case .refuse(let refusal, let kind):
            outcome = kind
            let told = refusal.about(parked.server, parked.facts.item, gate.configuration)
            let body = told.body(id: parked.note.id, record: parked.facts.call)
            bytesOut = body.count
            body.withUnsafeBufferPointer { pass($0, nil) }
        }
        _ = gate.endParked(request, in: session, outcome, bytesOut: bytesOut)
    }

    // MARK: Notifications

    private func receiveNotification(
        _ envelope: Envelope,
        _ message: UnsafeBufferPointer<UInt8>,
        _ id: UnsafeRawBufferPointer?
    ) {
        gate.records.countNotification(server)
        guard judge.passes(notification: envelope, in: message) else { return }
        if envelope.method == .cancelled, let span = envelope.cancelledID, let request = RequestID(span, in: message),
            let pending = openSession?.answer(request, now: gate.now())
        {
            gate.records.endPending(pending, .cancelled, bytesOut: 0, now: gate.now())
        }
        pass(message, id)
        guard envelope.method == .subscriptionsAcknowledged else { return }
        isAcknowledged = true
        layOutChanges()
    }

    /// Passes a message on; with the first one the head of the reply goes out.
    func pass(_ message: UnsafeBufferPointer<UInt8>, _ id: UnsafeRawBufferPointer?) {
        if machine.state == .events(isCommitted: false) { openStream() }
        bytesOut += message.count
        connection.events.append(data: UnsafeRawBufferPointer(message), id: id)
    }

    /// Sends the head of an event stream; at once, where nothing follows it for now.
    func openStream(isAlone: Bool = false) {
        let begun = bindSession()
        guard connection.layOutStreamHead(record: facts?.call, session: begun) else { return connection.abort() }
        machine.committed()
        isCommitted = true
        // Together with the first events; alone where the stream is the server's own, which may say nothing for long.
        connection.writeStreamHead(isAlone: isAlone || machine.kind == .stream)
        arm()
        // A change may have come before the stream had begun.
        guard machine.kind == .stream else { return }
        let isStale = self.session?.hasStaleLists ?? false
        if isStale { self.session?.hasStaleLists = false }
        tell(changed: isStale ? .all : [])
    }
}
