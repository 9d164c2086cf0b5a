/// Base64 in the two alphabets of RFC 4648 that our formats use.
///
/// Reading is exact: one text for one value. Left-over bits that are not zero, white space and missing or superfluous
/// padding are refused, so that a signed file cannot be changed in a way that a verifier does not see.
package enum Base64 {
    private static let standardAlphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let urlAlphabet = (0..<64).map { urlDigit($0) }
    private static let standardDigits = digits(of: standardAlphabet)
    private static let urlDigits = digits(of: urlAlphabet)

    /// Section 4 of RFC 4648, with padding: notes and checkpoints.
    package static func standard(_ bytes: some Sequence<UInt8>) -> String {
        var text = encode(bytes, standardAlphabet)
        while text.count % 4 != 0 { text.append(UInt8(ascii: "=")) }
        return String(decoding: text, as: UTF8.self)
    }

    /// Section 5 of RFC 4648, without padding: everything in JSON.
    package static func url(_ bytes: some Sequence<UInt8>) -> String {
        String(decoding: encode(bytes, urlAlphabet), as: UTF8.self)
    }

    /// As above, for an array: callers in other modules get no copy of a generic function for their type.
    package static func url(_ bytes: [UInt8]) -> String {
        url(bytes[...])
    }

    /// Appends what `url(_:)` gives.
    package static func writeURL(_ bytes: UnsafeRawBufferPointer, to output: inout ByteWriter) {
        var position = 0
        while bytes.count &- position >= 3 {
            let (first, second) = (UInt32(bytes[position]), UInt32(bytes[position &+ 1]))
            let group = first << 16 | second << 8 | UInt32(bytes[position &+ 2])
            output.append(urlDigit(group >> 18), urlDigit(group >> 12), urlDigit(group >> 6), urlDigit(group))
            position &+= 3
        }
        switch bytes.count &- position {
        case 1:
            let group = UInt32(bytes[position]) << 4
            output.append(urlDigit(group >> 6))
            output.append(urlDigit(group))
        case 2:
            let group = UInt32(bytes[position]) << 10 | UInt32(bytes[position &+ 1]) << 2
            output.append(urlDigit(group >> 12))
            output.append(urlDigit(group >> 6))
            output.append(urlDigit(group))
        default:
            break
        }
    }

    /// The digit for the lowest six bits of a number, in the alphabet for URLs.
    @inline(__always)
    private static func urlDigit(_ bits: UInt32) -> UInt8 {
        urlCharacters.utf8Start[Int(bits & 0x3F)]
    }

    private static var urlCharacters: StaticString {
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    }

    /// The bytes of `standard(_:)`'s text, or nil.
    package static func decodeStandard(_ text: some Collection<UInt8>) -> [UInt8]? {
        guard text.count.isMultiple(of: 4) else { return nil }
        let padding = text.suffix(2).reduce(0) { $1 == UInt8(ascii: "=") ? $0 + 1 : 0 }
        return decode(text.dropLast(padding), standardDigits)
    }

    /// The bytes of `url(_:)`'s text, or nil.
    package static func decodeURL(_ text: some Collection<UInt8>) -> [UInt8]? {
        decode(text, urlDigits)
    }

    private static func encode(_ bytes: some Sequence<UInt8>, _ alphabet: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.underestimatedCount + 2) / 3 * 4)
        var pending: UInt32 = 0
        var bits: UInt32 = 0
        for byte in bytes {
            pending = pending << 8 | UInt32(byte)
            bits += 8
            while bits >= 6 {
                bits -= 6
                text.append(alphabet[Int(pending >> bits & 0x3F)])
            }
        }
        if bits > 0 {
            text.append(alphabet[Int(pending << (6 - bits) & 0x3F)])
        }
        return text
    }

    private static func decode(_ text: some Collection<UInt8>, _ digits: [UInt8]) -> [UInt8]? {
        guard text.count % 4 != 1 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count / 4 * 3 + 2)
        var pending: UInt32 = 0
        var bits: UInt32 = 0
        for character in text {
            let digit = digits[Int(character)]
            guard digit < 64 else { return nil }
            pending = pending << 6 | UInt32(digit)
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: pending >> bits))
            }
        }
        guard pending & (1 << bits - 1) == 0 else { return nil }
        return bytes
    }

    private static func digits(of alphabet: [UInt8]) -> [UInt8] {
        var digits = [UInt8](repeating: 0xFF, count: 256)
        for (index, character) in alphabet.enumerated() {
            digits[Int(character)] = UInt8(index)
        }
        return digits
    }
}
