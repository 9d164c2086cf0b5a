package import MCP
internal import NIOCore
package import StrictJSON

/// One JSON-RPC message, read so far as a bridge has to act on it.
package struct PeerMessage: Sendable {
    package let kind: Envelope.Kind
    /// The id; nil for a notification, and for an error that names no request.
    package let id: RequestID?
    /// The literal of the id.
    package let idLiteral: [UInt8]?
    package let method: MCPMethod
    /// The bytes of `params`; nil where there are none.
    package let params: [UInt8]?
    /// The bytes of `result`, or of `error`.
    package let answer: [UInt8]?
    package let errorCode: Int?
    package let resultType: Envelope.ResultType
    /// The token of a progress notification, or the one that a request asks to be told of its progress under.
    package let progressToken: RequestID?
    /// The request that `notifications/cancelled` takes back.
    package let cancelled: RequestID?
    /// The whole message.
    package let bytes: [UInt8]

    /// Reads a message of a server; throws `EnvelopeError`.
    package init(ofServer bytes: [UInt8], limits: JSONLimits = .reply) throws(EnvelopeError) {
        self = try bytes.withUnsafeBufferPointer { buffer throws(EnvelopeError) in
            PeerMessage(try Envelope.scan(ofServer: buffer, limits: limits), bytes, buffer)
        }
    }

    /// Reads a message of a client; throws `EnvelopeError`.
    package init(ofClient bytes: [UInt8], limits: JSONLimits = .message) throws(EnvelopeError) {
        self = try bytes.withUnsafeBufferPointer { buffer throws(EnvelopeError) in
            PeerMessage(try Envelope.scan(buffer, limits: limits), bytes, buffer)
        }
    }

    private init(_ envelope: Envelope, _ bytes: [UInt8], _ buffer: UnsafeBufferPointer<UInt8>) {
        func slice(_ span: JSONSpan?) -> [UInt8]? { span.map { Array(buffer[$0.range]) } }
        kind = envelope.kind
        id = envelope.id.flatMap { RequestID($0, in: buffer) }
        idLiteral = slice(envelope.id)
        method = envelope.method
        params = slice(envelope.params)
        answer = slice(envelope.result ?? envelope.error)
        errorCode = envelope.errorCode
        resultType = envelope.resultType
        progressToken = envelope.progressToken.flatMap { RequestID($0, in: buffer) }
        cancelled = envelope.cancelledID.flatMap { RequestID($0, in: buffer) }
        self.bytes = bytes
    }

    /// `params` as an object; an empty one where there are none.
    var members: RawObject { params.flatMap { RawObject($0) } ?? RawObject() }
}

extension RequestID {
    /// The literal of the id.
    package var literal: [UInt8] {
        switch self {
        case .int(let number): Array(String(number).utf8)
        case .string(let text): JSONValue.string(text).bytes
        }
    }
}

/// Writes JSON-RPC messages.
package enum RPCText {
    static func request(_ id: [UInt8], _ method: MCPMethod, _ params: RawObject?) -> [UInt8] {
        message(id: id, method, params)
    }

    static func notification(_ method: MCPMethod, _ params: RawObject?) -> [UInt8] {
        message(id: nil, method, params)
    }

    private static func message(id: [UInt8]?, _ method: MCPMethod, _ params: RawObject?) -> [UInt8] {
        var output = Array(#"{"jsonrpc":"2.0","#.utf8)
        if let id { output += Array(#""id":"#.utf8) + id + [UInt8(ascii: ",")] }
        output += Array(#""method":"\#(method.name)""#.utf8)
        if let params {
            output += Array(#","params":"#.utf8)
            params.write(to: &output)
        }
        output.append(UInt8(ascii: "}"))
        return output
    }

    static func result(_ id: [UInt8], _ result: [UInt8]) -> [UInt8] {
        Array(#"{"jsonrpc":"2.0","id":"#.utf8) + id + Array(#","result":"#.utf8) + result + [UInt8(ascii: "}")]
    }

    static func error(_ id: [UInt8], _ error: [UInt8]) -> [UInt8] {
        Array(#"{"jsonrpc":"2.0","id":"#.utf8) + id + Array(#","error":"#.utf8) + error + [UInt8(ascii: "}")]
    }

    /// The value of `error`.
    static func fault(_ code: JSONRPCErrorCode, _ message: String, _ data: JSONObject? = nil) -> [UInt8] {
        var fault: JSONObject = ["code": .int(code.rawValue), "message": .text(message)]
        if let data { fault["data"] = .object(data) }
        return JSONValue.object(fault).bytes
    }
}
