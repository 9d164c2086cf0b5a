/// Spelling of text that others may have chosen.
enum LogText {
    /// Appends a JSON string.
    static func writeQuoted(_ text: String, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        write(text, quoted: true, to: &output)
        output.append(UInt8(ascii: "\""))
    }

    /// Appends text for people.
    static func write(_ text: String, to output: inout [UInt8]) {
        write(text, quoted: false, to: &output)
    }

    private static func write(_ text: String, quoted: Bool, to output: inout [UInt8]) {
        // Cut twice: what is looked through is bounded too, and a credential is not cut before it is seen.
        let text = Redaction.redacted(cut(text, 2 * LogLine.longestText))
        let isCut = text.utf8.count > LogLine.longestText
        for scalar in cut(text, LogLine.longestText).unicodeScalars {
            switch scalar {
            case "\n": output += Array("\\n".utf8)
            case "\r": output += Array("\\r".utf8)
            case "\t": output += Array("\\t".utf8)
            case "\"", "\\":
                if quoted { output.append(UInt8(ascii: "\\")) }
                output.append(UInt8(scalar.value))
            default:
                guard isHarmless(scalar) else {
                    writeEscaped(scalar, to: &output)
                    continue
                }
                output.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
            }
        }
        if isCut { output += Array("...".utf8) }
    }

    private static func cut(_ text: String, _ length: Int) -> String {
        text.utf8.count > length ? String(decoding: text.utf8.prefix(length), as: UTF8.self) : text
    }

    /// Controls (a terminal obeys those of the range from U+0080 too), line separators, and what reorders or hides text.
    private static func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned: false
        default: true
        }
    }

    /// As JSON does it: beyond the basic plane a pair of surrogates.
    private static func writeEscaped(_ scalar: Unicode.Scalar, to output: inout [UInt8]) {
        for unit in UTF16.encode(scalar) ?? UTF16.encodedReplacementCharacter {
            let digits = String(unit, radix: 16)
            output += Array("\\u".utf8) + Array(repeating: UInt8(ascii: "0"), count: 4 - digits.utf8.count)
            output += Array(digits.utf8)
        }
    }
}
