internal import MCP
internal import StrictJSON

/// A message that came from the agent.
struct AgentMessage {
    let bytes: [UInt8]
    private let envelope: Envelope

    /// Reads a message; nil for what is none.
    init?(_ bytes: [UInt8]) {
        let envelope = bytes.withUnsafeBufferPointer { bytes in
            try? Envelope.scan(ofServer: bytes, limits: JSONLimits(maxBytes: bytes.count, maxDepth: 64))
        }
        guard let envelope else { return nil }
        self.bytes = bytes
        self.envelope = envelope
    }

    var method: MCPMethod { envelope.method }
    var isError: Bool { envelope.kind == .errorResponse }
    var isResponse: Bool { envelope.kind == .response || isError }
    var errorCode: JSONRPCErrorCode? { envelope.errorCode.map { JSONRPCErrorCode(rawValue: $0) } }

    /// Whether it answers a request of this id; an error without one answers whatever was asked.
    func answers(_ id: RequestID?) -> Bool {
        guard isResponse else { return false }
        let own = bytes.withUnsafeBufferPointer { bytes in envelope.id.flatMap { RequestID($0, in: bytes) } }
        guard let own else { return isError }
        return id.map { own.answers($0) } ?? true
    }

    /// The message under another id.
    func bytes(id: [UInt8]?) -> [UInt8] {
        guard let id, let span = envelope.error ?? envelope.result else { return bytes }
        let member = isError ? "error" : "result"
        return Array(#"{"jsonrpc":"2.0","id":"#.utf8) + id + Array(#","\#(member)":"#.utf8) + bytes[span.range] + [0x7D]
    }

    /// The whole message as a tree; nil where it could be read in two ways.
    var tree: JSONValue? {
        try? JSONValue(parsing: bytes, limits: JSONLimits(maxBytes: bytes.count, maxDepth: 128))
    }

    /// `reason` of an error of the agent.
    var reason: String? {
        guard let errorCode, errorCode.isOfGateway else { return nil }
        return tree?["error"]?["data"]?["reason"]?.text
    }
}
