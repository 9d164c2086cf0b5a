internal import Glibc

/// The loops that look for something in many bytes, eight at a step.
///
/// In each, subtracting finds the lowest byte that is wanted exactly; above it a borrow may report too much, which does no
/// harm as only the lowest is used.
enum ByteScan {
    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let highs: UInt64 = 0x8080_8080_8080_8080

    /// The first control character (below 0x20, or 0x7F) at or after `position`; `bytes.count` without one.
    static func firstControl(in bytes: UnsafeRawBufferPointer, from position: Int) -> Int {
        var position = position
        while bytes.count - position >= 8 {
            let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            let low = (word &- (ones &* 0x20)) & ~word
            let delete = word ^ (ones &* 0x7F)
            let found = (low | (delete &- ones) & ~delete) & highs
            if found != 0 { return position + found.trailingZeroBitCount / 8 }
            position += 8
        }
        while position < bytes.count {
            if bytes[position] < 0x20 || bytes[position] == 0x7F { return position }
            position += 1
        }
        return position
    }

    /// The first CR or LF at or after `position`; `bytes.count` without one.
    static func firstLineBreak(in bytes: UnsafeRawBufferPointer, from position: Int) -> Int {
        var position = position
        while bytes.count - position >= 8 {
            let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            let feeds = word ^ (ones &* 0x0A)
            let returns = word ^ (ones &* 0x0D)
            let found = ((feeds &- ones) & ~feeds | (returns &- ones) & ~returns) & highs
            if found != 0 { return position + found.trailingZeroBitCount / 8 }
            position += 8
        }
        while position < bytes.count {
            if bytes[position] == 0x0A || bytes[position] == 0x0D { return position }
            position += 1
        }
        return position
    }

    /// The first `byte` in `range`; its upper bound without one.
    static func first(_ byte: UInt8, in bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Int {
        var position = range.lowerBound
        while range.upperBound - position >= 8 {
            let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            let wanted = word ^ (ones &* UInt64(byte))
            let found = (wanted &- ones) & ~wanted & highs
            if found != 0 { return position + found.trailingZeroBitCount / 8 }
            position += 8
        }
        while position < range.upperBound, bytes[position] != byte {
            position += 1
        }
        return position
    }

    /// Whether the bytes in `range` are `text`, in any case.
    ///
    /// `text` is in lower case and made of letters, digits, `-`, `/` and `.`; the bytes hold no control character. Then
    /// one bit is all that may differ.
    static func matches(_ text: StaticString, in bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Bool {
        let count = text.utf8CodeUnitCount
        guard range.count == count else { return false }
        let expected = UnsafeRawPointer(text.utf8Start)
        let start = range.lowerBound
        if count >= 8 {
            let fold = ones &* 0x20
            var index = 0
            while true {
                let left = bytes.loadUnaligned(fromByteOffset: start + index, as: UInt64.self)
                if left | fold != expected.loadUnaligned(fromByteOffset: index, as: UInt64.self) | fold { return false }
                if index == count - 8 { return true }
                // The last step looks at some bytes once more, which costs less than a step for each of the rest.
                index = min(index + 8, count - 8)
            }
        }
        for index in 0..<count where bytes[start + index] | 0x20 != text.utf8Start[index] | 0x20 { return false }
        return true
    }

    /// Whether the bytes in `range` are `text`, byte by byte.
    static func isExactly(_ text: StaticString, in bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Bool {
        guard range.count == text.utf8CodeUnitCount, let base = bytes.baseAddress else { return false }
        return memcmp(base + range.lowerBound, text.utf8Start, range.count) == 0
    }

    /// `range` without spaces and tabs at its ends.
    static func trimmed(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Range<Int> {
        var lower = range.lowerBound
        var upper = range.upperBound
        while lower < upper, bytes[lower] == 0x20 || bytes[lower] == 0x09 { lower += 1 }
        while upper > lower, bytes[upper - 1] == 0x20 || bytes[upper - 1] == 0x09 { upper -= 1 }
        return lower..<upper
    }

    /// A decimal number of digits alone, at most 18 of them; nil for anything else.
    static func decimal(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Int? {
        guard (1...18).contains(range.count) else { return nil }
        var value = 0
        for index in range {
            let digit = Int(bytes[index]) - 0x30
            guard (0...9).contains(digit) else { return nil }
            value = value * 10 + digit
        }
        return value
    }
}
