extension JSONValue {
    /// The document without white space; order of members and spelling of numbers are kept.
    package var bytes: [UInt8] {
        var output: [UInt8] = []
        write(to: &output)
        return output
    }

    /// The document as a `String`, for people.
    package var json: String { String(decoding: bytes, as: UTF8.self) }

    /// Appends the document without white space.
    package func write(to output: inout [UInt8]) {
        switch self {
        case .null: output.append(contentsOf: "null".utf8)
        case .bool(let value): output.append(contentsOf: (value ? "true" : "false").utf8)
        case .number(let value): output.append(contentsOf: value.literal)
        case .string(let value): JSONWriting.string(value.utf8, to: &output)
        case .array(let elements):
            output.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                element.write(to: &output)
            }
            output.append(UInt8(ascii: "]"))
        case .object(let object):
            output.append(UInt8(ascii: "{"))
            for (index, member) in object.members.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                JSONWriting.string(member.name.utf8, to: &output)
                output.append(UInt8(ascii: ":"))
                member.value.write(to: &output)
            }
            output.append(UInt8(ascii: "}"))
        }
    }
}

/// Spelling of single values, for writers that build a document without a tree.
package enum JSONWriting {
    /// As below, for an array: callers in other modules get no copy of a generic function for their type.
    package static func string(_ text: [UInt8], to output: inout [UInt8]) {
        string(text[...], to: &output)
    }

    /// Appends a string literal as RFC 8785 spells it: escapes only where JSON demands them.
    package static func string(_ text: some Sequence<UInt8>, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        for byte in text { character(byte) { output.append($0) } }
        output.append(UInt8(ascii: "\""))
    }

    /// Hands out the bytes that encode one byte of a text within a literal.
    @inline(__always)
    static func character(_ byte: UInt8, _ append: (UInt8) -> Void) {
        let short: UInt8
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): short = byte
        case 0x20...: return append(byte)
        case 0x08: short = UInt8(ascii: "b")
        case 0x09: short = UInt8(ascii: "t")
        case 0x0A: short = UInt8(ascii: "n")
        case 0x0C: short = UInt8(ascii: "f")
        case 0x0D: short = UInt8(ascii: "r")
        default:
            for escaped in [UInt8(ascii: "\\"), UInt8(ascii: "u"), 0x30, 0x30] { append(escaped) }
            append(hexDigit(byte >> 4))
            append(hexDigit(byte & 0x0F))
            return
        }
        append(UInt8(ascii: "\\"))
        append(short)
    }

    /// Whether a text is spelled as itself, without an escape; eight bytes a step.
    package static func isPlain(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        let bytes = UnsafeRawBufferPointer(text)
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs: UInt64 = 0x8080_8080_8080_8080
        var position = 0
        while bytes.count - position >= 8 {
            let word = bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)
            let quotes = word ^ (ones &* 0x22)
            let backslashes = word ^ (ones &* 0x5C)
            let controls = (word &- (ones &* 0x20)) & ~word
            // A borrow reports too much only above a byte that is wanted.
            let found = (quotes &- ones) & ~quotes | (backslashes &- ones) & ~backslashes | controls
            guard found & highs == 0 else { return false }
            position += 8
        }
        while position < bytes.count {
            let byte = bytes[position]
            guard byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") else { return false }
            position += 1
        }
        return true
    }

    private static func hexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}
