package import StrictJSON

/// Answers that the gateway itself gives to a request.
package enum GatewayError {
    /// The bytes of a JSON-RPC error response.
    ///
    /// - Parameters:
    ///   - code: the error's code.
    ///   - message: one sentence, safe to show.
    ///   - data: more about it, for programs.
    ///   - id: the literal of the request's id as it was; nil where it cannot be told, and then null.
    /// - Returns: the whole document.
    package static func encode(
        code: JSONRPCErrorCode,
        message: String,
        data: JSONObject? = nil,
        id: (some Sequence<UInt8>)?
    ) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(256)
        output.append(contentsOf: #"{"jsonrpc":"2.0","id":"#.utf8)
        if let id { output.append(contentsOf: id) } else { output.append(contentsOf: "null".utf8) }
        output.append(contentsOf: #","error":{"code":"#.utf8)
        output.append(contentsOf: String(code.rawValue).utf8)
        output.append(contentsOf: #","message":"#.utf8)
        JSONWriting.string(message.utf8, to: &output)
        if let data {
            output.append(contentsOf: #","data":"#.utf8)
            JSONValue.object(data).write(to: &output)
        }
        output.append(contentsOf: "}}".utf8)
        return output
    }

    /// The same, for a request without an id that could be told.
    package static func encode(code: JSONRPCErrorCode, message: String, data: JSONObject? = nil) -> [UInt8] {
        encode(code: code, message: message, data: data, id: [UInt8]?.none)
    }
}
