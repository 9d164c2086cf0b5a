internal import AuditLog
internal import Bytes
internal import NIOCore
internal import StrictJSON
internal import Upstreams
internal import Wire

// From bytes to a request that may be served.
extension ClientConnection {
    /// Reads on, and serves what is whole, until something is missing or an answer is awaited.
    func process() {
        guard state.beginProcessing() else { return }
        defer { state.endProcessing() }
        while state.phase == .reading, input.readableBytes > 0 {
            // A client that does not read its answers gets no more of them.
            guard isWritable else { return holdReading(true) }
            switch input.withUnsafeReadableBytes({ reader.next($0) }) {
            case .incomplete:
                input.moveWriterIndex(to: input.writerIndex - reader.takenOut())
                account()
                holdReading(false)
                armReading()
                return
            case .head:
                admit()
            case .request:
                takeRequest()
                serve()
            case .refused(let status, let message):
                refuse(status, message)
            }
        }
        guard state.phase == .reading else { return }
        holdReading(false)
        armReading()
    }

    /// Looks at a head: refuses it, or lets its body come.
    private func admit() {
        let head = reader.head
        visit = RequestContext(method: head.method, closes: !head.keepsAlive || path.isEnding)
        let status = input.withUnsafeReadableBytes { bytes in
            RequestGuard.refusal(of: head, in: bytes, at: listener, &visit) { value, proof in
                proof == .claimed ? client(claimed: value) : client(authorization: value)
            }
        }
        guard let status else {
            if head.expectsContinue { sendContinue() }
            return
        }
        refuse(status, nil)
    }

    /// The client that a value of `Authorization` belongs to; nil for one that is not known.
    private func client(authorization value: UnsafeBufferPointer<UInt8>) -> (name: JSONText, number: Int)? {
        if let known, known.generation == gate.clientsGeneration,
            known.value.withUnsafeBufferPointer(value.isEqual)
        {
            return (known.name, known.number)
        }
        guard let token = BearerToken.token(in: value), let name = gate.client(token: token) else { return nil }
        let number = gate.number(of: name)
        known = KnownClient(value: Array(value), name: name, number: number, generation: gate.clientsGeneration)
        return (name, number)
    }

    /// The client of a name that is claimed; nil for one that is not known.
    private func client(claimed name: UnsafeBufferPointer<UInt8>) -> (name: JSONText, number: Int)? {
        let name = JSONText(utf8: name)
        return gate.isClient(name) ? (name, gate.number(of: name)) : nil
    }

    /// Takes the request that is whole out of the input.
    private func takeRequest() {
        head = reader.head
        let length = reader.length
        if head.framing == .chunked {
            // Head and body edge to edge, as if they had come so.
            var joined = input.readSlice(length: head.length) ?? ByteBuffer()
            input.moveReaderIndex(forwardBy: length - head.length)
            joined.writeBytes(reader.joinedBody)
            request = joined
        } else if input.readableBytes == length {
            request = input
            input = ByteBuffer()
        } else {
            request = input.readSlice(length: length) ?? ByteBuffer()
        }
        if input.readableBytes == 0 { input = ByteBuffer() }
        reader.startAgain()
        pace.reset()
        state.requestTaken(gate.now())
        // The rest of an answer that the client has long had is worth less than the time of this request.
        stopDraining()
    }

    private func sendContinue() {
        writer?.write(ByteBuffer(staticString: "HTTP/1.1 100 Continue\r\n\r\n"))
    }

    // MARK: Refusing

    /// Refuses a request before its body was read, and so ends the connection: what may still come could be anything.
    func refuse(_ status: Int, _ message: String?) {
        if status >= 400 { gate.records.countRejection(status) }
        // Of a head that is not whole the first line may be known.
        visit.method = reader.head.method
        let isWhole = reader.isWaitingForBody && reader.head.framing == .none && message == nil
        if isWhole, case .request = input.withUnsafeReadableBytes({ reader.next($0) }) {
            takeRequest()
        } else {
            state.refusedEarly()
            visit.closes = true
        }
        answerPlainly(status, message)
    }
}
