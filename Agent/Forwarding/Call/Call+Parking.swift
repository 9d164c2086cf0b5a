internal import AuditLog
internal import Bridging
internal import MCP
internal import NIOCore
internal import Policy
internal import Upstreams

// Calls that go on although a stream has ended: the server's that can be taken up again, and those whose client has gone.
extension Call {
    /// Whether a stream of the server that breaks off can be taken up again; the bridge does that itself, so that what breaks
    /// off there is over.
    var canResume: Bool { canPark && server.bridge.isDirect(era, method) }

    /// Whether the answer to the request at hand can still come when its client takes the stream up again: in the handshake
    /// era, in a session, behind an event with an id, and where the client has not taken the request back.
    private var canPark: Bool {
        guard era == .handshake, lastEvent != nil, facts != nil, let session, let id = requestID else { return false }
        return session.canPark(id) && !session.hasCancelled(id)
    }

    /// Whether the client has taken the request at hand back, and so the server was told.
    private var isTakenBack: Bool {
        guard let session, session.hasCancelled, let id = requestID else { return false }
        return session.hasCancelled(id)
    }

    /// Keeps a request whose stream has ended, so that its answer is known when it comes on another.
    ///
    /// - Parameter isClientHere: whether the client is still there, and can answer what the server has asked on the stream.
    /// - Returns: false where the answer cannot come any more.
    func park(isClientHere: Bool) -> Bool {
        guard canPark, let event = lastEvent, let facts, let session, let id = requestID else { return false }
        let parked = ParkedCall(
            facts: facts,
            spool: spool,
            method: method,
            began: began,
            bytesIn: body.count,
            server: server,
            permit: takePermit(),
            lastEvent: event,
            since: gate.now(),
            asksForTask: asksForTask,
            task: askedTask,
            note: cancelNote
        )
        if isClientHere { session.keepPending(of: ObjectIdentifier(connection)) }
        leave()
        gate.park(parked, id, in: session)?.note.send("too_many", on: path)
        path.upkeep.wake()
        return true
    }

    /// The server's stream broke off behind an event with an id: the client's does too, so that it can be taken up again,
    /// and the call goes on.
    func suspend() {
        guard park(isClientHere: true) else { return connection.abort() }
        collected.release()
        // The event may not have gone out: without it the client would not know where to go on.
        if !isCommitted { openStream() }
        sendEvents(isLast: false)
        connection.call = nil
        connection.abort()
    }

    /// Ends what the client waited for; with its stream closed a modern request is cancelled at the server too.
    func clientDisconnected() {
        let exchange = exchange
        self.exchange = nil
        defer { collected.release() }
        guard machine.isUnanswered else {
            machine.abandoned()
            exchange?.cancel()
            return
        }
        machine.abandoned()
        if park(isClientHere: false) {
            exchange?.cancel()
            return
        }
        if let exchange { abandon(exchange) }
        recordEnd(.cancelled)
    }

    /// Lets go of what the server does for a client that has gone.
    private func abandon(_ exchange: UpstreamExchange) {
        // A request that has not left is worked on by no server.
        guard exchange.isRunning, facts != nil else { return exchange.cancel() }
        let isTold = era == .handshake && method != .initialize
        if isTold, !isTakenBack { cancelNote.send("client_gone", on: path) }
        let permit = takePermit()
        guard !permit.isEmpty else { return exchange.cancel() }
        // A modern server is told by the end of its stream, one of the handshake era may yet answer on it.
        if !isTold { exchange.cancel() }
        LostCall.keep(
            permit,
            until: isTold ? exchange : nil,
            longest: gate.configuration.longestReply,
            on: path.loop
        )
    }

    /// What the server has to be told if the client no longer waits for its answer.
    var cancelNote: CancelNote {
        CancelNote(
            server: server,
            session: session?.upstream,
            version: version,
            authorization: authorization,
            id: page?.id ?? literalID ?? []
        )
    }

    /// Answers a parked call of the session in the server's place, on the server's own stream.
    func tell(_ parked: ParkedCall, _ refusal: Refusal) {
        guard machine.state == .events(isCommitted: true) else { return }
        let told = refusal.about(parked.server, parked.facts.item, gate.configuration)
        let body = told.body(id: parked.note.id, record: parked.facts.call)
        bytesOut += body.count
        body.withUnsafeBytes { connection.events.append(data: $0, id: nil) }
        sendEvents(isLast: false)
    }
}
