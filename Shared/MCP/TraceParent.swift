/// The W3C `traceparent` of a request: `00-` 32 hex digits `-` 16 hex digits `-` 2 hex digits.
package struct TraceParent: Hashable, Sendable {
    /// The trace id, 32 hex digits in lower case, not all zero.
    package let traceID: [UInt8]

    /// Reads the header's or the member's value; nil if it is not well-formed, as the standard wants it ignored then.
    package init?(_ text: UnsafeBufferPointer<UInt8>) {
        guard text.count >= 55, text[2] == Self.dash, text[35] == Self.dash, text[52] == Self.dash else { return nil }
        let version = text[0..<2]
        guard version.allSatisfy(Self.isHexDigit), !version.elementsEqual("ff".utf8) else { return nil }
        // A later version may be longer, behind another dash.
        if version.elementsEqual("00".utf8) ? text.count != 55 : text.count > 55 && text[55] != Self.dash { return nil }
        let trace = text[3..<35]
        let parent = text[36..<52]
        guard trace.allSatisfy(Self.isHexDigit), parent.allSatisfy(Self.isHexDigit),
            text[53..<55].allSatisfy(Self.isHexDigit)
        else { return nil }
        let zero = UInt8(ascii: "0")
        guard trace.contains(where: { $0 != zero }), parent.contains(where: { $0 != zero }) else { return nil }
        traceID = Array(trace)
    }

    private static let dash = UInt8(ascii: "-")

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }
}
