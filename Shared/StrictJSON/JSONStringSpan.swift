internal import Glibc

/// Where the characters of a string stand, without its quotes.
package struct JSONStringSpan: Hashable, Sendable {
    package let span: JSONSpan
    /// Whether a backslash occurs, so that the bytes are not yet the text.
    package let isEscaped: Bool

    /// The literal with its quotes.
    package var literal: JSONSpan { JSONSpan(span.lower - 1, span.upper + 1) }
}

extension JSONStringSpan {
    /// The text, in the document in which it was scanned.
    package func text(in bytes: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        guard isEscaped else { return Array(bytes[span.range]) }
        return EscapedText.decode(bytes, span)
    }

    /// Lends the text to `body`; without a copy unless it holds an escape.
    package func withText<Result, Failure: Error>(
        in bytes: UnsafeBufferPointer<UInt8>,
        _ body: (UnsafeBufferPointer<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        guard isEscaped else { return try body(UnsafeBufferPointer(rebasing: bytes[span.range])) }
        return try EscapedText.decode(bytes, span).withUnsafeBufferPointer(body)
    }

    /// Whether the text is exactly this.
    package func matches(_ text: StaticString, in bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        if isEscaped {
            return self.text(in: bytes).elementsEqual(
                UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
            )
        }
        guard span.count == text.utf8CodeUnitCount else { return false }
        guard let start = bytes.baseAddress else { return true }
        return memcmp(start + span.lower, text.utf8Start, span.count) == 0
    }

    /// Whether the text holds NUL or another control character, so that it is no name for anything.
    package func hasControls(in bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        var position = span.lower
        if !isEscaped {
            // Unescaped, only DEL and the two-byte C1 characters can have passed the scanner: most of the time eight bytes
            // a step find that there is neither DEL nor the first byte of the latter.
            let raw = UnsafeRawBufferPointer(bytes)
            let ones: UInt64 = 0x0101_0101_0101_0101
            while span.upper - position >= 8 {
                let word = raw.loadUnaligned(fromByteOffset: position, as: UInt64.self)
                let deletes = word ^ (ones &* 0x7F)
                let leads = word ^ (ones &* 0xC2)
                let found = (deletes &- ones) & ~deletes | (leads &- ones) & ~leads
                guard found & (ones &* 0x80) == 0 else { break }
                position += 8
            }
            while position < span.upper {
                let byte = bytes[position]
                if byte == 0x7F || (byte == 0xC2 && bytes[position + 1] < 0xA0) { return true }
                position += 1
            }
            return false
        }
        var text = EscapedText(bytes, span)
        while let scalar = text.nextScalar() {
            if scalar < 0x20 || (0x7F..<0xA0).contains(scalar) { return true }
        }
        return false
    }
}
