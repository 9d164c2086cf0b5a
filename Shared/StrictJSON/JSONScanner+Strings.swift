internal import Bytes

extension JSONScanner {
    /// Reads a string and checks all of it.
    package mutating func string() throws(JSONError) -> JSONStringSpan {
        guard try firstByte() == UInt8(ascii: "\"") else { throw .syntax(.unexpectedByte, at: offset) }
        return try stringHere()
    }

    /// Reads the string whose opening quote is the next byte.
    @inline(__always)
    mutating func stringHere() throws(JSONError) -> JSONStringSpan {
        let lower = offset &+ 1
        let position = skipPlain(from: lower, to: min(bytes.count, lower &+ Self.shortString))
        guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
            return try longString(lower, from: position)
        }
        move(to: position &+ 1)
        return JSONStringSpan(span: JSONSpan(lower, position), isEscaped: false, isPlain: true)
    }

    /// Up to here a string is read without a call to another function.
    private static let shortString = 40

    /// Reads on in a string that is long or holds more than plain characters.
    @inline(never)
    private mutating func longString(_ lower: Int, from start: Int) throws(JSONError) -> JSONStringSpan {
        var position = start
        var isEscaped = false
        var isPlain = true
        while true {
            let near = min(bytes.count, position &+ Self.shortString)
            position = skipPlain(from: position, to: near)
            if position == near { position = skipPlain(from: skipPlainBlocks(from: near), to: bytes.count) }
            guard position < bytes.count else { throw .syntax(.truncated, at: bytes.count) }
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") {
                move(to: position + 1)
                return JSONStringSpan(span: JSONSpan(lower, position), isEscaped: isEscaped, isPlain: isPlain)
            }
            isPlain = false
            switch byte {
            case UInt8(ascii: "\\"):
                isEscaped = true
                position = try escape(at: position)
            case 0x00..<0x20:
                throw .syntax(.controlCharacter, at: position)
            case 0x80...:
                let length = UTF8Bytes.sequenceLength(bytes, at: position)
                guard length > 0 else { throw .syntax(.badUTF8, at: position) }
                position += length
            default:
                position += 1
            }
        }
    }

    /// The first byte at or after `position` that is a quote, a backslash, a control character (0x7F included) or not
    /// ASCII, or `end`.
    ///
    /// Eight bytes a step. Subtracting and adding find the lowest such byte exactly; above it a borrow or carry may report
    /// too much, which does no harm as only the lowest is used.
    @inline(__always)
    private func skipPlain(from position: Int, to end: Int) -> Int {
        guard let base = UnsafeRawPointer(bytes.baseAddress) else { return position }
        let ones: UInt64 = 0x0101_0101_0101_0101
        var position = position
        while end &- position >= 8 {
            let word = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            let quotes = (word ^ (ones &* 0x22)) &- ones
            let backslashes = (word ^ (ones &* 0x5C)) &- ones
            let controls = (word &- (ones &* 0x20)) | (word &+ ones)
            let found = (quotes | backslashes | controls | word) & (ones &* 0x80)
            if found != 0 { return position &+ found.trailingZeroBitCount / 8 }
            position &+= 8
        }
        while position < end {
            let byte = bytes[position]
            if byte == 0x22 || byte == 0x5C || byte < 0x20 || byte >= 0x7F { return position }
            position &+= 1
        }
        return position
    }

    /// Moves over blocks that hold none of what `skipPlain` looks for: few strings are long, but most of what is read
    /// is in those.
    private func skipPlainBlocks(from position: Int) -> Int {
        var position = position
        while bytes.count &- position >= 64 {
            let found =
                unusual(at: position) | unusual(at: position &+ 16) | unusual(at: position &+ 32)
                | unusual(at: position &+ 48)
            guard (found[0] | found[1]) & 0x8080_8080_8080_8080 == 0 else { break }
            position &+= 64
        }
        return position
    }

    /// The same sums as in `skipPlain` with two words.
    @inline(__always)
    private func unusual(at position: Int) -> SIMD2<UInt64> {
        let words = UnsafeRawPointer(bytes.baseAddress.unsafelyUnwrapped)
            .loadUnaligned(fromByteOffset: position, as: SIMD2<UInt64>.self)
        let ones = SIMD2<UInt64>(repeating: 0x0101_0101_0101_0101)
        let quotes = (words ^ (ones &* 0x22)) &- ones
        let backslashes = (words ^ (ones &* 0x5C)) &- ones
        let controls = (words &- (ones &* 0x20)) | (words &+ ones)
        return quotes | backslashes | controls | words
    }

    /// Checks the escape whose backslash is at `position`, and returns where the text goes on.
    private func escape(at position: Int) throws(JSONError) -> Int {
        guard position + 1 < bytes.count else { throw .syntax(.truncated, at: bytes.count) }
        switch bytes[position + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            return position + 2
        case UInt8(ascii: "u"):
            let unit = try codeUnit(at: position)
            switch unit {
            case 0xDC00...0xDFFF:
                if isLenient { return position + 6 }
                throw .ambiguous(.loneSurrogate, at: position)
            case 0xD800...0xDBFF:
                let second = position + 6
                if isLenient { return EscapedText.isLowHalf(bytes, at: second) ? second + 6 : second }
                guard second + 1 < bytes.count else { throw .syntax(.truncated, at: bytes.count) }
                guard bytes[second] == UInt8(ascii: "\\"), bytes[second + 1] == UInt8(ascii: "u") else {
                    throw .ambiguous(.loneSurrogate, at: position)
                }
                guard (0xDC00...0xDFFF).contains(try codeUnit(at: second)) else {
                    throw .ambiguous(.loneSurrogate, at: position)
                }
                return second + 6
            default:
                return position + 6
            }
        default:
            throw .syntax(.badEscape, at: position)
        }
    }

    /// The number behind `\u` at `position`.
    private func codeUnit(at position: Int) throws(JSONError) -> UInt32 {
        guard bytes.count - position >= 6 else { throw .syntax(.truncated, at: bytes.count) }
        guard let unit = EscapedText.codeUnit(bytes, at: position) else { throw .syntax(.badEscape, at: position) }
        return unit
    }

    // MARK: Reading what was scanned

    /// The text of a string that this scanner has read.
    package func text(_ string: JSONStringSpan) -> [UInt8] {
        string.text(in: bytes)
    }

    /// Whether the text of a string is exactly this.
    @inlinable
    @inline(__always)
    package func matches(_ string: JSONStringSpan, _ text: StaticString) -> Bool {
        string.matches(text, in: bytes)
    }
}
