import AuditLog
import Contract
import Errors
import ServiceKit
import StrictJSON
import Testing
import TransparencyLog

@testable import CoordinatorLink

@Suite("The organisation's log only grows")
struct OrgHistoryTests {
    /// Coordinators with one key: the second is what the first would show to another agent.
    let honest: ModelCoordinator
    let other: ModelCoordinator

    init() throws {
        var honest = ModelCoordinator()
        var other = ModelCoordinator(key: honest.key)
        for _ in 0..<20 {
            _ = try honest.append(.keyRevoke(agent: "a", key: SigningKey().publicKey.fingerprint, why: "w"))
            _ = try other.append(.keyRevoke(agent: "a", key: SigningKey().publicKey.fingerprint, why: "w"))
        }
        self.honest = honest
        self.other = other
    }

    func head(_ coordinator: ModelCoordinator, _ size: UInt64) throws -> OrgHead {
        try OrgHead(try coordinator.head(size: size), origin: honest.names.audit, key: honest.key.publicKey)
    }

    func proof(_ coordinator: ModelCoordinator, _ old: UInt64, _ new: UInt64) throws -> [Hash] {
        try MerkleProof.consistency(from: old, to: new, in: coordinator.org)
    }

    @Test("Each state extends the one that was asked about")
    func grows() throws {
        var history = OrgHistory(proven: nil)
        var last: UInt64 = 0
        for size: UInt64 in [1, 1, 2, 7, 8, 20] {
            let question = history.question()
            #expect(question?.checkpoint.size ?? 0 == last)
            try history.answered(try head(honest, size), to: question, proof: try proof(honest, last, size))
            last = size
        }
        #expect(history.proven == (try head(honest, 20)))
    }

    @Test(
        "A smaller state is stale, one without its proof is not taken, another of the same size is a contradiction",
        arguments: 0..<6
    )
    func refused(kind: Int) throws {
        var history = OrgHistory(proven: try head(honest, 9))
        let question = history.question()
        let (shown, proof): (OrgHead, [Hash]) =
            switch kind {
            case 0: (try head(honest, 8), [])
            case 1: (try head(other, 9), [])
            case 2: (try head(other, 15), try proof(other, 9, 15))
            case 3: (try head(honest, 15), [])
            case 4: (try head(other, 8), [])
            default: (try head(honest, 15), try proof(honest, 8, 15))
            }
        let both = OrgContradiction(seen: try head(honest, 9), shown: shown)
        let refusal: OrgRefusal =
            switch kind {
            case 0, 4: .stale(both)
            case 1: .contradiction(both)
            default: .unproven(both)
            }
        #expect(throws: refusal) { try history.answered(shown, to: question, proof: proof) }
        #expect(history.proven == (try head(honest, 9)))
        // The next good one is taken.
        try history.answered(try head(honest, 15), to: history.question(), proof: try self.proof(honest, 9, 15))
        #expect(history.proven == (try head(honest, 15)))
    }

    @Test("An old answer whose proof is that of another question is stale, and the same state once more is no trouble")
    func old() throws {
        var history = OrgHistory(proven: try head(honest, 9))
        try history.claimed(try head(honest, 15))
        #expect(history.question()?.checkpoint.size == 15)
        let question = history.question()
        #expect(question?.checkpoint.size == 9)
        let shown = try head(honest, 12)
        #expect(throws: OrgRefusal.stale(OrgContradiction(seen: try head(honest, 9), shown: shown))) {
            try history.answered(shown, to: question, proof: try proof(honest, 5, 12))
        }
        try history.answered(try head(honest, 9), to: question, proof: try proof(honest, 5, 9))
    }

    /// The honest log, set back to a size and restarted.
    func restarted(at size: Int, as epoch: Int) throws -> ModelCoordinator {
        var coordinator = honest
        coordinator.restore(size: size)
        try coordinator.restart(as: epoch)
        for _ in 0..<3 {
            _ = try coordinator.append(.keyRevoke(agent: "a", key: SigningKey().publicKey.fingerprint, why: "w"))
        }
        return coordinator
    }

    @Test("A restart begins anew, tells what was lost, and no earlier epoch comes back")
    func restart() throws {
        let new = try restarted(at: 12, as: 7)
        var history = OrgHistory(proven: try head(honest, 15))
        let question = history.question()
        let shown = try head(new, 16)
        // Without the leaf that begins it, an epoch is only a name.
        #expect(throws: OrgRefusal.unproven(OrgContradiction(seen: try head(honest, 15), shown: shown))) {
            try history.answered(shown, to: question, proof: try proof(new, 15, 16))
        }
        #expect(throws: OrgRefusal.unproven(OrgContradiction(seen: try head(honest, 15), shown: shown))) {
            try history.claimed(shown)
        }
        let lost = try history.answered(shown, to: question, proof: [], isRestart: true)
        #expect(lost == (try head(honest, 15)))
        #expect(history.epoch == 7)
        for size: UInt64 in [9, 15, 20] {
            let old = try head(honest, size)
            let stale = OrgRefusal.stale(OrgContradiction(seen: shown, shown: old))
            #expect(throws: stale) { try history.claimed(old) }
            #expect(throws: stale) {
                try history.answered(old, to: history.question(), proof: try proof(honest, 15, 20), isRestart: true)
            }
        }
        // What a receipt has shown has to be asked about before it is called lost.
        var waiting = OrgHistory(proven: try head(honest, 5))
        try waiting.claimed(try head(honest, 9))
        _ = waiting.question()
        #expect(throws: OrgRefusal.again) {
            try waiting.answered(shown, to: waiting.question(), proof: try proof(new, 5, 16), isRestart: true)
        }
        waiting.askNewest()
        #expect(waiting.question()?.checkpoint.size == 9)
        let found = waiting.question()
        #expect(try waiting.answered(shown, to: found, proof: try proof(new, 9, 16), isRestart: true) == nil)
        #expect(waiting.question() == shown)
        // What was seen before is the beginning of the new epoch: nothing was lost.
        var lucky = OrgHistory(proven: try head(honest, 9))
        let asked = lucky.question()
        #expect(try lucky.answered(shown, to: asked, proof: try proof(new, 9, 16), isRestart: true) == nil)
        // The same restart once more is no restart.
        #expect(try lucky.answered(shown, to: lucky.question(), proof: [], isRestart: true) == nil)
        #expect(lucky.proven == shown)
    }

    @Test("A restart is one only where its leaf is, in a state of its epoch", arguments: 0..<5)
    func forgedRestart(kind: Int) throws {
        let new = try restarted(at: 12, as: 7)
        let shown = try head(new, 16)
        let good = try new.proven(12)
        #expect(try OrgRestart(good, in: shown).leaf.epoch == 7)
        let later = try restarted(at: 12, as: 8)
        let (leaf, state): (ProvenLeaf, OrgHead) =
            switch kind {
            case 0: (try new.proven(11), shown)
            case 1: (ProvenLeaf(leaf: good.leaf, index: 13, proof: good.proof), shown)
            case 2: (ProvenLeaf(leaf: good.leaf, index: 12, proof: []), shown)
            case 3: (good, try head(later, 16))
            default: (try later.proven(12), shown)
            }
        #expect(throws: (any Error).self) { try OrgRestart(leaf, in: state) }
    }

    @Test("States of receipts are asked about in turn, until both lines meet")
    func receipts() throws {
        var history = OrgHistory(proven: try head(honest, 5))
        try history.claimed(try head(honest, 9))
        try history.claimed(try head(honest, 7))
        #expect(history.claimed == (try head(honest, 9)))
        let first = history.question()
        #expect(first?.checkpoint.size == 9)
        try history.answered(try head(honest, 12), to: first, proof: try proof(honest, 9, 12))
        let second = history.question()
        #expect(second?.checkpoint.size == 5)
        try history.answered(try head(honest, 12), to: second, proof: try proof(honest, 5, 12))
        #expect(history.claimed == nil)
        #expect(history.proven?.checkpoint.size == 12)
        #expect(history.question()?.checkpoint.size == 12)
    }

    @Test("Where nothing is proven yet, a proof for a receipt's state is one to go on from")
    func firstReceipt() throws {
        var history = OrgHistory(proven: nil)
        try history.claimed(try head(honest, 9))
        let question = history.question()
        try history.answered(try head(honest, 12), to: question, proof: try proof(honest, 9, 12))
        #expect(history.proven == (try head(honest, 12)))
        #expect(history.claimed == nil)
    }

    @Test("A receipt from another history is found out as soon as the two are asked about")
    func splitView() throws {
        var history = OrgHistory(proven: try head(honest, 5))
        try history.claimed(try head(other, 9))
        let first = history.question()
        // It goes on with the other history where that is asked about, and with this one where this is.
        try history.answered(try head(other, 12), to: first, proof: try proof(other, 9, 12))
        let second = history.question()
        #expect(throws: OrgRefusal.self) {
            try history.answered(try head(honest, 12), to: second, proof: try proof(honest, 5, 12))
        }
        var same = OrgHistory(proven: try head(honest, 5))
        #expect(throws: OrgRefusal.self) { try same.claimed(try head(other, 5)) }
    }

    @Test("A state that the coordinator did not sign as one is refused", arguments: 0..<4)
    func forged(kind: Int) throws {
        let stranger = ModelCoordinator()
        let checkpoint = Checkpoint(origin: honest.names.audit, size: 3, root: try honest.org.root(size: 3))
        let bundle = try Note.sign(checkpoint.text, name: honest.names.bundle, key: honest.key)
        let elsewhere = Checkpoint(origin: honest.names.agent("a"), size: 3, root: .empty)
        let note: String =
            switch kind {
            case 0: try stranger.head()
            case 1: String(decoding: bundle.bytes, as: UTF8.self)
            case 2: String(decoding: try elsewhere.signed(by: honest.key).bytes, as: UTF8.self)
            default: String(decoding: checkpoint.text, as: UTF8.self)
            }
        #expect(throws: LinkError(.untrusted, "")) {
            try OrgHead(note, origin: honest.names.audit, key: honest.key.publicKey)
        }
    }
}
