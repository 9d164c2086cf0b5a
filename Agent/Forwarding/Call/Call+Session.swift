internal import AuditLog
internal import MCP
internal import NIOCore
internal import StrictJSON
internal import Upstreams
internal import Wire

// The server's session behind the client's: it is begun anew where the server has lost it.
extension Call {
    /// Whether the request can leave at once; where it cannot, what has to be done first is begun.
    func hasUpstreamSession() -> Bool {
        // Decides on the server's side of a conversation before the server has answered.
        if method == .initialize, era == .handshake, boundID == nil { boundID = Gate.newSessionID() }
        guard let session, session.upstream == nil, method != .initialize else {
            generation = session?.generation ?? 0
            return session == nil || machine.kind != .stream || !answerOwed()
        }
        switch machine.kind {
        case .request: perform(machine.beginSession())
        case .stream: if !answerOwed() { perform(machine.beginSession()) }
        // The server has nothing to end, and nothing of this session to be told.
        case .delete: endUnsent(204)
        case .message: endUnsent(202)
        }
        return false
    }

    private func endUnsent(_ status: Int) {
        machine.abandoned()
        endBare(status, .ok)
    }

    /// Begins the server's session, or waits for a call that does.
    func beginUpstreamSession() {
        guard let session, let seed = session.seed else { return endSession() }
        arm()
        SessionBeginning.join(self, session, seed: seed)
    }

    /// What a beginning came to.
    func sessionBegun(_ outcome: SessionBeginning.Outcome) {
        perform(machine.sessionBegun(outcome))
    }

    /// The server says that it does not know the session, and so it has not looked at the request.
    ///
    /// - Returns: false where the session cannot be begun anew, and so has ended.
    func sessionLost() -> Bool {
        guard let session, session.seed != nil, method != .initialize, machine.kind != .delete else { return false }
        dropExchange()
        if machine.kind == .stream, machine.hasLostSession || server.hasNoStreams {
            // Not about the session: some servers do not know GET at their address, and say so with this status.
            server.hasNoStreams = true
            machine.abandoned()
            endBare(405, .upstreamError)
            return true
        }
        // The session that it was sent in may have been replaced while the server answered.
        if session.upstream != nil, session.generation == generation { gate.loseUpstream(of: session) }
        switch machine.kind {
        case .message: endUnsent(202)
        case .stream where answerOwed(): break
        case .request, .stream, .delete: perform(machine.sessionLost())
        }
        return true
    }

    /// Gives the client the answers that its server will not give any more, on the stream on which it looks for them.
    private func answerOwed() -> Bool {
        guard let session, !session.owed.isEmpty else { return false }
        machine.abandoned()
        guard connection.layOutStreamHead(record: nil, session: nil) else {
            connection.abort()
            return true
        }
        for answer in session.takeOwed() {
            bytesOut += answer.count
            answer.withUnsafeBytes { connection.events.append(data: $0, id: nil) }
        }
        connection.writeStreamHead(isAlone: false)
        recordEnd(.ok)
        sendEvents(isLast: true)
        connection.finishRequest()
        return true
    }

    /// Whether the server knows the event behind which the client wants to go on, if it names one.
    func resumes(_ head: UnsafeRawBufferPointer) -> Bool {
        guard let session, let event = connection.head.value(.lastEventID, in: head) else { return true }
        return !session.isFormer(event: EventIDs.hash(UnsafeRawBufferPointer(event)))
    }

    /// Remembers what the server has granted and would have to be asked again.
    func noteWish() {
        let wish: SessionSeed.Wish
        switch method {
        case .loggingSetLevel: wish = .level
        case .resourcesSubscribe: wish = .subscribe
        case .resourcesUnsubscribe: wish = .unsubscribe
        default: return
        }
        guard let session, session.seed != nil else { return }
        let request = connection.request
        let message = request.withUnsafeReadableBytes { bytes in
            try? JSONValue(parsing: UnsafeRawBufferPointer(rebasing: bytes[body]).bindMemory(to: UInt8.self))
        }
        guard let params = message?["params"], session.note(wish, params: params) else { return }
        gate.sessions.noteChange()
    }

    /// The conversation that it belongs to: the thread of its address, else its session.
    var conversation: JSONText { thread.utf8.isEmpty ? session?.key.id ?? boundID ?? "" : thread }

    /// Binds the session that begins with the answer to the client and the server; returns its id.
    func bindSession() -> JSONText? {
        guard let upstream = newSession else { return nil }
        let id = boundID ?? Gate.newSessionID()
        boundID = id
        if let session, session.key.id == id { return id }
        let new = beginSession(SessionKey(client: client, server: server.alias, id: id))
        let request = connection.request
        let seed = request.withUnsafeReadableBytes { bytes in
            SessionSeed(initialize: UnsafeRawBufferPointer(rebasing: bytes[body]).bindMemory(to: UInt8.self))
        }
        new.take(upstream: upstream, seed: seed)
        session = new
        return id
    }
}
