/// The blocks of a tar archive that are not file contents: POSIX.1-1988 "ustar".
///
/// Every program for archives reads it. The files of a report have short names and less than 8 GiB, so none of its
/// later extensions is needed.
package enum TarHeader {
    static let block = 512
    /// Two empty blocks end an archive.
    package static let end = [UInt8](repeating: 0, count: 2 * block)

    /// The header of a file.
    ///
    /// - Parameters:
    ///   - name: Its path in the archive.
    ///   - size: Its length in bytes.
    ///   - modified: Seconds since 1970.
    /// - Returns: One block; nil if the name is over 100 bytes or the file 8 GiB or more.
    package static func file(_ name: String, size: Int, modified: Int) -> [UInt8]? {
        guard (1...100).contains(name.utf8.count), (0..<1 << 33).contains(size) else { return nil }
        var header = [UInt8](repeating: 0, count: block)
        func put(_ bytes: some Sequence<UInt8>, at offset: Int) {
            for (index, byte) in bytes.enumerated() { header[offset + index] = byte }
        }
        put(name.utf8, at: 0)
        put(octal(0o644, digits: 7), at: 100)
        put(octal(0, digits: 7), at: 108)
        put(octal(0, digits: 7), at: 116)
        put(octal(size, digits: 11), at: 124)
        put(octal(max(modified, 0), digits: 11), at: 136)
        put("0".utf8, at: 156)
        put("ustar\u{0}00".utf8, at: 257)
        // The sum is taken with blanks in its own place.
        put("        ".utf8, at: 148)
        let sum = header.reduce(0) { $0 + Int($1) }
        put(octal(sum, digits: 6) + [0], at: 148)
        return header
    }

    /// What fills up the last block of a file.
    package static func padding(after size: Int) -> [UInt8] {
        Array(repeating: 0, count: (block - size % block) % block)
    }

    private static func octal(_ value: Int, digits: Int) -> [UInt8] {
        let text = Array(String(value, radix: 8).utf8)
        return Array(repeating: UInt8(ascii: "0"), count: max(digits - text.count, 0)) + text
    }
}
