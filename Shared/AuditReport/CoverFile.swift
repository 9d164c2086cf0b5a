internal import TransparencyLog

/// `agents/AGENT.cover`: the hashes of a cover, one a line.
///
/// Which leaves are shown, and of how many, is told by the records and by the checkpoint, and cannot be told twice.
enum CoverFile {
    static let firstLine = Array("doorward-cover@v1\n".utf8)

    /// The largest file that can prove so many leaves, in bytes.
    ///
    /// A tree has at most 2^53 - 1 leaves, so the path of each has at most 53 hashes. More would be left over, and are not
    /// worth reading.
    static func largest(proving count: Int) -> Int { firstLine.count + 45 * 53 * count }

    static func bytes(_ nodes: [Hash]) -> [UInt8] {
        var bytes = firstLine
        for node in nodes {
            bytes += Array(node.base64.utf8)
            bytes.append(UInt8(ascii: "\n"))
        }
        return bytes
    }

    /// The hashes of a file; nil for anything but its one spelling.
    static func nodes(_ bytes: [UInt8]) -> [Hash]? {
        guard bytes.starts(with: firstLine) else { return nil }
        let lines = bytes.dropFirst(firstLine.count)
        // 44 characters of base64 and a line feed each.
        guard lines.count.isMultiple(of: 45) else { return nil }
        var nodes: [Hash] = []
        nodes.reserveCapacity(lines.count / 45)
        for start in stride(from: lines.startIndex, to: lines.endIndex, by: 45) {
            guard lines[start + 44] == UInt8(ascii: "\n"), let node = Hash(base64: lines[start..<start + 44]) else {
                return nil
            }
            nodes.append(node)
        }
        return nodes
    }
}
