import AuditLog
import AuditSink
import Contract
import Database
import Foundation
import Kits
import Rights
import StrictJSON
import Testing
import TransparencyLog

@Suite("What administrators have changed")
struct ChangeLogTests {
    private func state(
        _ what: JSONText,
        _ before: String?,
        _ after: String?,
        by who: String = "p-owner",
        at time: Int64 = Sink.noon,
        in sink: Sink
    ) async throws {
        let log = sink.log
        try await sink.database.write { transaction in
            try log.state(
                what,
                before: before.map { StatedText(Array($0.utf8)) },
                after: after.map { StatedText(Array($0.utf8)) },
                by: who,
                at: time,
                in: transaction
            )
        }
    }

    private func changes(_ sink: Sink, _ filter: (inout ChangeLog.Filter) -> Void = { _ in }) async throws
        -> [StatedChange]
    {
        var chosen = ChangeLog.Filter()
        filter(&chosen)
        return try await ChangeLog(database: sink.database, log: sink.log).changes(chosen, .all, for: sink.permit())
            .items
    }

    @Test("Who, what, when, and what was there before and after, newest first")
    func read() async throws {
        let sink = try Sink()
        defer { sink.remove() }
        _ = try await sink.permit() as Permit<Right.ReadRecords>
        try await state("servers/github", nil, #"{"a":1}"#, in: sink)
        try await state("policy", "version: 1\n", "version: 1\nroles: {}\n", at: Sink.noon + 5, in: sink)
        try await state("servers/github", #"{"a":1}"#, nil, by: "coordinator", at: Sink.noon + 9, in: sink)
        let all = try await changes(sink)
        #expect(all.map(\.what) == ["servers/github", "policy", "servers/github"])
        #expect(all.map(\.user) == [nil, "owner@example.com", "owner@example.com"])
        #expect(all[0].json["before"]?["document"]?["a"] == 1 && all[0].json["after"] == .null)
        #expect(all[1].json["after"]?["text"] == "version: 1\nroles: {}\n")
        #expect(all[1].json["time"] == "2026-07-28T00:00:00.000005Z")
        #expect(all[2].after?.digest == Hash.of(Array(#"{"a":1}"#.utf8)).base64URL)
    }

    @Test("They are found by author, by what was changed and by time")
    func filters() async throws {
        let sink = try Sink()
        defer { sink.remove() }
        _ = try await sink.permit() as Permit<Right.ReadRecords>
        let subjects: [JSONText] = ["servers/a", "servers/ab", "servers", "server", "servers0", "servers/a/status"]
        for (index, what) in subjects.enumerated() {
            let who = index % 2 == 0 ? "p-owner" : "coordinator"
            try await state(what, nil, "x", by: who, at: Sink.noon + Int64(index), in: sink)
        }
        func found(_ filter: (inout ChangeLog.Filter) -> Void) async throws -> Set<String> {
            Set(try await changes(sink, filter).map(\.what))
        }
        #expect(try await found { $0.what = "servers" } == ["servers/a", "servers/ab", "servers", "servers/a/status"])
        #expect(try await found { $0.what = "servers/a" } == ["servers/a", "servers/a/status"])
        #expect(try await found { $0.who = "coordinator" } == ["servers/ab", "server", "servers/a/status"])
        #expect(try await found { $0.who = "owner@example.com" } == ["servers/a", "servers", "servers0"])
        #expect(
            try await found { ($0.from, $0.to) = (Int(Sink.noon) + 1, Int(Sink.noon) + 3) } == [
                "servers/ab", "servers",
            ]
        )
    }

    @Test("A text that was changed in the file is not shown for what the log has the digest of")
    func forged() async throws {
        let sink = try Sink()
        defer { sink.remove() }
        try await state("servers/a", nil, "good", in: sink)
        try await sink.database.write { transaction in
            try transaction.execute("UPDATE org_change SET after_text = ?", [.blob(Array("evil".utf8))])
        }
        let change = try #require(try await changes(sink).first)
        #expect(change.after?.digest == Hash.of(Array("good".utf8)).base64URL && change.after?.text == nil)
    }

    @Test("A text that is long is not kept twice, its digest is there")
    func long() async throws {
        let sink = try Sink()
        defer { sink.remove() }
        let long = String(repeating: "x", count: StatedText.longest + 1)
        try await state("policy", nil, long, in: sink)
        let change = try #require(try await changes(sink).first)
        #expect(change.after?.text == nil && change.after?.digest == Hash.of(Array(long.utf8)).base64URL)
    }

    @Test("One comes with its leaf, which its path proves in the signed state beside it")
    func proof() async throws {
        let sink = try Sink()
        defer { sink.remove() }
        for number in 0..<5 { try await state(JSONText("servers/s\(number)"), nil, "x", in: sink) }
        let log = ChangeLog(database: sink.database, log: sink.log)
        let listed = try await changes(sink)
        for change in listed {
            let proven = try await log.change(change.position, for: sink.permit())
            #expect(proven.change == change)
            let note = try Note(parsing: Array(proven.checkpoint.utf8))
            #expect(note.isSigned(name: sink.key.names.audit, key: sink.key.publicKey))
            let state = try Checkpoint(parsing: note.text)
            let path = try proven.leaf.proof.map { try #require(Hash($0)) }
            #expect(
                MerkleProof.isIncluded(
                    .leaf(proven.leaf.leaf),
                    at: UInt64(proven.leaf.index),
                    size: state.size,
                    root: state.root,
                    proof: path
                )
            )
        }
        await #expect(throws: Refused.self) { try await log.change(99, for: sink.permit()) }
    }

    @Test("Changes that an earlier release has stated are found too, by their leaves")
    func earlier() async throws {
        let sink = try Sink()
        defer { sink.remove() }
        try await state("servers/a", "x", "y", at: Sink.noon + 123_456, in: sink)
        let before = try await changes(sink)
        try await sink.database.write { transaction in
            for sql in [
                "DROP TABLE org_change", "DELETE FROM grdb_migrations WHERE identifier = '0016-changes'",
            ] { try transaction.execute(sql) }
        }
        let again = try sink.reopened()
        let after = try #require(try await changes(again).first)
        #expect(after.time == before[0].time && after.what == "servers/a" && after.who == "p-owner")
        #expect(after.after?.digest == before[0].after?.digest && after.after?.text == nil)
    }
}
