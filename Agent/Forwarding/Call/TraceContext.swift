internal import AuditLog
internal import MCP

/// The trace that a call belongs to, and the header that says so to the server (W3C Trace Context).
struct TraceContext {
    let trace: AuditID
    /// The agent's own step in it.
    let span: UInt64
    /// The flags of whoever began the trace; 0 for one that the agent began: nobody collects its spans.
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

    private static func read(_ text: UnsafeBufferPointer<UInt8>?) -> (AuditID, UInt8)? {
        guard let text, let parent = TraceParent(text), let trace = AuditID(hex: parent.traceID) else { return nil }
        return (trace, digit(text[53]) << 4 | digit(text[54]))
    }

    /// Appends the value of the header.
    func write(to output: inout [UInt8]) {
        output.append(UInt8(ascii: "0"))
        output.append(UInt8(ascii: "0"))
        output.append(UInt8(ascii: "-"))
        trace.write(to: &output)
        output.append(UInt8(ascii: "-"))
        Self.write(span, digits: 16, to: &output)
        output.append(UInt8(ascii: "-"))
        Self.write(UInt64(flags), digits: 2, to: &output)
    }

    private static func write(_ value: UInt64, digits: Int, to output: inout [UInt8]) {
        for index in (0..<digits).reversed() {
            let digit = UInt8(truncatingIfNeeded: value >> UInt64(4 * index)) & 0xF
            output.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
    }

    private static func digit(_ byte: UInt8) -> UInt8 {
        byte <= UInt8(ascii: "9") ? byte & 0x0F : (byte & 0x0F) + 9
    }
}
