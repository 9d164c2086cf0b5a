internal import Errors

/// A proof of many leaves of one tree at once.
///
/// It holds the hashes of the largest subtrees without any of the leaves, from left to right. With the leaves' own
/// hashes they make the root, and in one way only. A range of leaves needs two hashes a level, a selection more; one
/// way to check serves both.
package struct MerkleCover: Sendable, Equatable {
    /// The number of leaves of the tree.
    package let size: UInt64
    /// The leaves that are shown.
    package let shown: ShownLeaves
    /// The hashes of what is not shown, from left to right.
    package let nodes: [Hash]

    package init(size: UInt64, shown: ShownLeaves, nodes: [Hash]) {
        self.size = size
        self.shown = shown
        self.nodes = nodes
    }

    /// The cover of these leaves in the tree of the first `size` leaves.
    package init(of shown: ShownLeaves, size: UInt64, in tree: some MerkleNodes) throws {
        guard size <= tree.size, Self.fit(shown, size) else {
            throw LogError(.proof, "these are not leaves of a tree of \(size)")
        }
        var walk = Walk(shown: shown.subtrees)
        var nodes: [Hash] = []
        try walk.visit(0..<size) { part in
            if case .hidden(let range) = part { nodes.append(try tree.hash(of: range)) }
        }
        self.init(size: size, shown: shown, nodes: nodes)
    }

    /// The root that the cover and its leaves make; nil if they do not fit together.
    package var root: Hash? {
        guard Self.fit(shown, size) else { return nil }
        if size == 0 { return shown.count == 0 && nodes.isEmpty ? .empty : nil }
        var walk = Walk(shown: shown.subtrees)
        var hidden = nodes[...]
        var stack: [Hash] = []
        do {
            try walk.visit(0..<size) { part in
                switch part {
                case .hidden:
                    guard let node = hidden.popFirst() else { throw LogError(.proof, "a hash is missing") }
                    stack.append(node)
                case .shown(let hash):
                    stack.append(hash)
                case .joint:
                    let right = stack.removeLast()
                    stack.append(.node(stack.removeLast(), right))
                }
            }
        } catch {
            return nil
        }
        return hidden.isEmpty ? stack.first : nil
    }

    private static func fit(_ shown: ShownLeaves, _ size: UInt64) -> Bool {
        shown.isRising && shown.last.map { $0 < size } ?? true
    }
}

extension MerkleCover {
    /// What a walk over the tree meets, children before their joint and left before right.
    private enum Part {
        case hidden(Range<UInt64>)
        case shown(Hash)
        case joint
    }

    private struct Walk {
        let shown: [ShownLeaves.Subtree]
        private var next = 0

        init(shown: [ShownLeaves.Subtree]) {
            self.shown = shown
        }

        /// Visits a subtree that is not empty; at most 64 deep, since each step halves it.
        mutating func visit(_ range: Range<UInt64>, _ take: (Part) throws -> Void) throws {
            guard !range.isEmpty else { return }
            guard next < shown.count, shown[next].first < range.upperBound else {
                return try take(.hidden(range))
            }
            // A complete subtree is met as a whole, since it is one of those that halving comes to.
            if shown[next].leaves == range {
                next += 1
                return try take(.shown(shown[next - 1].hash))
            }
            let middle = range.lowerBound + .split(range.upperBound - range.lowerBound)
            try visit(range.lowerBound..<middle, take)
            try visit(middle..<range.upperBound, take)
            try take(.joint)
        }
    }
}
