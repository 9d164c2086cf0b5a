internal import Bytes
internal import MCP

/// The trace that a call belongs to, and the header that says so to the server (W3C Trace Context).
struct TraceContext {
    let trace: RandomID
    /// The agent's own step in it.
    let span: UInt64
    /// The trace flags of the client that began the trace; 0 for a trace that the agent began, since nothing collects
    /// its spans.
    let flags: UInt8

    /// The trace of `_meta.traceparent` if that is well-formed, else of the header, else a new one.
    init(
        body: UnsafeBufferPointer<UInt8>?,
        header: UnsafeBufferPointer<UInt8>?,
        random: inout RandomPool
    ) {
        span = random.word() | 1
        if let given = Self.read(body) ?? Self.read(header) {
            (trace, flags) = given
        } else {
            (trace, flags) = (random.id(), 0)
        }
    }

    private static func read(_ text: UnsafeBufferPointer<UInt8>?) -> (RandomID, UInt8)? {
        guard let text, let parent = TraceParent(text), let trace = RandomID(hex: parent.traceID) else { return nil }
        return (trace, digit(text[53]) << 4 | digit(text[54]))
    }

    /// The bytes of the header's value.
    static let length = 55

    /// Appends the value of the header.
    func write(to output: inout ByteWriter) {
        output.append("00-")
        trace.write(to: &output)
        output.append("-")
        output.append(hex: span)
        output.append("-")
        for digit in [flags >> 4, flags & 0xF] {
            output.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
    }

    private static func digit(_ byte: UInt8) -> UInt8 {
        byte <= UInt8(ascii: "9") ? byte & 0x0F : (byte & 0x0F) + 9
    }
}
