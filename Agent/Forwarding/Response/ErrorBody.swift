internal import MCP
internal import StrictJSON

/// Adds to a server's error what its head said.
enum ErrorBody {
    private static let member = #""retry_after_ms":"#

    /// The error with `retry_after_ms` in its data; nil where the data cannot have it, or has it already.
    static func adding(
        retryAfterMilliseconds wait: Int,
        to envelope: Envelope,
        in bytes: UnsafeBufferPointer<UInt8>
    ) -> [UInt8]? {
        guard let error = envelope.error else { return nil }
        let told = Array("\(member)\(wait)".utf8)
        guard let data = envelope.errorData else {
            let end = error.upper - 1
            return Array(bytes[..<end]) + Array(#","data":{"#.utf8) + told + Array("}".utf8) + bytes[end...]
        }
        guard let value = try? JSONValue(lenientlyParsing: Array(bytes[data.range])), let object = value.object,
            object["retry_after_ms"] == nil
        else { return nil }
        let start = data.lower + 1
        return Array(bytes[..<start]) + told + (object.isEmpty ? [] : [UInt8(ascii: ",")]) + bytes[start...]
    }
}
