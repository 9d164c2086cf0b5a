/// The one place that knows what well-formed UTF-8 is (Unicode table 3-7: no overlong form, no surrogate, nothing
/// above U+10FFFF).
package enum UTF8Bytes {
    /// The length of the well-formed sequence at `offset`, or 0 for a malformed one.
    package static func sequenceLength(_ bytes: UnsafeBufferPointer<UInt8>, at offset: Int) -> Int {
        let first = bytes[offset]
        let left = bytes.count - offset
        switch first {
        case 0x00...0x7F:
            return 1
        case 0xC2...0xDF:
            return left >= 2 && isContinuation(bytes[offset + 1]) ? 2 : 0
        case 0xE0...0xEF:
            guard left >= 3, isContinuation(bytes[offset + 2]) else { return 0 }
            let second = bytes[offset + 1]
            switch first {
            case 0xE0: return (0xA0...0xBF).contains(second) ? 3 : 0
            case 0xED: return (0x80...0x9F).contains(second) ? 3 : 0
            default: return isContinuation(second) ? 3 : 0
            }
        case 0xF0...0xF4:
            guard left >= 4, isContinuation(bytes[offset + 2]), isContinuation(bytes[offset + 3]) else { return 0 }
            let second = bytes[offset + 1]
            switch first {
            case 0xF0: return (0x90...0xBF).contains(second) ? 4 : 0
            case 0xF4: return (0x80...0x8F).contains(second) ? 4 : 0
            default: return isContinuation(second) ? 4 : 0
            }
        default:
            return 0
        }
    }

    /// Whether all of `bytes` is well-formed.
    package static func areValid(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        var offset = 0
        let raw = UnsafeRawBufferPointer(bytes)
        while offset < bytes.count {
            // Nearly all is ASCII: eight bytes a step.
            if bytes.count &- offset >= 8,
                raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self) & 0x8080_8080_8080_8080 == 0
            {
                offset &+= 8
                continue
            }
            let length = sequenceLength(bytes, at: offset)
            if length == 0 { return false }
            offset += length
        }
        return true
    }

    private static func isContinuation(_ byte: UInt8) -> Bool {
        byte & 0xC0 == 0x80
    }
}
