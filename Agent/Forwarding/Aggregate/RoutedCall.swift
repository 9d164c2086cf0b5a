internal import AuditLog
internal import Bytes
internal import MCP
internal import StrictJSON

/// A request to all servers that is one to one of them: it is made there, and the answer is passed on in the words of this
/// endpoint.
final class RoutedCall: Gathering, InnerRequestDelegate {
    let isStream = false
    private let connection: ClientConnection
    private let server: ServedServer
    private let asker: Asker
    private let id: RequestID?
    private let message: ExposedMessage
    private var request: InnerRequest?

    init(on connection: ClientConnection, to server: ServedServer, _ asker: Asker, id: RequestID?) {
        self.connection = connection
        self.server = server
        self.asker = asker
        self.id = id
        message = ExposedMessage(alias: server.alias)
    }

    var alias: JSONText { server.alias }

    /// Whether this is the request that its client has made under this id.
    func isOf(_ id: RequestID, _ asker: Asker) -> Bool {
        self.id == id && self.asker.visit.client == asker.visit.client && self.asker.session === asker.session
    }

    func start(_ inner: InnerMessage) {
        connection.gathering = self
        connection.events.clear()
        let request = InnerRequest(to: server.alias, on: connection, delegate: self)
        self.request = request
        if !connection.isWritable { request.setWritable(false) }
        request.start(inner, for: asker.visit, asker.trace)
        connection.path.everyServer.used(server, asker)
    }

    // MARK: The client

    func clientGone() {
        request?.cancel()
        request = nil
    }

    func clientWritable(_ isWritable: Bool) { request?.setWritable(isWritable) }

    private var isCurrent: Bool { connection.gathering === self }

    // MARK: The server

    func innerAnswered(
        _ request: InnerRequest,
        status: Int,
        isJSON: Bool,
        body: UnsafeRawBufferPointer,
        record: RandomID?
    ) {
        self.request = nil
        guard isCurrent else { return }
        // A session ends here when it ends at all servers: the client is not to begin another for one of them.
        let status = status == 404 && asker.era == .handshake ? 200 : status
        var head = ReplyHead(status: status, body: .length(body.count), content: isJSON ? .json : .text)
        guard isJSON, let exposed = message.response(body.bindMemory(to: UInt8.self)) else {
            return connection.answer(head, body, record: record)
        }
        head.body = .length(exposed.count)
        connection.answer(head, exposed, record: record)
    }

    func innerOpened(_ request: InnerRequest, record: RandomID?) {
        guard isCurrent else { return }
        guard connection.layOutStreamHead(record: record, session: nil) else { return connection.abort() }
        connection.writeStreamHead(isAlone: true)
    }

    func innerReceived(_ request: InnerRequest, message bytes: UnsafeBufferPointer<UInt8>, id: UnsafeRawBufferPointer?)
    {
        guard isCurrent else { return }
        connection.append(bytes, id, message)
        connection.sendEvents(isLast: false)
    }

    func innerEnded(_ request: InnerRequest, isWhole: Bool) {
        self.request = nil
        guard isCurrent else { return }
        guard isWhole else { return connection.abort() }
        connection.sendEvents(isLast: true)
        connection.finishRequest()
    }
}

extension ClientConnection {
    /// Lays out a message of a server as an event, under the id that its own event has here.
    func append(_ bytes: UnsafeBufferPointer<UInt8>, _ id: UnsafeRawBufferPointer?, _ message: ExposedMessage) {
        // An empty id takes the last one back.
        let event = id.map { $0.isEmpty ? [] : ExposedID.expose($0, of: message.alias).utf8 }
        guard !bytes.isEmpty else {
            event?.withUnsafeBytes { events.append(mark: $0) }
            return
        }
        let exposed = (try? Envelope.scan(ofServer: bytes, limits: gate.replyLimits))
            .flatMap { message.message($0, bytes) }
        func append(_ data: UnsafeRawBufferPointer) {
            guard let event else { return events.append(data: data, id: nil) }
            event.withUnsafeBytes { events.append(data: data, id: $0) }
        }
        if let exposed { exposed.withUnsafeBytes(append) } else { append(UnsafeRawBufferPointer(bytes)) }
    }

    /// Sends the events that were laid out, with the end of the stream behind the last.
    func sendEvents(isLast: Bool) {
        guard let chunk = events.take(isLast: isLast) else { return }
        send(chunk, isLast: isLast && visit.closes)
    }
}
