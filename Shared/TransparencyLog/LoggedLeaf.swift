/// A leaf of a log, its index and the proof of it.
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
