package import StrictJSON

/// 128 random bits that name a call, a trace or a run of the agent: 32 lower-case hex digits.
package struct AuditID: Hashable, Sendable, CustomStringConvertible {
    let high: UInt64
    let low: UInt64

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

    /// As above, for digits that stand in memory.
    package init?(hex: UnsafeRawBufferPointer) {
        self.init(digits: hex.bindMemory(to: UInt8.self))
    }

    private init?(digits: UnsafeBufferPointer<UInt8>) {
        guard digits.count == 32 else { return nil }
        var words: (UInt64, UInt64) = (0, 0)
        for index in 0..<32 {
            let value: UInt8
            switch digits[index] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = digits[index] - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = digits[index] - UInt8(ascii: "a") + 10
            default: return nil
            }
            if index < 16 { words.0 = words.0 << 4 | UInt64(value) } else { words.1 = words.1 << 4 | UInt64(value) }
        }
        self.init(high: words.0, low: words.1)
    }

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
