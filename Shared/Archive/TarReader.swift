/// Reads a tar archive (POSIX.1-1988 "ustar") of plain files, piece by piece.
///
/// Nothing of it is trusted: a path leads nowhere but down, and what is no plain file is refused.
package struct TarReader: Sendable {
    /// What an archive says, in its order.
    package enum Part {
        /// A file begins: its path has no `..`, no `.` and no empty segment, and is of printable ASCII without blanks.
        case file(path: String, size: Int)
        /// The next bytes of that file.
        case bytes(UnsafeBufferPointer<UInt8>)
        /// That file is whole.
        case end
    }

    /// These bytes are no such archive, or not a whole one.
    package struct Malformed: Error, Equatable {}

    private static let deepest = 8

    private var header: [UInt8] = []
    /// The bytes still to come of the file, and of the padding of its last block.
    private var left = 0
    private var filling = 0
    private var isEnded = false

    /// A reader of nothing, so far.
    package init() {}

    /// Takes the next bytes, and tells `take` what they contain.
    ///
    /// - Throws: `Malformed`; what `take` throws.
    package mutating func read(_ bytes: UnsafeBufferPointer<UInt8>, _ take: (Part) throws -> Void) throws {
        var rest = bytes[...]
        while !rest.isEmpty, !isEnded {
            if left > 0 {
                let part = rest.prefix(left)
                try take(.bytes(UnsafeBufferPointer(rebasing: part)))
                rest = rest.dropFirst(part.count)
                left -= part.count
                if left == 0 { try take(.end) }
            } else if filling > 0 {
                let count = min(filling, rest.count)
                rest = rest.dropFirst(count)
                filling -= count
            } else {
                let part = rest.prefix(TarHeader.block - header.count)
                header += part
                rest = rest.dropFirst(part.count)
                if header.count == TarHeader.block { try begin(take) }
            }
        }
    }

    /// Ends the reading.
    ///
    /// - Throws: `Malformed` unless the archive's end was read.
    package func finish() throws {
        guard isEnded else { throw Malformed() }
    }

    private mutating func begin(_ take: (Part) throws -> Void) throws {
        defer { header.removeAll(keepingCapacity: true) }
        guard header[0] != 0 else {
            isEnded = true
            return
        }
        let digits = Self.text(header[124..<136]).filter { $0 != " " }
        guard let size = Int(digits, radix: 8), (0..<1 << 33).contains(size) else { throw Malformed() }
        switch header[156] {
        case UInt8(ascii: "5"):
            guard size == 0 else { throw Malformed() }
        case UInt8(ascii: "0"), 0:
            let path = Self.text(header[0..<100])
            guard Self.isInside(path) else { throw Malformed() }
            left = size
            filling = (TarHeader.block - size % TarHeader.block) % TarHeader.block
            try take(.file(path: path, size: size))
            if size == 0 { try take(.end) }
        default: throw Malformed()
        }
    }

    private static func text(_ field: ArraySlice<UInt8>) -> String {
        String(decoding: field.prefix { $0 != 0 }, as: UTF8.self)
    }

    private static func isInside(_ path: String) -> Bool {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        return parts.count <= deepest
            && parts.allSatisfy { part in
                !part.isEmpty && part != "." && part != ".." && part.utf8.allSatisfy { (0x21...0x7E).contains($0) }
            }
    }
}
