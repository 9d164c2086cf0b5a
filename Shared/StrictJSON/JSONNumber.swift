/// A number as it was written.
///
/// The literal is kept, because `1.0`, `1` and `1e0`, or an integer beyond 2^53, are the same or different numbers
/// depending on who reads them; what is forwarded is what came.
package struct JSONNumber: Hashable, Sendable {
    /// Integers in their plain spelling, nearly all numbers, need no allocation.
    private enum Storage: Hashable, Sendable {
        case int(Int)
        case literal([UInt8])
    }

    private let storage: Storage

    /// The number for an integer.
    package init(_ value: Int) {
        storage = .int(value)
    }

    /// The number for a literal that the scanner has already checked.
    init(checked literal: some Collection<UInt8>) {
        if let value = Self.plainInteger(literal) {
            storage = .int(value)
        } else {
            storage = .literal(Array(literal))
        }
    }

    /// The exact value, if the literal is a 64-bit integer in its plain spelling; not for `-0`, `1.0` or `1e3`.
    package var int: Int? {
        switch storage {
        case .int(let value): value
        case .literal: nil
        }
    }

    /// The nearest double.
    package var double: Double {
        switch storage {
        case .int(let value): Double(value)
        case .literal(let bytes): Double(String(decoding: bytes, as: UTF8.self)) ?? .nan
        }
    }

    /// The bytes of the literal.
    package var literal: [UInt8] {
        switch storage {
        case .int(let value): Array(String(value).utf8)
        case .literal(let bytes): bytes
        }
    }

    /// As below, for bytes where they lie: callers in other modules get no copy of a generic function for their type.
    package static func plainInteger(_ literal: UnsafeBufferPointer<UInt8>) -> Int? {
        plainInteger(literal[...])
    }

    /// The value of a literal like `-12`: digits without a leading zero, no fraction, no exponent, no `-0`.
    package static func plainInteger(_ literal: some Collection<UInt8>) -> Int? {
        var digits = literal[...]
        let isNegative = digits.first == UInt8(ascii: "-")
        if isNegative { digits = digits.dropFirst() }
        guard let first = digits.first, digits.count <= 19 else { return nil }
        if first == UInt8(ascii: "0"), isNegative || digits.count > 1 { return nil }
        // Counted downwards, since the smallest integer has no positive counterpart.
        var value = 0
        for byte in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
            let (next, underflow) = tens.subtractingReportingOverflow(Int(byte - UInt8(ascii: "0")))
            if overflow || underflow { return nil }
            value = next
        }
        if isNegative { return value }
        return value == .min ? nil : -value
    }
}
