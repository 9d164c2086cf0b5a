/// The right edge of a Merkle tree (RFC 6962): all that is needed to append leaves and to know the root.
package struct MerkleFrontier: Sendable, Equatable {
    /// The number of leaves.
    package private(set) var size: UInt64
    /// The roots of the complete subtrees that the tree is made of, largest first: one for each bit set in `size`.
    package private(set) var peaks: [Hash]

    /// The tree without leaves.
    package init() {
        size = 0
        peaks = []
    }

    /// A frontier as it was kept; nil if there are not as many peaks as the size wants.
    package init?(size: UInt64, peaks: [Hash]) {
        guard peaks.count == size.nonzeroBitCount else { return nil }
        self.size = size
        self.peaks = peaks
    }

    /// Appends a leaf.
    package mutating func append(_ leaf: some Collection<UInt8>) {
        append(hash: .leaf(leaf))
    }

    /// Appends a leaf whose hash is known.
    package mutating func append(hash leaf: Hash) {
        append(hash: leaf) { _, _, _ in }
    }

    /// Appends a leaf whose hash is known, and tells of each complete subtree above it that it closes, from below.
    ///
    /// - Parameters:
    ///   - leaf: the leaf's hash.
    ///   - closed: is told the level, the index on that level and the hash of each subtree.
    package mutating func append(
        hash leaf: Hash,
        closed: (_ level: Int, _ index: UInt64, _ hash: Hash) -> Void
    ) {
        var node = leaf
        // As in binary addition: each complete subtree of the same height is carried into the next.
        for level in 0..<(~size).trailingZeroBitCount {
            node = .node(peaks.removeLast(), node)
            closed(level + 1, size >> UInt64(level + 1), node)
        }
        peaks.append(node)
        size += 1
    }

    /// The root of the tree.
    package var root: Hash {
        guard var root = peaks.last else { return .empty }
        for peak in peaks.dropLast().reversed() {
            root = .node(peak, root)
        }
        return root
    }
}
