/// What surrounds a chunk when one is written (RFC 9112 section 7.1).
package enum ChunkHead {
    /// The most that `write` writes.
    package static let maxLength = 18
    /// Follows each chunk.
    package static let tail: StaticString = "\r\n"
    /// The chunk that ends a body, without trailers.
    package static let last: StaticString = "0\r\n\r\n"

    /// Writes the size line of a chunk of `size` bytes; `room` has at least `maxLength` bytes.
    ///
    /// - Returns: the number of bytes written.
    package static func write(_ size: Int, to room: UnsafeMutableRawBufferPointer) -> Int {
        let digits = max(1, (Int.bitWidth - size.leadingZeroBitCount + 3) / 4)
        for index in 0..<digits {
            let digit = UInt8(truncatingIfNeeded: size >> (4 * (digits - 1 - index))) & 0xF
            room[index] = digit < 10 ? 0x30 + digit : 0x61 - 10 + digit
        }
        room[digits] = 0x0D
        room[digits + 1] = 0x0A
        return digits + 2
    }
}
