internal import Bytes

/// Walks the scalars of a checked string that holds escapes.
struct EscapedText {
    private let bytes: UnsafeBufferPointer<UInt8>
    private var position: Int
    private let upper: Int

    init(_ bytes: UnsafeBufferPointer<UInt8>, _ span: JSONSpan) {
        self.bytes = bytes
        position = span.lower
        upper = span.upper
    }

    /// The next scalar, or nil at the end.
    mutating func nextScalar() -> UInt32? {
        guard position < upper else { return nil }
        let byte = bytes[position]
        guard byte == UInt8(ascii: "\\") else {
            let length = max(1, UTF8Bytes.sequenceLength(bytes, at: position))
            var scalar = length == 1 ? UInt32(byte) : UInt32(byte) & (0xFF >> (UInt32(length) + 1))
            for index in 1..<max(1, length) {
                scalar = scalar << 6 | UInt32(bytes[position + index] & 0x3F)
            }
            position += length
            return scalar
        }
        let letter = bytes[position + 1]
        guard letter == UInt8(ascii: "u") else {
            position += 2
            return Self.meaning(of: letter)
        }
        let first = Self.codeUnit(bytes, at: position) ?? 0xFFFD
        position += 6
        // Half a pair that is alone, as it may be where the scan was lenient, is itself and no character.
        guard (0xD800...0xDBFF).contains(first), Self.isLowHalf(bytes, at: position) else { return first }
        let second = Self.codeUnit(bytes, at: position) ?? 0xDC00
        position += 6
        return 0x10000 + (first - 0xD800) << 10 + (second - 0xDC00)
    }

    /// The text as UTF-8.
    static func decode(_ bytes: UnsafeBufferPointer<UInt8>, _ span: JSONSpan) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(span.count)
        var text = EscapedText(bytes, span)
        while let scalar = text.nextScalar() {
            append(scalar, to: &result)
        }
        return result
    }

    /// Whether `\uDC00` to `\uDFFF` is at `position`.
    static func isLowHalf(_ bytes: UnsafeBufferPointer<UInt8>, at position: Int) -> Bool {
        guard bytes.count - position >= 6, bytes[position] == UInt8(ascii: "\\"),
            bytes[position + 1] == UInt8(ascii: "u"), let unit = codeUnit(bytes, at: position)
        else { return false }
        return (0xDC00...0xDFFF).contains(unit)
    }

    /// The number in `\uXXXX` at `position`, or nil if those are not four hex digits.
    static func codeUnit(_ bytes: UnsafeBufferPointer<UInt8>, at position: Int) -> UInt32? {
        var unit: UInt32 = 0
        for index in 2..<6 {
            let byte = bytes[position + index]
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
            default: return nil
            }
            unit = unit << 4 | UInt32(digit)
        }
        return unit
    }

    private static func meaning(of letter: UInt8) -> UInt32 {
        switch letter {
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0C
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "r"): 0x0D
        case UInt8(ascii: "t"): 0x09
        default: UInt32(letter)
        }
    }

    private static func append(_ scalar: UInt32, to result: inout [UInt8]) {
        switch scalar {
        case 0xD800...0xDFFF:
            result.append(contentsOf: [0xEF, 0xBF, 0xBD])
        case ..<0x80:
            result.append(UInt8(scalar))
        case ..<0x800:
            result.append(0xC0 | UInt8(scalar >> 6))
            result.append(0x80 | UInt8(scalar & 0x3F))
        case ..<0x10000:
            result.append(0xE0 | UInt8(scalar >> 12))
            result.append(0x80 | UInt8(scalar >> 6 & 0x3F))
            result.append(0x80 | UInt8(scalar & 0x3F))
        default:
            result.append(0xF0 | UInt8(scalar >> 18 & 0x07))
            result.append(0x80 | UInt8(scalar >> 12 & 0x3F))
            result.append(0x80 | UInt8(scalar >> 6 & 0x3F))
            result.append(0x80 | UInt8(scalar & 0x3F))
        }
    }
}
