internal import MCP
internal import StrictJSON

/// How servers say that they do not know a session (any more).
enum LostSession {
    /// Whether an error says so: then the server has not looked at the request itself.
    ///
    /// Streamable HTTP has the status 404 for it. Many servers that were made after an example of the TypeScript SDK say 400
    /// instead, with an id of null, since they answer before they have read the message.
    static func isTold(by status: Int, _ envelope: Envelope, in bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        switch status {
        case 404:
            // The same status says that a method or a thing is not there; the session goes on then.
            let ofRequest = [JSONRPCErrorCode.methodNotFound, .invalidParams].map(\.rawValue)
            return !(envelope.errorCode.map(ofRequest.contains) ?? false)
        case 400:
            guard envelope.id.flatMap({ RequestID($0, in: bytes) }) == nil,
                let message = try? JSONValue(lenientlyParsing: Array(bytes))["error"]?["message"]?.text
            else { return false }
            return message.lowercased().contains("session")
        default:
            return false
        }
    }
}
