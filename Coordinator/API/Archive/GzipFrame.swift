/// A gzip stream (RFC 1952) of stored blocks (RFC 1951, 3.2.4): the form of an archive without the work of squeezing it.
///
/// What goes in are mostly hashes and signatures, and what it saves on the wire, the coordinator would pay on its event
/// loops.
struct GzipFrame {
    private var checksum: UInt32 = 0xFFFF_FFFF
    private var length: UInt32 = 0

    /// The first bytes: no name, no time, any system.
    static let start: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF]

    /// The frame around a stretch of bytes.
    mutating func frame(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        for byte in bytes { checksum = Self.table[Int((checksum ^ UInt32(byte)) & 0xFF)] ^ checksum >> 8 }
        length &+= UInt32(truncatingIfNeeded: bytes.count)
        var output: [UInt8] = []
        output.reserveCapacity(bytes.count + 5 * (bytes.count / 0xFFFF + 1))
        var rest = bytes
        while !rest.isEmpty {
            let part = rest.prefix(0xFFFF)
            rest = rest.dropFirst(part.count)
            let size = UInt16(part.count)
            output += [0] + Self.little(size) + Self.little(~size)
            output += part
        }
        return output
    }

    /// The last bytes: an empty last block, the checksum, the length.
    func end() -> [UInt8] {
        [1, 0, 0, 0xFF, 0xFF] + Self.little(~checksum) + Self.little(length)
    }

    private static func little(_ value: some FixedWidthInteger & UnsignedInteger) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }

    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? 0xEDB8_8320 ^ value >> 1 : value >> 1 }
    }
}
