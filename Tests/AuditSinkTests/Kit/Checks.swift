import AuditLog
import AuditSink
import Contract
import Kits
import StrictJSON
import Testing
import TransparencyLog

/// The checkpoint of a note of the organisation's log, whose signature is checked.
func verified(_ note: String, _ key: CoordinatorKey) throws -> Checkpoint {
    let note = try Note(parsing: Array(note.utf8))
    #expect(note.isSigned(name: key.names.audit, key: key.publicKey))
    return try Checkpoint(parsing: note.text)
}

/// Whether the proof of a leaf leads to the checkpoint.
func isProven(_ leaf: ProvenLeaf, in checkpoint: Checkpoint) -> Bool {
    MerkleProof.isIncluded(
        .leaf(leaf.leaf),
        at: UInt64(leaf.index),
        size: checkpoint.size,
        root: checkpoint.root,
        proof: leaf.proof.compactMap { Hash($0) }
    )
}

/// Checks all that an agent checks of a receipt, and returns the organisation's checkpoint.
@discardableResult
func verify(_ receipt: LogReceipt, of agent: SinkAgent, _ key: CoordinatorKey) throws -> Checkpoint {
    let own = try agent.checkpoint(receipt.size)
    let line = try #require(Note.Signature(line: Array(receipt.cosignature.utf8)))
    let note = try own.signed(by: agent.key).adding(line)
    #expect(note.cosignatureTime(name: key.names.audit, key: key.publicKey) == UInt64(Sink.noon / 1_000_000))
    let org = try verified(receipt.orgCheckpoint, key)
    #expect(isProven(receipt.leaf, in: org))
    #expect(try OrgLeaf(parsing: receipt.leaf.leaf).body == .agentCheckpoint(own))
    return org
}

/// SplitMix64: the same numbers for the same seed.
struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: Int) {
        state = UInt64(seed)
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }

    /// True in so many of a hundred cases.
    mutating func chance(_ percent: Int) -> Bool {
        Int.random(in: 0..<100, using: &self) < percent
    }
}
