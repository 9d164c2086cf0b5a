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

    @Test("A state that is smaller, another, or not proven is a contradiction", arguments: 0..<5)
    func contradiction(kind: Int) throws {
        var history = OrgHistory(proven: try head(honest, 9))
        let question = history.question()
        let (shown, proof): (OrgHead, [Hash]) =
            switch kind {
            case 0: (try head(honest, 8), [])
            case 1: (try head(other, 9), [])
            case 2: (try head(other, 15), try proof(other, 9, 15))
            case 3: (try head(honest, 15), [])
            default: (try head(honest, 15), try proof(honest, 8, 15))
            }
        #expect(throws: OrgContradiction(seen: try head(honest, 9), shown: shown)) {
            try history.answered(shown, to: question, proof: proof)
        }
        #expect(history.proven == (try head(honest, 9)))
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
        #expect(throws: OrgContradiction.self) {
            try history.answered(try head(honest, 12), to: second, proof: try proof(honest, 5, 12))
        }
        var same = OrgHistory(proven: try head(honest, 5))
        #expect(throws: OrgContradiction.self) { try same.claimed(try head(other, 5)) }
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

    @Test("Both sides of a contradiction are kept, and nothing is taken any more, after a restart either")
    func evidence() throws {
        let scratch = try Scratch()
        var coordinator = honest
        let membership = Machine(&coordinator).membership
        let watch = try OrgWatch(membership, home: scratch.home)
        try watch.answered(try honest.head(size: 9), to: nil, proof: [])
        let again = try OrgWatch(membership, home: scratch.home)
        #expect(again.question() == (try head(honest, 9)))
        #expect(!again.isBroken)
        let question = again.question()
        #expect(throws: LinkError(.untrusted, "")) {
            try again.answered(try other.head(size: 11), to: question, proof: try proof(other, 9, 11))
        }
        #expect(again.isBroken)
        let folder = "\(scratch.home.evidence)/\(membership.agentID)"
        let kept = try ["org-seen.note", "org-shown.note"].map { name in
            try OrgHead(
                String(decoding: FileManager.default.contents(atPath: "\(folder)/\(name)") ?? Data(), as: UTF8.self),
                origin: honest.names.audit,
                key: honest.key.publicKey
            ).checkpoint.size
        }
        #expect(kept == [9, 11])
        #expect(try OrgWatch(membership, home: scratch.home).isBroken)
        // A machine that enrols anew begins anew.
        let renewed = Machine(&coordinator).membership
        #expect(try !OrgWatch(renewed, home: scratch.home).isBroken)
    }
}
