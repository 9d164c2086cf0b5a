import AuditLog
import Contract
import Foundation
import ServiceKit
import StrictJSON
import Testing

@testable import CoordinatorLink

@Suite("The organisation's log only grows")
struct OrgHistoryTests {
    /// Coordinators with one key: the second is what the first would show to somebody else.
    private let honest: ModelCoordinator
    private let other: ModelCoordinator

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

    private func head(_ coordinator: ModelCoordinator, _ size: UInt64) throws -> OrgHead {
        try OrgHead(try coordinator.head(size: size), origin: honest.names.audit, key: honest.key.publicKey)
    }

    private func proof(_ coordinator: ModelCoordinator, _ old: UInt64, _ new: UInt64) throws -> [Hash] {
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
    private func restarted(at size: Int, as epoch: Int) throws -> ModelCoordinator {
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

    @Test("A state that the coordinator did not sign as one is none", arguments: 0..<4)
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

    private func watch(_ membership: Membership, _ scratch: Scratch) throws -> OrgWatch {
        try OrgWatch(membership, home: scratch.home)
    }

    @Test("Both sides of a contradiction are kept, and nothing is taken any more, after a restart either")
    func evidence() throws {
        let scratch = try Scratch()
        var coordinator = honest
        let membership = Machine(&coordinator).membership
        try watch(membership, scratch).answered(try honest.head(size: 9), to: nil, proof: [])
        let again = try watch(membership, scratch)
        #expect(again.question() == (try head(honest, 9)))
        #expect(!again.isBroken)
        #expect(OrgEvidence.load(membership, home: scratch.home) == nil)
        let question = again.question()
        #expect(throws: LinkError(.untrusted, "")) {
            try again.answered(try self.other.head(size: 9), to: question, proof: [])
        }
        #expect(again.isBroken)
        let kept = try #require(OrgEvidence.load(membership, home: scratch.home))
        #expect(kept.isContradiction)
        #expect(kept.folder == "\(scratch.home.evidence)/\(membership.agentID)")
        // Signatures may be random: what counts is what is signed.
        #expect(
            try OrgHead(kept.seen, origin: membership.origin, key: membership.coordinatorKey).checkpoint
                == head(honest, 9).checkpoint
        )
        #expect(
            try OrgHead(kept.shown, origin: membership.origin, key: membership.coordinatorKey).checkpoint
                == head(other, 9).checkpoint
        )
        for watch in [again, try watch(membership, scratch)] {
            #expect(throws: LinkError(.untrusted, "")) {
                try watch.answered(try honest.head(size: 12), to: question, proof: try proof(honest, 9, 12))
            }
            #expect(watch.isBroken)
        }
        // A machine that enrols anew begins anew.
        let renewed = Machine(&coordinator).membership
        #expect(try !watch(renewed, scratch).isBroken)
        // A signed restart ends it, for good; both sides are kept.
        let new = try restarted(at: 8, as: 3)
        // A receipt alone does not tell of one.
        let place = try Scratch()
        defer { withExtendedLifetime(place) {} }
        let early = try watch(renewed, place)
        try early.answered(try honest.head(size: 9), to: nil, proof: [])
        #expect(throws: LinkError(.unproven, "")) { try early.claimed(try new.head()) }
        #expect(early.epoch == 0)
        let ended = try watch(membership, scratch)
        let leaf = try ended.answered(try new.head(), to: ended.question(), proof: [], restart: try new.proven(8))
        #expect(leaf?.why == "restored")
        for watch in [ended, try watch(membership, scratch)] {
            #expect(!watch.isBroken)
            #expect(watch.epoch == 3)
            #expect(watch.unreported?.checkpoint.size == 9)
        }
        #expect(OrgEvidence.load(membership, home: scratch.home) == nil)
        let files = try FileManager.default.contentsOfDirectory(atPath: kept.folder).sorted()
        #expect(
            files == [
                "epoch-3-after.note", "epoch-3-before.note", "epoch-3-org-seen.note", "epoch-3-org-shown.note",
                "epoch-3-restart.json", "unreported.note",
            ]
        )
        ended.reported(try #require(ended.unreported))
        #expect(try watch(membership, scratch).unreported == nil)
        #expect(throws: LinkError(.stale, "")) {
            try ended.answered(try honest.head(size: 20), to: ended.question(), proof: [])
        }
    }

    @Test("A state without its proof is shown beside the one before, until a proof comes")
    func unproven() throws {
        let scratch = try Scratch()
        var coordinator = honest
        let membership = Machine(&coordinator).membership
        let first = try watch(membership, scratch)
        try first.answered(try honest.head(size: 9), to: nil, proof: [])
        #expect(throws: LinkError(.untrusted, "")) {
            try first.answered(try honest.head(size: 12), to: first.question(), proof: [])
        }
        #expect(!first.isBroken)
        let kept = try #require(OrgEvidence.load(membership, home: scratch.home))
        #expect(!kept.isContradiction)
        let again = try watch(membership, scratch)
        #expect(throws: LinkError(.stale, "")) {
            try again.answered(try honest.head(size: 5), to: again.question(), proof: [])
        }
        try again.answered(try honest.head(size: 12), to: again.question(), proof: try proof(honest, 9, 12))
        #expect(OrgEvidence.load(membership, home: scratch.home) == nil)
        // A note that is damaged says nothing.
        #expect(throws: LinkError(.unproven, "")) { try again.answered("?", to: again.question(), proof: []) }
    }
}
