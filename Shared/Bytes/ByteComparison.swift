extension UnsafeBufferPointer<UInt8> {
    /// Whether the bytes are those of another text; `elementsEqual` looks at one byte at a time.
    @inlinable
    package func isEqual(to other: UnsafeBufferPointer<UInt8>) -> Bool {
        guard count == other.count else { return false }
        guard let left = UnsafeRawPointer(baseAddress), let right = UnsafeRawPointer(other.baseAddress) else {
            return true
        }
        return ByteComparison.areEqual(left, right, count)
    }

    /// Whether the bytes are those of a known text.
    @inlinable
    @inline(__always)
    package func isEqual(to text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount, let start = UnsafeRawPointer(baseAddress) else { return false }
        return ByteComparison.areEqual(start, text.utf8Start, text.utf8CodeUnitCount)
    }
}

/// Compares bytes, eight at a step.
@usableFromInline
enum ByteComparison {
    /// Whether so many bytes are equal; there is at least one.
    ///
    /// Inlined with a known text and its length this becomes one or two comparisons of words.
    @inlinable
    @inline(__always)
    static func areEqual(_ left: UnsafeRawPointer, _ right: UnsafeRawPointer, _ count: Int) -> Bool {
        // The last step looks at some bytes once more, which costs less than a step for each of the rest.
        if count >= 8 {
            var offset = 0
            while offset < count &- 8 {
                guard isEqual(left, right, offset, UInt64.self) else { return false }
                offset &+= 8
            }
            return isEqual(left, right, count &- 8, UInt64.self)
        }
        if count >= 4 { return isEqual(left, right, 0, UInt32.self) && isEqual(left, right, count &- 4, UInt32.self) }
        if count >= 2 { return isEqual(left, right, 0, UInt16.self) && isEqual(left, right, count &- 2, UInt16.self) }
        return count == 0 || isEqual(left, right, 0, UInt8.self)
    }

    @inlinable
    @inline(__always)
    static func isEqual<Word: FixedWidthInteger & BitwiseCopyable>(
        _ left: UnsafeRawPointer,
        _ right: UnsafeRawPointer,
        _ offset: Int,
        _ type: Word.Type
    ) -> Bool {
        left.loadUnaligned(fromByteOffset: offset, as: type) == right.loadUnaligned(fromByteOffset: offset, as: type)
    }
}
