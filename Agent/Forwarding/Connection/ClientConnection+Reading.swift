internal import AuditLog
internal import NIOCore
internal import StrictJSON
internal import Upstreams
internal import Wire

// From bytes to a request that may be served.
extension ClientConnection {
    /// Reads on, and serves what is whole, until something is missing or an answer is awaited.
    func process() {
        // What is served may be answered before this returns, and then asks for the next.
        guard !isProcessing else { return }
        isProcessing = true
        defer { isProcessing = false }
        while phase == .reading, input.readableBytes > 0 {
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
                disarmReading()
                takeRequest()
                serve()
            case .refused(let status, let message):
                refuse(status, message)
            }
        }
        guard phase == .reading else { return }
        holdReading(false)
        armReading()
    }

    /// Looks at a head: refuses it, or lets its body come.
    private func admit() {
        let head = reader.head
        visit = RequestContext(method: head.method, closes: !head.keepsAlive || path.isEnding)
        guard let status = input.withUnsafeReadableBytes({ admission(head, in: $0) }) else {
            if head.expectsContinue { sendContinue() }
            return
        }
        refuse(status, nil)
    }

    /// The status to refuse a head with; nil for one whose body may come.
    private func admission(_ head: RequestHead, in bytes: UnsafeRawBufferPointer) -> Int? {
        if let status = door.rules.refusal(of: head, in: bytes, isOverSocket: door.isSocket) { return status }
        visit.route = Route(head.path.slice(of: bytes))
        // The other pages are not for the web: numbers, and what this user's commands ask.
        switch visit.route {
        case .server, .wellKnown: visit.origin = door.rules.foreignOrigin(of: head, in: bytes)
        case .control, .health, .openPage, .nowhere: break
        }
        if visit.origin != nil, head.method == .options {
            // A browser asks without the credential, and takes any other status for a no.
            visit.preflight = head.value(.requestedHeaders, in: bytes).map { Array($0) } ?? []
            return 204
        }
        if !visit.route.isOpen, !recognise(head, in: bytes) { return 401 }
        switch visit.route {
        case .health, .openPage: return head.method == .get || head.method == .head ? nil : 405
        case .wellKnown, .nowhere: return 404
        case .control:
            guard door.isSocket else { return 404 }
            return head.method == .get || head.method == .post ? nil : 405
        case .server:
            switch head.method {
            // A form or a text can be sent by any page; JSON only by one that was let in.
            case .post: return head.contentType == .json && !isCoded(head, in: bytes) ? nil : 415
            // Neither has a body: one that was passed on would be a second request to the server, which nobody judged.
            case .get, .delete: return head.framing == .none || head.framing == .fixed(0) ? nil : 400
            case .head, .put, .patch, .options, .other: return 405
            }
        }
    }

    /// Whether a content coding hides the body from whoever judges it.
    private func isCoded(_ head: RequestHead, in bytes: UnsafeRawBufferPointer) -> Bool {
        guard let coding = head.value(.contentEncoding, in: bytes) else { return false }
        return !coding.isEmpty && !coding.elementsEqual("identity".utf8, by: { $0 | 0x20 == $1 })
    }

    /// Tells which client it is; false for one that shows no credential where one is needed, or one that is not known.
    private func recognise(_ head: RequestHead, in bytes: UnsafeRawBufferPointer) -> Bool {
        guard let value = head.value(.authorization, in: bytes) else {
            // The kernel vouches for the user, and that is all that is known.
            return door.isSocket
        }
        visit.how = .token
        if let known, known.generation == gate.clientsGeneration,
            known.value.withUnsafeBufferPointer(value.isEqual)
        {
            visit.client = known.name
            visit.clientNumber = known.number
            return true
        }
        guard let token = BearerToken.token(in: value), let name = gate.client(token: token) else { return false }
        let number = gate.number(of: name)
        known = KnownClient(value: Array(value), name: name, number: number, generation: gate.clientsGeneration)
        visit.client = name
        visit.clientNumber = number
        return true
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
        phase = .answering
        lastActive = gate.now()
        // The rest of an answer that the client has long had is worth less than the time of this request.
        stopDraining()
    }

    private func sendContinue() {
        writer?.write(ByteBuffer(staticString: "HTTP/1.1 100 Continue\r\n\r\n"))
    }

    // MARK: Refusing

    /// Refuses a request before its body was read, and so ends the connection: what may still come could be anything.
    func refuse(_ status: Int, _ message: String?) {
        if status >= 400 { gate.countRejection(status) }
        // Of a head that is not whole the first line may be known.
        visit.method = reader.head.method
        let isWhole = reader.isWaitingForBody && reader.head.framing == .none && message == nil
        if isWhole, case .request = input.withUnsafeReadableBytes({ reader.next($0) }) {
            disarmReading()
            takeRequest()
        } else {
            phase = .answering
            visit.closes = true
        }
        answerPlainly(status, message)
    }
}
