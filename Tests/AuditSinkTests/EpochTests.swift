import AuditLog
import AuditReport
import AuditSink
import Bytes
import Contract
import Database
import Errors
import Kits
import StrictJSON
import Testing
import TransparencyLog

@Suite("A log that was restarted")
struct EpochTests {
    private func restart(
        _ sink: Sink,
        known: Checkpoint? = nil,
        at time: Int64 = Sink.noon
    ) async throws -> OrgLeaf.LogRestart {
        try await sink.database.write { [log = sink.log] transaction in
            try log.check(in: transaction)
            return try log.restart(known: known, who: "uid:0", why: "a test", at: time, in: transaction)
        }
    }

    private func head(_ sink: Sink) async throws -> Checkpoint {
        let note = try await sink.database.read { [log = sink.log] view in
            try log.check(in: view)
            return try log.head(in: view).note
        }
        return try #require(sink.log.state(note: note))
    }

    @Test("It goes on under a new name from what it holds, and is the same after a start")
    func goesOn() async throws {
        var sink = try Sink()
        defer { sink.remove() }
        for name in ["ann", "bob", "cat"] { _ = try await sink.enrol(name) }
        let before = try await head(sink)
        let leaf = try await restart(sink)
        #expect(leaf.base == before && leaf.known == before)
        #expect(leaf.epoch == Int(Sink.noon / 1_000_000))
        sink = try sink.reopened()
        _ = try await sink.enrol("dan")
        let after = try await head(sink)
        #expect(after.origin == "audit.example.com/audit/epoch-\(leaf.epoch)")
        #expect(after.size == 5)
        let (proof, restart) = try await sink.database.read { [log = sink.log] view in
            (try log.consistency(from: 3, in: view), try log.restart(in: view))
        }
        let hashes = try #require(proof).compactMap { Hash($0) }
        #expect(MerkleProof.isConsistent(from: (3, before.root), to: (5, after.root), proof: hashes))
        #expect(try isProven(#require(restart), in: after))
        #expect(restart?.index == 3)
        // A head that says another epoch is not of this log.
        try await sink.database.write { try $0.execute("UPDATE org_head SET epoch = 0") }
        await #expect(throws: AuditSinkError(.foreign, "", next: "")) { _ = try await head(sink) }
    }

    @Test("Epochs rise, whatever a backup has forgotten and however the clock goes")
    func rises() async throws {
        let sink = try Sink()
        defer { sink.remove() }
        _ = try await sink.enrol("ann")
        let first = try await restart(sink)
        #expect(try await restart(sink).epoch == first.epoch + 1)
        #expect(try await restart(sink, at: 0).epoch == first.epoch + 2)
        let names = sink.key.names
        let known = Checkpoint(origin: names.audit(epoch: first.epoch + 50), size: 99, root: .of([1]))
        let next = try await restart(sink, known: known)
        #expect(next.epoch == first.epoch + 51)
        #expect(next.known == known)
        #expect(try await restart(sink, at: Sink.noon + 90_000_000).epoch == first.epoch + 90)
        #expect(try await head(sink).size == 6)
    }

    @Test("Only what the coordinator signed as a state of its log is one")
    func states() async throws {
        let sink = try Sink()
        defer { sink.remove() }
        let (key, names) = (sink.key.signing, sink.key.names)
        func note(_ origin: String, by signer: SigningKey) throws -> [UInt8] {
            try Checkpoint(origin: origin, size: 1, root: .of([1])).signed(by: signer).bytes
        }
        #expect(sink.log.state(note: try note(names.audit, by: key))?.size == 1)
        #expect(sink.log.state(note: try note(names.audit(epoch: 7), by: key))?.size == 1)
        for origin in [
            names.agent("a-1"), "\(names.audit)/epoch-0", "\(names.audit)/epoch-07", "\(names.audit)/epoch--1",
            "\(names.audit)/epoch-9007199254740992", "\(names.audit)/epoch-", "other.example.com/audit",
        ] {
            #expect(sink.log.state(note: try note(origin, by: key)) == nil, "\(origin)")
        }
        #expect(sink.log.state(note: try note(names.audit, by: SigningKey())) == nil)
        #expect(sink.log.state(note: Array("nonsense".utf8)) == nil)
    }

    @Test("Uploads and reports go on, and a report says what is not proven")
    func reports() async throws {
        let sink = try Sink()
        defer { sink.remove() }
        var agent = try await sink.enrol("ann")
        agent.record(10)
        try await sink.store(agent)
        let old = try await head(sink)
        let known = Checkpoint(origin: old.origin, size: old.size + 4, root: .of([9]))
        let leaf = try await restart(sink, known: known)
        agent.record(10)
        let receipt = try await sink.intake.take(try agent.upload(from: 10, to: 20), from: agent.id)
        #expect(try isProven(receipt.leaf, in: #require(sink.log.state(note: receipt.orgCheckpoint.utf8))))

        let choice = ReportChoice(from: UTCTime(seconds: 0), to: UTCTime(seconds: 253_402_300_799))
        let report = try await sink.reports.make(choice, for: sink.permit())
        var files: [String: [UInt8]] = [:]
        for file in report.files { files[file.path] = try file.read(at: 0, file.size) }
        #expect(files["epochs/\(leaf.epoch).tlog-proof"] != nil)
        let fingerprint = sink.key.publicKey.fingerprint
        let verdict = ReportVerifier.verify(ReportInMemory(files), signedBy: fingerprint)
        #expect(verdict.isOK, "\(String(describing: verdict.failure))")
        #expect(verdict.records == 20)
        #expect(verdict.proven.contains { $0.contains("epoch-\(leaf.epoch)") && $0.contains("a test") })
        #expect(verdict.notProven.contains { $0.contains("\(known.size) leaves are known") })
        files["epochs/\(leaf.epoch).tlog-proof"] = nil
        #expect(ReportVerifier.verify(ReportInMemory(files), signedBy: fingerprint).failure != nil)
    }
}
