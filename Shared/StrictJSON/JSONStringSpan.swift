// Public, since an inlined function calls into it.
public import Bytes

/// Where the characters of a string are, without its quotes.
@usableFromInline
package struct JSONStringSpan: Hashable, Sendable {
    @usableFromInline package let span: JSONSpan
    /// Whether a backslash occurs, so that the bytes are not yet the text.
    @usableFromInline package let isEscaped: Bool
    /// Whether it is known to hold nothing but printable ASCII, without an escape.
    let isPlain: Bool

    /// The literal with its quotes.
    package var literal: JSONSpan { JSONSpan(span.lower - 1, span.upper + 1) }
}

extension JSONStringSpan {
    /// A text of printable ASCII without escapes that was found without a scanner.
    package init(plain span: JSONSpan) {
        self.init(span: span, isEscaped: false, isPlain: true)
    }

    /// The text, in the document in which it was scanned.
    @usableFromInline
    package func text(in bytes: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        guard isEscaped else { return Array(bytes[span.range]) }
        return EscapedText.decode(bytes, span)
    }

    /// Lends the text to `body`; without a copy unless it holds an escape.
    @inlinable
    package func withText<Result, Failure: Error>(
        in bytes: UnsafeBufferPointer<UInt8>,
        _ body: (UnsafeBufferPointer<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        guard isEscaped else { return try body(UnsafeBufferPointer(rebasing: bytes[span.range])) }
        return try text(in: bytes).withUnsafeBufferPointer(body)
    }

    /// Whether the text is exactly this.
    @inlinable
    @inline(__always)
    package func matches(_ text: StaticString, in bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        if isEscaped { return matchesDecoded(text, in: bytes) }
        return UnsafeBufferPointer(rebasing: bytes[span.range]).isEqual(to: text)
    }

    @inline(never)
    @usableFromInline
    package func matchesDecoded(_ text: StaticString, in bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        self.text(in: bytes).elementsEqual(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Whether the text holds NUL, another control character or half a surrogate pair, so that it is no name for anything.
    package func hasControls(in bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        if isPlain { return false }
        if !isEscaped {
            // Only DEL and the two-byte C1 characters can have passed the scanner.
            for position in span.range {
                let byte = bytes[position]
                if byte == 0x7F || (byte == 0xC2 && bytes[position + 1] < 0xA0) { return true }
            }
            return false
        }
        var text = EscapedText(bytes, span)
        while let scalar = text.nextScalar() {
            if scalar < 0x20 || (0x7F..<0xA0).contains(scalar) || (0xD800..<0xE000).contains(scalar) { return true }
        }
        return false
    }
}
