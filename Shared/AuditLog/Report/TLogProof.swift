internal import StrictJSON

/// A leaf of the organisation's log with its proof, as a file (c2sp.org/tlog-proof).
///
/// The leaf itself is the extra data, so that the file says what it proves.
struct TLogProof: Sendable, Equatable {
    let leaf: [UInt8]
    let index: UInt64
    /// From the leaf's sibling up.
    let path: [Hash]
    /// The signed note of the log's state.
    let checkpoint: [UInt8]

    static let firstLine = "c2sp.org/tlog-proof@v1"
    /// No tree that there can be is higher.
    static let maxPath = 64

    var bytes: [UInt8] {
        var lines = [Self.firstLine, "extra \(Base64.standard(leaf))", "index \(index)"]
        lines += path.map(\.base64)
        return Array(lines.joined(separator: "\n").utf8) + Array("\n\n".utf8) + checkpoint
    }

    init(_ logged: LoggedLeaf, checkpoint: [UInt8]) {
        leaf = logged.leaf
        index = logged.index
        path = logged.path
        self.checkpoint = checkpoint
    }

    /// Reads a file, which must be spelled as `bytes` spells it; nil for anything else.
    init?(parsing bytes: [UInt8]) {
        // The first empty line ends the proof; the checkpoint has one of its own behind it.
        let lineFeed = UInt8(ascii: "\n")
        guard let end = bytes.indices.dropFirst().first(where: { bytes[$0] == lineFeed && bytes[$0 - 1] == lineFeed })
        else { return nil }
        let lines = bytes[..<(end - 1)].split(separator: lineFeed, omittingEmptySubsequences: false)
        guard (3...3 + Self.maxPath).contains(lines.count), lines[0].elementsEqual(Self.firstLine.utf8),
            let leaf = Base64.decodeStandard(lines[1].dropFirst("extra ".utf8.count)),
            let index = JSONNumber.plainInteger(lines[2].dropFirst("index ".utf8.count)), index >= 0
        else { return nil }
        var path: [Hash] = []
        for line in lines[3...] {
            guard let hash = Hash(base64: line) else { return nil }
            path.append(hash)
        }
        self.init(
            LoggedLeaf(leaf: leaf, index: UInt64(index), path: path),
            checkpoint: Array(bytes[(end + 1)...])
        )
        guard self.bytes == bytes else { return nil }
    }
}

/// A leaf of the organisation's log, its index and the proof of it.
package struct LoggedLeaf: Sendable, Equatable {
    /// The exact bytes.
    package let leaf: [UInt8]
    package let index: UInt64
    /// The hashes of RFC 6962 from the leaf up, in the tree of the checkpoint that goes with it.
    package let path: [Hash]

    package init(leaf: [UInt8], index: UInt64, path: [Hash]) {
        self.leaf = leaf
        self.index = index
        self.path = path
    }
}
