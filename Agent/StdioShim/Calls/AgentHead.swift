internal import MCP
internal import NIOCore
internal import StrictJSON
internal import Upstreams
internal import Wire

/// Writes the heads of requests to the agent.
struct AgentHead {
    private let target: [UInt8]
    private let client: [UInt8]?

    init(_ configuration: ShimConfiguration) {
        target = Array(configuration.target.utf8)
        client = configuration.client.map { Array($0.utf8) }
    }

    /// What belongs to a session of the handshake era.
    struct Session {
        var id: [UInt8]?
        var version: [UInt8]?
    }

    /// The head of a POST of a message.
    ///
    /// - Returns: nil where a part of it cannot be in a head.
    func post(_ message: ClientMessage, _ session: Session, parameters: [HeaderParameter]) -> ByteBuffer? {
        guard let version = message.version else { return post(length: message.bytes.readableBytes, session) }
        var fields = [("MCP-Protocol-Version", version)]
        if message.kind == .request {
            fields.append(("Mcp-Method", message.methodName))
            if message.method.isNamedInHeader, let item = message.item {
                fields.append(("Mcp-Name", MCPHeaders.encoded(item.string)))
            }
            fields += parameters.map { ("Mcp-Param-\($0.name)", $0.value) }
        }
        return head("POST", length: message.bytes.readableBytes, Session(), fields)
    }

    /// The head of a POST of the shim's own, or of a message of the handshake era.
    func post(length: Int, _ session: Session) -> ByteBuffer? { head("POST", length: length, session, []) }

    /// The head of a GET, which opens a stream or takes one up again.
    func get(_ session: Session, lastEvent: [UInt8]?) -> ByteBuffer? {
        head(
            "GET",
            length: nil,
            session,
            lastEvent.map { [("Last-Event-ID", String(decoding: $0, as: UTF8.self))] } ?? []
        )
    }

    /// The head of a DELETE, which ends a session.
    func delete(_ session: Session) -> ByteBuffer? { head("DELETE", length: nil, session, []) }

    private func head(
        _ method: StaticString,
        length: Int?,
        _ session: Session,
        _ fields: [(String, String)]
    ) -> ByteBuffer? {
        var head = ByteBuffer()
        let more = fields.reduce(0) { $0 + $1.0.utf8.count + $1.1.utf8.count + 4 }
        let room = target.count + (client?.count ?? 0) + (session.id?.count ?? 0) + more + 512
        let isWhole = head.writeHead(reserving: room) { writer in
            target.withUnsafeBufferPointer { writer.request(method, target: $0) }
            writer.field("Host", "localhost")
            writer.field("Accept", length == nil ? "text/event-stream" : "application/json, text/event-stream")
            if let length {
                writer.field("Content-Type", "application/json")
                writer.field("Content-Length", decimal: length)
            }
            client?.withUnsafeBufferPointer { writer.field("Doorward-Client", $0) }
            session.id?.withUnsafeBufferPointer { writer.field("Mcp-Session-Id", $0) }
            session.version?.withUnsafeBufferPointer { writer.field("MCP-Protocol-Version", $0) }
            for (name, value) in fields {
                Array(name.utf8).withUnsafeBufferPointer { name in
                    Array(value.utf8).withUnsafeBufferPointer { writer.field(name: name, value: $0) }
                }
            }
            writer.end()
        }
        return isWhole ? head : nil
    }
}
