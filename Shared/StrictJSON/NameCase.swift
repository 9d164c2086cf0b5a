/// Names that a careless parser takes for each other.
///
/// Go's standard parser, for one, matches names without regard to case, and by Unicode's simple folding at that: the
/// long s U+017F is an "s" for it and the Kelvin sign U+212A a "k".
package enum NameCase {
    /// Whether `name` is not `known`, byte by byte, but would be if case did not count.
    ///
    /// `known` is ASCII.
    package static func isVariant(_ name: some Sequence<UInt8>, of known: StaticString) -> Bool {
        isVariant(name, of: UnsafeBufferPointer(start: known.utf8Start, count: known.utf8CodeUnitCount))
    }

    /// The same for a name that is known only while the program runs.
    package static func isVariant(_ name: some Sequence<UInt8>, of known: [UInt8]) -> Bool {
        known.withUnsafeBufferPointer { isVariant(name, of: $0) }
    }

    private static func isVariant(_ name: some Sequence<UInt8>, of known: UnsafeBufferPointer<UInt8>) -> Bool {
        var names = name.makeIterator()
        var isExact = true
        for wanted in known {
            guard let byte = names.next() else { return false }
            if byte == wanted { continue }
            isExact = false
            if lowercased(byte) == lowercased(wanted), isLetter(byte) { continue }
            switch (byte, lowercased(wanted)) {
            case (0xC5, UInt8(ascii: "s")):
                guard names.next() == 0xBF else { return false }
            case (0xE2, UInt8(ascii: "k")):
                guard names.next() == 0x84, names.next() == 0xAA else { return false }
            default:
                return false
            }
        }
        return names.next() == nil && !isExact
    }

    /// A hash that is the same for names that differ by case alone; for telling apart nearly all others.
    package static func foldedHash(_ name: UnsafeBufferPointer<UInt8>) -> UInt64 {
        // FNV-1a, of the bytes in lower case.
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        var index = 0
        while index < name.count {
            var byte = lowercased(name[index])
            if byte == 0xC5, index + 1 < name.count, name[index + 1] == 0xBF {
                byte = UInt8(ascii: "s")
                index += 1
            } else if byte == 0xE2, index + 2 < name.count, name[index + 1] == 0x84, name[index + 2] == 0xAA {
                byte = UInt8(ascii: "k")
                index += 2
            }
            hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3
            index += 1
        }
        return hash
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    private static func lowercased(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }
}

extension JSONScanner {
    /// Whether a name differs from `known` by case alone.
    package func isVariant(_ name: JSONStringSpan, of known: StaticString) -> Bool {
        name.isEscaped
            ? NameCase.isVariant(text(name), of: known)
            : NameCase.isVariant(bytes[name.span.range], of: known)
    }

    /// Refuses a name that differs from one of `known` by case alone.
    package func refuseVariants(_ name: JSONStringSpan, of known: StaticString...) throws(JSONError) {
        try refuseVariants(name, of: known)
    }

    /// Refuses a name that differs from one of `known` by case alone.
    package func refuseVariants(_ name: JSONStringSpan, of known: [StaticString]) throws(JSONError) {
        for candidate in known where mayBeVariant(name, of: candidate) {
            // No two known names differ by case alone.
            if matches(name, candidate) { return }
            if isVariant(name, of: candidate) { throw JSONError(.ambiguous(.caseVariant), at: name.span.lower) }
        }
    }

    /// Whether it is worth to look closer: nearly all names differ in their length or in their first letter.
    @inline(__always)
    private func mayBeVariant(_ name: JSONStringSpan, of known: StaticString) -> Bool {
        // In ASCII nothing folds to another length.
        if name.isPlain {
            guard name.span.count == known.utf8CodeUnitCount, name.span.count > 0 else { return false }
            return (bytes[name.span.lower] ^ known.utf8Start[0]) & 0xDF == 0
        }
        if name.isEscaped { return true }
        // What folds to an ASCII letter is never shorter than it.
        guard name.span.count >= known.utf8CodeUnitCount, name.span.count > 0 else { return false }
        let first = bytes[name.span.lower]
        return first >= 0x80 || (first ^ known.utf8Start[0]) & 0xDF == 0
    }
}
