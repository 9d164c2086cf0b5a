internal import MCP
internal import StrictJSON

/// Brings what a client says without waiting for an answer to the server that it is for: answers to what was asked, and
/// notifications.
struct OwnMessages {
    let connection: ClientConnection
    let asker: Asker

    func pass(_ envelope: Envelope, _ body: UnsafeBufferPointer<UInt8>) {
        var message = OwnMessage(body)
        switch (envelope.kind, envelope.method) {
        case (.response, _), (.errorResponse, _):
            guard let span = envelope.id, let (alias, id) = parts(span, body) else { return }
            message.replace(span, id)
            send(message.message, to: alias)
        case (_, .progress):
            guard let span = envelope.progressToken, let (alias, token) = parts(span, body) else { return }
            message.replace(span, token)
            send(message.message, to: alias)
        case (_, .cancelled):
            guard let span = envelope.cancelledID, let id = RequestID(span, in: body) else { return }
            let call = connection.path.table.connections.lazy.compactMap { $0.gathering as? RoutedCall }
                .first { $0.isOf(id, asker) }
            if let call { send(message.message, to: call.alias) }
        case (_, .rootsListChanged):
            // Whoever has asked for them has heard a session begin.
            for server in connection.path.everyServer.servers(of: asker.visit.client) where session(server.alias) != nil
            {
                send(message.message, to: server.alias)
            }
        default:
            // Sessions at servers begin by themselves, so `initialized` is told to none.
            break
        }
    }

    /// The server that an id or token of the agent's stands for, and the literal that the server has for it.
    private func parts(_ span: JSONSpan, _ body: UnsafeBufferPointer<UInt8>) -> (JSONText, [UInt8])? {
        let literal = UnsafeBufferPointer(rebasing: body[span.range])
        guard let id = (try? JSONValue(parsing: literal, topLevel: .anything))?.string,
            let (alias, own) = ExposedID.parts(of: id),
            // It is put into a message as it is.
            own.withUnsafeBufferPointer({ RequestID(literal: $0) }) != nil
        else { return nil }
        return (alias, own)
    }

    private func session(_ alias: JSONText) -> Session? {
        guard let session = asker.session else { return nil }
        let key = SessionKey(client: asker.visit.client, server: alias, id: session.key.id)
        return connection.gate.sessions.find(key, now: connection.lastActive)
    }

    private func send(_ message: [UInt8], to alias: JSONText) {
        guard let session = session(alias) else { return }
        WholeAnswer.ask(alias, asker.message(message, method: nil, in: session), for: asker, on: connection) { _ in }
    }
}
