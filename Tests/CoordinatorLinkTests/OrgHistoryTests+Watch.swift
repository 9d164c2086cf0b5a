import AgentState
import AuditLog
import Contract
import Errors
import Foundation
import ServiceKit
import StrictJSON
import Testing
import TransparencyLog

@testable import CoordinatorLink

extension OrgHistoryTests {
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
