/// A name about to be compared with many patterns.
struct NameBytes {
    let bytes: UnsafeBufferPointer<UInt8>
    /// The first eight bytes, filled up with zeros.
    let head: UInt64

    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes
        head = Self.head(of: bytes)
    }

    static func head(of bytes: some Collection<UInt8>) -> UInt64 {
        var head: UInt64 = 0
        var shift: UInt64 = 0
        // Forwards: turning the bytes round would cost an allocation for every name of every call.
        for byte in bytes.prefix(8) {
            head |= UInt64(byte) << shift
            shift += 8
        }
        return head
    }
}

/// A pattern as a few integers: nearly every comparison that fails does so at one of them.
struct CompiledPattern {
    private let head: UInt64
    private let mask: UInt64
    /// Where in the pool the bytes behind the first eight are.
    private let offset: Int
    private let length: Int
    private let isPrefix: Bool

    init(_ pattern: Pattern, pool: inout [UInt8]) {
        head = NameBytes.head(of: pattern.stem)
        length = pattern.stem.count
        mask = length >= 8 ? .max : (1 << UInt64(length * 8)) - 1
        isPrefix = pattern.isPrefix
        offset = pool.count
        pool.append(contentsOf: pattern.stem.dropFirst(8))
    }

    /// Whether every name matches: the pattern is `*`.
    var isEverything: Bool { isPrefix && length == 0 }

    /// The pattern as it was before it was compiled.
    func pattern(pool: UnsafeBufferPointer<UInt8>) -> Pattern {
        var stem = (0..<min(length, 8)).map { UInt8(truncatingIfNeeded: head >> UInt64($0 * 8)) }
        if length > 8 { stem += pool[offset..<offset + length - 8] }
        return Pattern(stem: stem, isPrefix: isPrefix)
    }

    func matches(_ name: NameBytes, pool: UnsafeBufferPointer<UInt8>) -> Bool {
        guard name.head & mask == head, isPrefix ? name.bytes.count >= length : name.bytes.count == length else {
            return false
        }
        var index = 8
        while index < length {
            guard name.bytes[index] == pool[offset + index - 8] else { return false }
            index += 1
        }
        return true
    }
}
