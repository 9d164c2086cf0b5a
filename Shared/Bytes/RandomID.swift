/// 128 random bits that name a call, a trace or a run of the agent: 32 lower-case hex digits.
package struct RandomID: Hashable, Sendable, CustomStringConvertible {
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// A new id from the system's randomness; on the data path take it from a `RandomPool`.
    package init() {
        self.init(high: .random(in: .min ... .max), low: .random(in: .min ... .max))
    }

    /// The id of exactly 32 lower-case hex digits; nil for anything else.
    package init?(hex: some Collection<UInt8>) {
        // Read from where they lie: other modules call this for every record, and a generic loop there costs 40 times.
        let found = hex.withContiguousStorageIfAvailable { Self(digits: $0) }
        guard let id = found ?? Array(hex).withUnsafeBufferPointer({ Self(digits: $0) }) else { return nil }
        self = id
    }

    /// As above, for digits in memory.
    package init?(hex: UnsafeRawBufferPointer) {
        self.init(digits: hex.bindMemory(to: UInt8.self))
    }

    private init?(digits: UnsafeBufferPointer<UInt8>) {
        guard digits.count == 32, let base = UnsafeRawPointer(digits.baseAddress),
            let first = Self.value(of: base), let second = Self.value(of: base + 8),
            let third = Self.value(of: base + 16), let fourth = Self.value(of: base + 24)
        else { return nil }
        self.init(high: (first << 32) | second, low: (third << 32) | fourth)
    }

    /// The value of eight lower-case hex digits, all at once: one at a time they are a quarter of what is done with a
    /// record's call.
    private static func value(of digits: UnsafeRawPointer) -> UInt64? {
        let text = UInt64(bigEndian: digits.loadUnaligned(as: UInt64.self))
        // Of a letter bit 6 is set, and its low bits count from 1.
        let values = (text & every(0x0F)) &+ 9 &* ((text >> 6) & every(0x03))
        let letters = ((values &+ every(6)) >> 4) & every(1)
        // The text must be what these values are written as.
        guard values & every(0xF0) == 0, values &+ every(0x30) &+ 0x27 &* letters == text else { return nil }
        let bytes = (values | (values >> 4)) & 0x00FF_00FF_00FF_00FF
        let pairs = (bytes | (bytes >> 8)) & 0x0000_FFFF_0000_FFFF
        return (pairs | (pairs >> 16)) & 0xFFFF_FFFF
    }

    /// Eight bytes of this value.
    private static func every(_ byte: UInt64) -> UInt64 { byte &* 0x0101_0101_0101_0101 }

    /// Whether all bits are zero, which W3C trace context calls invalid.
    package var isZero: Bool { high == 0 && low == 0 }

    package var description: String {
        withUnsafeTemporaryAllocation(byteCount: 32, alignment: 8) { room in
            var writer = ByteWriter(room)
            write(to: &writer)
            return String(decoding: writer.written, as: UTF8.self)
        }
    }

    /// Appends the digits.
    package func write(to output: inout ByteWriter) {
        output.append(hex: high)
        output.append(hex: low)
    }
}
