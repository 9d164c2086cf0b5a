internal import Bytes
internal import NIOCore
internal import StrictJSON
internal import Upstreams
internal import Wire

/// A request of the agent to one of its own endpoints, for a client of the endpoint of all servers.
struct InnerMessage {
    var method = RequestMethod.post
    var body: [UInt8] = []
    /// `MCP-Protocol-Version`.
    var version: [UInt8]?
    /// `Mcp-Method` and `Mcp-Name`, as 2026-07-28 wants them.
    var rpc: [UInt8]?
    var name: [UInt8]?
    /// `Mcp-Param-...`, name by name.
    var parameters: [(name: [UInt8], value: [UInt8])] = []
    var session: JSONText?
    /// `Last-Event-ID`.
    var event: [UInt8]?
    /// The conversation, where the client's address names one.
    var thread: JSONText = ""

    /// The whole request to a server's endpoint; nil where a value may not stand in a head.
    func request(to alias: JSONText, _ trace: TraceContext) -> ByteBuffer? {
        let thread = thread.utf8.isEmpty ? [] : Array("/threads/".utf8) + thread.utf8
        let target = Array("/servers/".utf8) + alias.utf8 + thread + Array("/mcp".utf8)
        var buffer = ByteBuffer()
        let values = [version, rpc, name, session?.utf8, event].reduce(0) { $0 + ($1?.count ?? 0) }
        let more = parameters.reduce(0) { $0 + $1.name.count + $1.value.count + 4 }
        let isWritten = buffer.writeHead(reserving: target.count + values + more + body.count + 512) { writer in
            target.withUnsafeBufferPointer { writer.request(opening, target: $0) }
            writer.field("Host", "localhost")
            writer.field("Accept", "application/json, text/event-stream")
            if method == .post {
                writer.field("Content-Type", "application/json")
                writer.field("Content-Length", decimal: body.count)
            }
            Self.write("MCP-Protocol-Version", version, &writer)
            Self.write("Mcp-Method", rpc, &writer)
            Self.write("Mcp-Name", name, &writer)
            Self.write("Mcp-Session-Id", session?.utf8, &writer)
            Self.write("Last-Event-ID", event, &writer)
            for (name, value) in parameters {
                name.withUnsafeBufferPointer { name in
                    value.withUnsafeBufferPointer { writer.field(name: name, value: $0) }
                }
            }
            withUnsafeTemporaryAllocation(byteCount: TraceContext.length, alignment: 8) { room in
                var value = ByteWriter(room)
                trace.write(to: &value)
                writer.field("traceparent", value.written.bindMemory(to: UInt8.self))
            }
            writer.end()
            body.withUnsafeBytes { writer.append($0) }
        }
        return isWritten ? buffer : nil
    }

    private var opening: StaticString {
        switch method {
        case .get: "GET"
        case .delete: "DELETE"
        case .head, .post, .put, .patch, .options, .other: "POST"
        }
    }

    private static func write(_ name: StaticString, _ value: [UInt8]?, _ writer: inout HeadWriter) {
        value?.withUnsafeBufferPointer { writer.field(name, $0) }
    }
}
