package import MCP
package import NIOCore
package import StrictJSON
package import Upstreams
package import Wire

/// One HTTP request of a client, in the client's era, to a server that is asked in another way.
package struct BridgedRequest {
    /// The same request as bytes, for a server that may yet turn out to speak the client's era.
    package struct Direct {
        package let head: ByteBuffer
        package let body: ByteBuffer?

        package init(head: ByteBuffer, body: ByteBuffer?) {
            self.head = head
            self.body = body
        }
    }

    package let method: RequestMethod
    package let era: Revisions.Era
    package let rpc: MCPMethod
    /// `MCP-Protocol-Version`.
    package var version: [UInt8]?
    /// `Mcp-Session-Id`.
    package var session: JSONText?
    /// `Last-Event-ID`.
    package var lastEventID: [UInt8]?
    /// `Mcp-Param-...`, with their names as they came.
    package var parameters: [(name: [UInt8], value: [UInt8])] = []
    /// The message; empty where there is none.
    package var body = ByteBuffer()
    /// What the server is shown in `Authorization`.
    package var authorization: [UInt8]?
    /// The value of `traceparent`.
    package var trace: [UInt8]?
    /// Who asks.
    package var client: JSONText = ""
    /// Whose share of the server's connections it takes.
    package var clientNumber = 0
    /// The conversation of the client, where its address names one.
    package var thread: JSONText = ""
    package var lane = ExchangeLane.call
    package var isRepeatable = false
    /// Whether the server may ask this client such a thing, by the policy that is in force when it asks.
    package var mayBeAsked: (ServerRequest) -> Bool = { _ in true }
    package var direct: Direct?

    package init(method: RequestMethod, era: Revisions.Era, rpc: MCPMethod) {
        self.method = method
        self.era = era
        self.rpc = rpc
    }
}
