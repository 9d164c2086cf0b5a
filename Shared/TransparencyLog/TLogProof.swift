internal import Bytes

/// A leaf of a log with its proof, as a file (c2sp.org/tlog-proof).
///
/// The leaf itself is the extra data, so that the file says what it proves.
package struct TLogProof: Sendable, Equatable {
    package let leaf: [UInt8]
    package let index: UInt64
    /// From the leaf's sibling up.
    package let path: [Hash]
    /// The signed note of the log's state.
    package let checkpoint: [UInt8]

    package static let firstLine = "c2sp.org/tlog-proof@v1"
    /// No tree that there can be is higher.
    package static let maxPath = 64

    package var bytes: [UInt8] {
        var lines = [Self.firstLine, "extra \(Base64.standard(leaf))", "index \(index)"]
        lines += path.map(\.base64)
        return Array(lines.joined(separator: "\n").utf8) + Array("\n\n".utf8) + checkpoint
    }

    package init(_ logged: LoggedLeaf, checkpoint: [UInt8]) {
        leaf = logged.leaf
        index = logged.index
        path = logged.path
        self.checkpoint = checkpoint
    }

    /// Reads a file, which must be spelled as `bytes` spells it; nil for anything else.
    package init?(parsing bytes: [UInt8]) {
        // The first empty line ends the proof; the checkpoint has one of its own behind it.
        let lineFeed = UInt8(ascii: "\n")
        guard let end = bytes.indices.dropFirst().first(where: { bytes[$0] == lineFeed && bytes[$0 - 1] == lineFeed })
        else { return nil }
        let lines = bytes[..<(end - 1)].split(separator: lineFeed, omittingEmptySubsequences: false)
        guard (3...3 + Self.maxPath).contains(lines.count), lines[0].elementsEqual(Self.firstLine.utf8),
            let leaf = Base64.decodeStandard(lines[1].dropFirst("extra ".utf8.count)),
            let index = UInt64(String(decoding: lines[2].dropFirst("index ".utf8.count), as: UTF8.self))
        else { return nil }
        var path: [Hash] = []
        for line in lines[3...] {
            guard let hash = Hash(base64: line) else { return nil }
            path.append(hash)
        }
        self.init(
            LoggedLeaf(leaf: leaf, index: index, path: path),
            checkpoint: Array(bytes[(end + 1)...])
        )
        guard self.bytes == bytes else { return nil }
    }
}
