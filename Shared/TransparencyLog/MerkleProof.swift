internal import Errors

/// Inclusion and consistency in a Merkle tree (RFC 6962, 2.1.1 and 2.1.2), made and checked.
package enum MerkleProof {
    // MARK: Making

    /// The hashes beside the path from a leaf to the root of the tree of `size` leaves, from below.
    package static func inclusion(of index: UInt64, size: UInt64, in nodes: some MerkleNodes) throws -> [Hash] {
        guard index < size, size <= nodes.size else {
            throw LogError(.proof, "leaf \(index) is not in a tree of \(size) leaves")
        }
        var proof: [Hash] = []
        var range = 0..<size
        while range.count > 1 {
            let middle = range.lowerBound + .split(UInt64(range.count))
            if index < middle {
                proof.append(try nodes.hash(of: middle..<range.upperBound))
                range = range.lowerBound..<middle
            } else {
                proof.append(try nodes.hash(of: range.lowerBound..<middle))
                range = middle..<range.upperBound
            }
        }
        return proof.reversed()
    }

    /// The hashes that show that the tree of `new` leaves begins with the tree of `old` leaves.
    package static func consistency(from old: UInt64, to new: UInt64, in nodes: some MerkleNodes) throws -> [Hash] {
        guard old <= new, new <= nodes.size else {
            throw LogError(.proof, "a tree of \(new) leaves does not extend one of \(old)")
        }
        guard old > 0, old < new else { return [] }
        var proof: [Hash] = []
        var range = 0..<new
        var isWhole = true
        while range.upperBound != old {
            let middle = range.lowerBound + .split(UInt64(range.count))
            if old <= middle {
                proof.append(try nodes.hash(of: middle..<range.upperBound))
                range = range.lowerBound..<middle
            } else {
                proof.append(try nodes.hash(of: range.lowerBound..<middle))
                range = middle..<range.upperBound
                isWhole = false
            }
        }
        if !isWhole { proof.append(try nodes.hash(of: range)) }
        return proof.reversed()
    }

    // MARK: Checking

    /// Whether `proof` shows that the leaf with this hash is at `index` of the tree (RFC 9162, 2.1.3.2).
    package static func isIncluded(_ leaf: Hash, at index: UInt64, size: UInt64, root: Hash, proof: [Hash]) -> Bool {
        guard index < size else { return false }
        var position = index
        var last = size - 1
        var hash = leaf
        for sibling in proof {
            guard last > 0 else { return false }
            if position & 1 == 1 || position == last {
                hash = .node(sibling, hash)
                while position & 1 == 0, position != 0 {
                    position >>= 1
                    last >>= 1
                }
            } else {
                hash = .node(hash, sibling)
            }
            position >>= 1
            last >>= 1
        }
        return last == 0 && hash == root
    }

    /// Whether `proof` shows that the new tree begins with the old one (RFC 9162, 2.1.4.2).
    package static func isConsistent(
        from old: (size: UInt64, root: Hash),
        to new: (size: UInt64, root: Hash),
        proof: [Hash]
    ) -> Bool {
        guard old.size <= new.size else { return false }
        if old.size == 0 { return proof.isEmpty && old.root == .empty }
        if old.size == new.size { return proof.isEmpty && old.root == new.root }
        var path = proof[...]
        if old.size.nonzeroBitCount == 1 { path = [old.root] + path }
        guard let first = path.popFirst() else { return false }
        var position = old.size - 1
        var last = new.size - 1
        while position & 1 == 1 {
            position >>= 1
            last >>= 1
        }
        var oldHash = first
        var newHash = first
        for sibling in path {
            guard last > 0 else { return false }
            if position & 1 == 1 || position == last {
                oldHash = .node(sibling, oldHash)
                newHash = .node(sibling, newHash)
                while position & 1 == 0, position != 0 {
                    position >>= 1
                    last >>= 1
                }
            } else {
                newHash = .node(newHash, sibling)
            }
            position >>= 1
            last >>= 1
        }
        return last == 0 && oldHash == old.root && newHash == new.root
    }
}
