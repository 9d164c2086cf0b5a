internal import Errors

/// Where the hashes of complete subtrees come from, for any kind of store.
///
/// Proofs for any tree of `size` leaves or fewer are made from these alone. A store may keep every node, or the leaves'
/// hashes only and compute the rest.
package protocol MerkleNodes {
    /// The number of leaves.
    var size: UInt64 { get }

    /// The hash over the leaves `index << level ..< (index + 1) << level`, all of which exist.
    func hash(level: Int, index: UInt64) throws -> Hash
}

/// A tree in memory with each complete subtree's hash: 64 bytes a leaf.
package struct MerkleTree: MerkleNodes, Sendable {
    /// `levels[0]` are the leaves' hashes, `levels[n + 1]` those of pairs in `levels[n]`.
    private var levels: [[Hash]] = [[]]

    package init() {}

    /// The tree over leaves whose hashes are known.
    package init(hashes: some Sequence<Hash>) {
        for hash in hashes { append(hash: hash) }
    }

    package var size: UInt64 { UInt64(levels[0].count) }

    package func hash(level: Int, index: UInt64) -> Hash {
        levels[level][Int(index)]
    }

    /// Appends a leaf whose hash is known.
    package mutating func append(hash leaf: Hash) {
        var hash = leaf
        var level = 0
        while true {
            levels[level].append(hash)
            let count = levels[level].count
            guard count.isMultiple(of: 2) else { return }
            hash = .node(levels[level][count - 2], hash)
            level += 1
            if level == levels.count { levels.append([]) }
        }
    }

    /// Appends a leaf.
    package mutating func append(_ leaf: some Collection<UInt8>) {
        append(hash: .leaf(leaf))
    }

    /// The same of a leaf in memory.
    package mutating func append(_ leaf: UnsafeBufferPointer<UInt8>) {
        append(hash: .leaf(leaf))
    }
}

extension MerkleNodes {
    /// The root of the tree of the first `size` leaves.
    package func root(size: UInt64) throws -> Hash {
        size == 0 ? .empty : try hash(of: 0..<size)
    }

    /// The frontier of the tree of the first `size` leaves.
    package func frontier(size: UInt64) throws -> MerkleFrontier {
        var peaks: [Hash] = []
        var start: UInt64 = 0
        while start < size {
            let length = UInt64.largestPower(atMost: size - start)
            peaks.append(try hash(of: start..<start + length))
            start += length
        }
        guard let frontier = MerkleFrontier(size: size, peaks: peaks) else {
            throw LogError(.proof, "a tree of \(size) leaves has no frontier")
        }
        return frontier
    }

    /// The hash of a subtree of RFC 6962: one that begins at a multiple of the power of two that holds it.
    package func hash(of range: Range<UInt64>) throws -> Hash {
        let count = range.upperBound - range.lowerBound
        if count.nonzeroBitCount == 1 {
            let level = count.trailingZeroBitCount
            return try hash(level: level, index: range.lowerBound >> UInt64(level))
        }
        let middle = range.lowerBound + .split(count)
        return .node(try hash(of: range.lowerBound..<middle), try hash(of: middle..<range.upperBound))
    }
}

extension UInt64 {
    /// The largest power of two that is not above `value`, which is not 0.
    static func largestPower(atMost value: UInt64) -> UInt64 {
        1 << UInt64(63 - value.leadingZeroBitCount)
    }

    /// The number of leaves on the left of a tree with `count` leaves, at least 2: the largest power of two below it.
    static func split(_ count: UInt64) -> UInt64 {
        largestPower(atMost: count - 1)
    }
}
