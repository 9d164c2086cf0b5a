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
        var node = leaf
        // As in binary addition: each complete subtree of the same height is carried into the next.
        var carries = size
        while carries & 1 == 1 {
            node = .node(peaks.removeLast(), node)
            carries >>= 1
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
