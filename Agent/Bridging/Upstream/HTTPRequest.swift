internal import MCP
internal import NIOCore
internal import StrictJSON
internal import Upstreams
internal import Wire

/// One HTTP request of the bridge to a server.
struct HTTPRequest {
    var method = RequestMethod.post
    /// Path and query; nil for those of the server's own URL.
    var target: String?
    var body: [UInt8] = []
    /// `MCP-Protocol-Version`; nil before a version is agreed on.
    var version: [UInt8]?
    var session: JSONText?
    var lastEventID: [UInt8]?
    /// `Mcp-Method` and `Mcp-Name`, of 2026-07-28.
    var rpc: MCPMethod?
    var name: String?
    var parameters: [HeaderParameter] = []
    var authorization: [UInt8]?
    var trace: [UInt8]?
    var lane = ExchangeLane.call
    var clientNumber = 0
    var isRepeatable = false

    /// The head, with the body behind it; nil where something cannot be in a head.
    func bytes(to endpoint: UpstreamEndpoint, userAgent: String) -> ByteBuffer? {
        let name: StaticString =
            switch method {
            case .get: "GET"
            case .delete: "DELETE"
            default: "POST"
            }
        let target = target ?? endpoint.target
        let parameterBytes = parameters.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count + 16 }
        let own = [version, session?.utf8, lastEventID, self.name.map { Array($0.utf8) }, authorization, trace]
        let room =
            1024 + target.utf8.count + endpoint.authority.utf8.count + userAgent.utf8.count + parameterBytes
            + own.reduce(0) { $0 + ($1?.count ?? 0) } + body.count
        var buffer = ByteBuffer()
        let isWritten = buffer.writeHead(reserving: room) { writer in
            Array(target.utf8).withUnsafeBufferPointer { writer.request(name, target: $0) }
            func field(_ name: StaticString, _ value: [UInt8]?) {
                value?.withUnsafeBufferPointer { writer.field(name, $0) }
            }
            field("Host", Array(endpoint.authority.utf8))
            field("User-Agent", Array(userAgent.utf8))
            writer.field("Accept", method == .get ? "text/event-stream" : "application/json, text/event-stream")
            if method == .post {
                writer.field("Content-Type", "application/json")
                writer.field("Content-Length", decimal: body.count)
            }
            field("MCP-Protocol-Version", version)
            if let rpc { writer.field("Mcp-Method", rpc.name) }
            field("Mcp-Name", self.name.map { Array(MCPHeaders.encoded($0).utf8) })
            for parameter in parameters {
                Array("Mcp-Param-\(parameter.name)".utf8).withUnsafeBufferPointer { name in
                    Array(parameter.value.utf8).withUnsafeBufferPointer { writer.field(name: name, value: $0) }
                }
            }
            if let session, !session.utf8.isEmpty { field("Mcp-Session-Id", session.utf8) }
            field("Last-Event-ID", lastEventID)
            field("traceparent", trace)
            field("Authorization", authorization)
            writer.end()
            body.withUnsafeBytes { writer.append($0) }
        }
        return isWritten ? buffer : nil
    }
}
