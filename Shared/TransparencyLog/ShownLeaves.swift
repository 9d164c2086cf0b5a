/// The leaves that a cover shows, rising: neighbours are folded into complete subtrees as they come.
///
/// So a stretch of leaves takes two hashes a level, however long it is; a selection takes one for each leaf that has no
/// neighbour in it.
package struct ShownLeaves: Sendable, Equatable {
    /// A complete subtree whose leaves are all shown.
    struct Subtree: Sendable, Equatable {
        let first: UInt64
        let level: UInt64
        let hash: Hash

        var leaves: Range<UInt64> { first..<first + 1 << level }
    }

    private(set) var subtrees: [Subtree] = []
    /// How many leaves are shown.
    package private(set) var count = 0
    /// The last of them.
    package private(set) var last: UInt64?
    /// Whether each came after the one before.
    private(set) var isRising = true

    /// No leaves, so far.
    package init() {}

    /// Adds a leaf, which has to come after those before.
    package mutating func append(_ leaf: UInt64, hash: Hash) {
        guard last.map({ $0 < leaf }) ?? true else {
            isRising = false
            return
        }
        last = leaf
        count += 1
        var next = Subtree(first: leaf, level: 0, hash: hash)
        while let left = subtrees.last, left.level == next.level, left.first + 1 << left.level == next.first,
            left.first.isMultiple(of: 2 << left.level)
        {
            subtrees.removeLast()
            next = Subtree(first: left.first, level: left.level + 1, hash: .node(left.hash, next.hash))
        }
        subtrees.append(next)
    }

    /// Shows nothing again, in the same memory.
    package mutating func removeAll() {
        subtrees.removeAll(keepingCapacity: true)
        count = 0
        last = nil
        isRising = true
    }
}
