import Kits
import StrictJSON
import Testing

@testable import TransparencyLog

@Suite("Merkle tree of RFC 6962")
struct MerkleTests {
    static let leaves = (0..<300).map { Array(String($0).utf8) }
    static let tree = leaves.reduce(into: MerkleTree()) { $0.append($1) }

    @Test("Roots of all sizes to 300 are those of an independent program")
    func roots() throws {
        var frontier = MerkleFrontier()
        for vector in try Vectors.lines("merkle/rfc6962.jsonl") {
            let size = UInt64(try #require(vector["size"]?.int))
            let root = try #require(Hash(try Vectors.hex(vector["root"]?.text)))
            #expect(try Self.tree.root(size: size) == root)
            #expect(frontier.size == size)
            #expect(frontier.root == root)
            #expect(try Self.tree.frontier(size: size) == frontier)
            if size < 300 { frontier.append(Self.leaves[Int(size)]) }
        }
    }

    @Test("The root of Certificate Transparency's own eight test leaves")
    func certificateTransparency() throws {
        let leaves = [
            "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
        ]
        let tree = try leaves.reduce(into: MerkleTree()) { $0.append(try Vectors.hex($1)) }
        let root = try Vectors.hex("5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328")
        #expect(try tree.root(size: 8).bytes == root)
    }

    @Test("Inclusion proofs of every leaf in every size are those of an independent program, and hold")
    func inclusion() throws {
        for vector in try Vectors.lines("merkle/rfc6962.jsonl") {
            let size = UInt64(try #require(vector["size"]?.int))
            let root = try Self.tree.root(size: size)
            var all: [UInt8] = []
            for index in 0..<size {
                let proof = try MerkleProof.inclusion(of: index, size: size, in: Self.tree)
                all += proof.flatMap(\.bytes) + Array(".".utf8)
                let leaf = Hash.leaf(Self.leaves[Int(index)])
                #expect(MerkleProof.isIncluded(leaf, at: index, size: size, root: root, proof: proof))
            }
            #expect(Hash.of(all).bytes == (try Vectors.hex(vector["inclusion"]?.text)))
        }
    }

    @Test("Consistency proofs between all sizes are those of an independent program, and hold")
    func consistency() throws {
        for vector in try Vectors.lines("merkle/rfc6962.jsonl") {
            let size = UInt64(try #require(vector["size"]?.int))
            let new = (size: size, root: try Self.tree.root(size: size))
            var all: [UInt8] = []
            for old in 0...size {
                let proof = try MerkleProof.consistency(from: old, to: size, in: Self.tree)
                if old > 0, old < size { all += proof.flatMap(\.bytes) + Array(".".utf8) }
                let before = (size: old, root: try Self.tree.root(size: old))
                #expect(MerkleProof.isConsistent(from: before, to: new, proof: proof))
            }
            #expect(Hash.of(all).bytes == (try Vectors.hex(vector["consistency"]?.text)))
        }
    }

    @Test("Covers of ranges and selections are those of an independent program, and make the root")
    func covers() throws {
        for vector in try Vectors.lines("merkle/rfc6962.jsonl") {
            let size = try #require(vector["size"]?.int)
            let ranges = stride(from: 0, to: size, by: 7).map { Array($0..<min(size, $0 + 3 * $0 % 11 + 1)) }
            let selections = [2, 3, 7].map { Array(stride(from: $0 - 1, to: size, by: $0)) }
            var all: [UInt8] = []
            for shown in ranges + selections {
                let leaves = Self.shown(shown.map(UInt64.init))
                let cover = try MerkleCover(of: leaves, size: UInt64(size), in: Self.tree)
                all += cover.nodes.flatMap(\.bytes) + Array(".".utf8)
                #expect(cover.root == (try Self.tree.root(size: UInt64(size))))
            }
            #expect(Hash.of(all).bytes == (try Vectors.hex(vector["cover"]?.text)))
        }
    }

    @Test("Inclusion is refused with a wrong side, size, index or leaf, or a proof too long or too short")
    func falseInclusion() throws {
        for size: UInt64 in [1, 2, 3, 6, 7, 8, 33, 64, 65] {
            let root = try Self.tree.root(size: size)
            for index in 0..<size {
                let leaf = Hash.leaf(Self.leaves[Int(index)])
                let proof = try MerkleProof.inclusion(of: index, size: size, in: Self.tree)
                func holds(_ leaf: Hash, _ index: UInt64, _ size: UInt64, _ proof: [Hash]) -> Bool {
                    MerkleProof.isIncluded(leaf, at: index, size: size, root: root, proof: proof)
                }
                #expect(!holds(leaf, index, size, proof + [root]))
                #expect(!holds(leaf, size, size, proof))
                #expect(!holds(leaf, index, 0, proof))
                #expect(!holds(.leaf([1]), index, size, proof))
                for other in 0..<size where other != index { #expect(!holds(leaf, other, size, proof)) }
                guard !proof.isEmpty else { continue }
                #expect(!holds(leaf, index, size, Array(proof.dropLast())))
                #expect(!holds(leaf, index, size, Array(proof.dropFirst())))
                var swapped = proof
                swapped.swapAt(0, proof.count - 1)
                #expect(holds(leaf, index, size, swapped) == (swapped == proof))
            }
        }
    }

    @Test("Consistency is refused for another past, and with a proof too long or too short")
    func falseConsistency() throws {
        for (old, new) in [(1, 2), (2, 3), (3, 7), (4, 7), (6, 8), (7, 64), (33, 65)] as [(UInt64, UInt64)] {
            let proof = try MerkleProof.consistency(from: old, to: new, in: Self.tree)
            let before = (size: old, root: try Self.tree.root(size: old))
            let after = (size: new, root: try Self.tree.root(size: new))
            #expect(!MerkleProof.isConsistent(from: (old, .empty), to: after, proof: proof))
            #expect(!MerkleProof.isConsistent(from: before, to: (new, .empty), proof: proof))
            #expect(!MerkleProof.isConsistent(from: before, to: after, proof: proof + [after.root]))
            #expect(!MerkleProof.isConsistent(from: before, to: after, proof: Array(proof.dropLast())))
            #expect(!MerkleProof.isConsistent(from: after, to: before, proof: proof))
        }
        let root = try Self.tree.root(size: 5)
        #expect(!MerkleProof.isConsistent(from: (0, root), to: (5, root), proof: []))
        #expect(!MerkleProof.isConsistent(from: (5, .empty), to: (5, root), proof: []))
    }

    @Test("A cover makes no root with a hash too many or too few, or leaves out of order")
    func falseCover() throws {
        let cover = try MerkleCover(of: Self.shown([3, 4, 9]), size: 13, in: Self.tree)
        func root(_ leaves: [UInt64], _ nodes: [Hash]) -> Hash? {
            MerkleCover(size: 13, shown: Self.shown(leaves), nodes: nodes).root
        }
        let right = try Self.tree.root(size: 13)
        #expect(root([3, 4, 9], cover.nodes) == right)
        #expect(root([3, 4, 9], cover.nodes + [.empty]) == nil)
        #expect(root([3, 4, 9], Array(cover.nodes.dropLast())) == nil)
        #expect(root([4, 3, 9], cover.nodes) == nil)
        #expect(root([3, 3, 9], cover.nodes) == nil)
        #expect(root([3, 4, 13], cover.nodes) == nil)
        #expect(root([3, 4], cover.nodes) != right)
        #expect(root([], []) == nil)
        for leaves in [[4, 3], [3, 3], [13]] as [[UInt64]] {
            #expect(throws: LogError.self) { try MerkleCover(of: Self.shown(leaves), size: 13, in: Self.tree) }
        }
    }

    @Test("Leaves that are neighbours are folded, so a stretch of any length takes two hashes a level at most")
    func folding() throws {
        for size in 1...UInt64(Self.leaves.count) {
            for first in [0, 1, 5, 31] as [UInt64] where first < size {
                let shown = Self.shown(Array(first..<size))
                #expect(shown.count == Int(size - first) && shown.last == size - 1)
                #expect(shown.subtrees.count <= 2 * (64 - (size - first).leadingZeroBitCount))
                for subtree in shown.subtrees { #expect(subtree.hash == (try Self.tree.hash(of: subtree.leaves))) }
                #expect(shown.subtrees.map { $0.leaves.count }.reduce(0, +) == shown.count)
            }
        }
        var long = ShownLeaves()
        for leaf in 3..<100_003 as Range<UInt64> { long.append(leaf, hash: .empty) }
        #expect(long.count == 100_000 && long.subtrees.count < 34)
    }

    /// These leaves of the tests' tree.
    private static func shown(_ numbers: [UInt64]) -> ShownLeaves {
        numbers.reduce(into: ShownLeaves()) { shown, number in
            shown.append(number, hash: .leaf(leaves[min(Int(number), leaves.count - 1)]))
        }
    }

    @Test("A frontier goes on where it was kept, and wants as many peaks as its size")
    func frontier() throws {
        let kept = try Self.tree.frontier(size: 13)
        var frontier = try #require(MerkleFrontier(size: kept.size, peaks: kept.peaks))
        frontier.append(Self.leaves[13])
        #expect(frontier.root == (try Self.tree.root(size: 14)))
        #expect(MerkleFrontier(size: 13, peaks: Array(kept.peaks.dropLast())) == nil)
        #expect(MerkleFrontier(size: 0, peaks: [.empty]) == nil)
    }
}
