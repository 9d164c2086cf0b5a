/// What a file may contain at all, checked before it is parsed.
enum CharacterCheck {
    /// Refuses bytes that are not UTF-8, and characters that hide text from one reader and not from another.
    ///
    /// YAML 1.1 ends a line, and with it a comment, at U+0085, U+2028 and U+2029; YAML 1.2 and most editors do not. A
    /// carriage return without a line feed is one for every YAML reader and for few editors.
    static func check(_ bytes: [UInt8]) throws(YAMLError) {
        // As long as there is neither, the bytes themselves tell.
        guard String(validating: bytes, as: UTF8.self) != nil else {
            throw error(.badUTF8, at: firstInvalid(bytes), in: bytes)
        }
        for (offset, byte) in bytes.enumerated() {
            switch byte {
            case 0x09, 0x0A: break
            case 0x0D where offset + 1 < bytes.count && bytes[offset + 1] == 0x0A: break
            case 0x0D: throw error(.foreignLineBreak, at: offset, in: bytes)
            case 0x00..<0x20, 0x7F: throw error(.controlCharacter, at: offset, in: bytes)
            case 0xC2 where bytes[offset + 1] == 0x85: throw error(.foreignLineBreak, at: offset, in: bytes)
            case 0xC2 where bytes[offset + 1] < 0xA0: throw error(.controlCharacter, at: offset, in: bytes)
            case 0xE2 where bytes[offset + 1] == 0x80 && (bytes[offset + 2] == 0xA8 || bytes[offset + 2] == 0xA9):
                throw error(.foreignLineBreak, at: offset, in: bytes)
            case 0xEF where bytes[offset + 1] == 0xBB && bytes[offset + 2] == 0xBF:
                throw error(.byteOrderMark, at: offset, in: bytes)
            default: break
            }
        }
    }

    /// Line and column, from 1, of a byte.
    static func place(of offset: Int, in bytes: [UInt8]) -> (line: Int, column: Int) {
        let before = bytes.prefix(offset)
        let line = before.reduce(1) { $1 == 0x0A ? $0 + 1 : $0 }
        let start = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        return (line, String(decoding: before[start...], as: UTF8.self).unicodeScalars.count + 1)
    }

    private static func error(_ reason: YAMLError.Reason, at offset: Int, in bytes: [UInt8]) -> YAMLError {
        let (line, column) = place(of: offset, in: bytes)
        return YAMLError(reason, line: line, column: column)
    }

    /// Where the first sequence begins that is not UTF-8.
    private static func firstInvalid(_ bytes: [UInt8]) -> Int {
        var decoder = UTF8()
        var iterator = bytes.makeIterator()
        var offset = 0
        while case .scalarValue(let scalar) = decoder.decode(&iterator) {
            offset += UTF8.width(scalar)
        }
        return offset
    }
}
