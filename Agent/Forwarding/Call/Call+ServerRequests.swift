internal import AuditLog
internal import Bytes
internal import MCP
internal import Spool
internal import StrictJSON

// Requests of the server to the client, in the handshake era.
extension Call {
    func receiveRequest(
        _ envelope: Envelope,
        _ message: UnsafeBufferPointer<UInt8>,
        _ eventID: UnsafeRawBufferPointer?
    ) {
        guard let span = envelope.id else { return }
        guard let id = RequestID(span, in: message) else {
            stop(machine.violated("server_request", "The server asks under an id that is too long."))
            return
        }
        switch judge.judge(request: envelope) {
        case .violation:
            stop(machine.violated("server_request", "The server asks something, which it may not in this revision."))
        case .ping:
            gate.records.countPing(server)
            guard remember(id, facts: nil, in: nil, bytes: message.count) else { return }
            pass(message, eventID)
        case .ask(let decision):
            let facts = facts(envelope, message)
            guard let spool = gate.records.begin(facts, decision, credential: nil) else {
                // What cannot be recorded is not done, here as on the way there.
                refuse(id: message[span.range], .notRecorded)
                return
            }
            guard remember(id, facts: facts, in: spool, bytes: message.count) else {
                gate.records.end(facts, Outcome(.notSent, bytesIn: message.count), in: spool)
                refuse(id: message[span.range], .tooManyRequests)
                return
            }
            pass(message, eventID)
        case .refuse(let decision):
            let refusal = decision.map(Refusal.denied) ?? .unknownMethod(.handshake)
            _ = gate.records.deny(facts(envelope, message), refusal)
            refuse(id: message[span.range], refusal)
        }
    }

    private func facts(_ envelope: Envelope, _ message: UnsafeBufferPointer<UInt8>) -> CallAttributes {
        CallAttributes(
            call: gate.random.id(),
            trace: trace.trace,
            client: client,
            how: how,
            server: server.alias,
            method: CallNames.method(of: envelope, in: message),
            item: .none
        )
    }

    /// Remembers what the client will have to answer.
    private func remember(_ id: RequestID, facts: CallAttributes?, in spool: Spool?, bytes: Int) -> Bool {
        // The client answers within the session that begins here.
        _ = bindSession()
        let session = session ?? beginSession(sessionless)
        return session.add(
            id,
            Session.Pending(
                facts: facts,
                spool: spool,
                began: gate.now(),
                bytes: bytes,
                stream: ObjectIdentifier(connection)
            )
        )
    }

    /// Answers a request of the server in the client's place.
    ///
    /// Each has its record, and so a server could fill the spool by asking: not many of them come over one stream.
    private func refuse(id: Slice<UnsafeBufferPointer<UInt8>>, _ refusal: Refusal) {
        refusedRequests += 1
        guard refusedRequests <= Session.most, server.refusals.takeNow(gate.now()) else {
            stop(machine.violated("server_request", "The server asks again and again for what it may not."))
            return
        }
        let body = GatewayError.encode(code: .methodNotFound, message: refusal.wordsForServer, id: id)
        OneWayExchange.send(
            body,
            to: server,
            session: session?.upstream,
            version: version,
            authorization: authorization,
            path: path
        )
    }
}
