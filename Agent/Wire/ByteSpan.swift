/// Where a piece of a head is in the buffer that was scanned; holds no bytes itself.
@usableFromInline
package struct ByteSpan: Hashable, Sendable {
    /// The first byte.
    @usableFromInline package let lower: UInt32
    /// The byte after the last.
    @usableFromInline package let upper: UInt32

    init(_ lower: Int, _ upper: Int) {
        self.lower = UInt32(truncatingIfNeeded: lower)
        self.upper = UInt32(truncatingIfNeeded: upper)
    }

    static let empty = Self(0, 0)

    @inlinable package var count: Int { Int(upper) &- Int(lower) }
    @inlinable package var range: Range<Int> { Int(lower)..<Int(upper) }

    /// The bytes themselves, valid as long as `bytes` is.
    @inlinable
    package func slice(of bytes: UnsafeRawBufferPointer) -> UnsafeBufferPointer<UInt8> {
        guard let base = bytes.baseAddress else { return UnsafeBufferPointer(start: nil, count: 0) }
        let start = (base + Int(lower)).assumingMemoryBound(to: UInt8.self)
        return UnsafeBufferPointer(start: start, count: count)
    }
}
