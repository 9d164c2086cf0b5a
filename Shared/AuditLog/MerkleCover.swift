/// A proof of many leaves of one tree at once.
///
/// It holds the hashes of the largest subtrees without any of the leaves, from left to right. With the leaves' own
/// hashes they make the root, and in one way only. A range of leaves needs two hashes a level, a selection more; one
/// way to check serves both.
package struct MerkleCover: Sendable, Equatable {
    /// The number of leaves of the tree.
    package let size: UInt64
    /// The indices of the leaves that are shown, rising.
    package let leaves: [UInt64]
    /// The hashes of what is not shown, from left to right.
    package let nodes: [Hash]

    package init(size: UInt64, leaves: [UInt64], nodes: [Hash]) {
        self.size = size
        self.leaves = leaves
        self.nodes = nodes
    }

    /// The cover of these leaves, given rising, in the tree of the first `size` leaves.
    package init(of leaves: [UInt64], size: UInt64, in tree: some MerkleNodes) throws {
        guard size <= tree.size, Self.isRising(leaves), leaves.last ?? 0 < max(size, 1) else {
            throw AuditLogError(.proof, "these are not leaves of a tree of \(size)")
        }
        var walk = Walk(leaves: leaves)
        var nodes: [Hash] = []
        try walk.visit(0..<size) { part in
            if case .hidden(let range) = part { nodes.append(try tree.hash(of: range)) }
        }
        self.init(size: size, leaves: leaves, nodes: nodes)
    }

    /// The root that the cover and the hashes of its leaves make; nil if the cover does not fit together.
    package func root(hashes: [Hash]) -> Hash? {
        guard hashes.count == leaves.count, Self.isRising(leaves), leaves.last ?? 0 < max(size, 1) else { return nil }
        if size == 0 { return leaves.isEmpty && nodes.isEmpty ? .empty : nil }
        var walk = Walk(leaves: leaves)
        var hidden = nodes[...]
        var shown = hashes[...]
        var stack: [Hash] = []
        do {
            try walk.visit(0..<size) { part in
                switch part {
                case .hidden:
                    guard let node = hidden.popFirst() else { throw AuditLogError(.proof, "a hash is missing") }
                    stack.append(node)
                case .shown:
                    stack.append(shown.removeFirst())
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

    private static func isRising(_ leaves: [UInt64]) -> Bool {
        zip(leaves, leaves.dropFirst()).allSatisfy { $0 < $1 }
    }
}

extension MerkleCover {
    /// What a walk over the tree meets, children before their joint and left before right.
    private enum Part {
        case hidden(Range<UInt64>)
        case shown
        case joint
    }

    private struct Walk {
        let leaves: [UInt64]
        private var next = 0

        init(leaves: [UInt64]) {
            self.leaves = leaves
        }

        /// Visits a subtree that is not empty; at most 64 deep, since each step halves it.
        mutating func visit(_ range: Range<UInt64>, _ take: (Part) throws -> Void) throws {
            guard !range.isEmpty else { return }
            guard next < leaves.count, leaves[next] < range.upperBound else {
                return try take(.hidden(range))
            }
            let count = range.upperBound - range.lowerBound
            if count == 1 {
                next += 1
                return try take(.shown)
            }
            let middle = range.lowerBound + .split(count)
            try visit(range.lowerBound..<middle, take)
            try visit(middle..<range.upperBound, take)
            try take(.joint)
        }
    }
}
