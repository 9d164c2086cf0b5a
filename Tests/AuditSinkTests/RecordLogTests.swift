import AuditLog
import AuditSink
import Bytes
import Contract
import Database
import Foundation
import Kits
import Rights
import ServiceKit
import StrictJSON
import Testing
import TransparencyLog

@Suite("Records, looked for and looked at")
struct RecordLogTests {
    private static let second: Int64 = 1_000_000

    private func log(_ sink: Sink) -> RecordLog { RecordLog(database: sink.database, log: sink.log) }

    private func all(_ sink: Sink, _ filter: RecordFilter = RecordFilter(), limit: Int = 200) async throws
        -> [FoundRecord]
    {
        var (records, cursor): ([FoundRecord], RecordCursor?) = ([], nil)
        repeat {
            let page = try await log(sink).find(filter, after: cursor, limit: limit, for: sink.permit())
            #expect(page.records.count <= limit)
            records += page.records
            cursor = page.next
        } while cursor != nil
        return records
    }

    /// Two machines whose uploads overlap in time.
    private func house() async throws -> Sink {
        let sink = try Sink()
        var (ann, bob) = (try await sink.enrol("ann"), try await sink.enrol("bob"))
        for step in 0..<30 {
            let time = Sink.noon + Int64(step) * Self.second
            ann.call("github", tool: step % 2 == 0 ? "echo" : "add", at: time)
            if step % 3 == 0 { bob.refuse("wiki", "forbidden", at: time) }
            if step % 10 == 0 { bob.call("wiki", client: "editor", .timeout, at: time) }
        }
        for old in stride(from: 0, to: ann.size, by: 7) {
            try await sink.store(ann, from: old, to: min(old + 7, ann.size))
        }
        for old in stride(from: 0, to: bob.size, by: 5) {
            try await sink.store(bob, from: old, to: min(old + 5, bob.size))
        }
        return sink
    }

    @Test("They come from the newest on, whosever they are, and page by page each once", arguments: [1, 2, 7, 200])
    func order(limit: Int) async throws {
        let sink = try await house()
        defer { sink.remove() }
        let records = try await all(sink, limit: limit)
        // Each call that has ended, and each refusal.
        #expect(records.count == 30 + 10 + 3)
        #expect(zip(records, records.dropFirst()).allSatisfy { $0.time >= $1.time })
        #expect(Set(records.map { "\($0.agent) \($0.seq)" }).count == records.count)
        #expect(Set(records.map(\.user)) == ["ann@example.com", "bob@example.com"])
    }

    @Test("Filters leave exactly those that fit")
    func filters() async throws {
        let sink = try await house()
        defer { sink.remove() }
        func count(_ change: (inout RecordFilter) -> Void) async throws -> Int {
            var filter = RecordFilter()
            change(&filter)
            return try await all(sink, filter, limit: 4).count
        }
        #expect(try await count { $0.server = "wiki" } == 13)
        #expect(try await count { $0.user = "ann@example.com" } == 30)
        #expect(try await count { $0.item = "add" } == 15)
        #expect(try await count { $0.client = "editor" } == 3)
        #expect(try await count { $0.results = [.denied] } == 10)
        #expect(try await count { $0.results = [.failed] } == 3)
        #expect(try await count { $0.results = [.begun] } == 33)
        #expect(
            try await count {
                $0.from = Sink.noon + 10 * Self.second; $0.to = Sink.noon + 20 * Self.second
            } == 10 + 3 + 1
        )
        #expect(
            try await count {
                $0.server = "wiki"; $0.user = "ann@example.com"
            } == 0
        )
        await #expect(throws: Refused.self) { try await count { $0.user = "nobody@example.com" } }
    }

    @Test("By the id of a call both of its records are found")
    func calls() async throws {
        let sink = try await house()
        defer { sink.remove() }
        let one = try #require(try await all(sink).first { $0.result == .ok })
        var filter = RecordFilter()
        filter.call = try #require(one.record["call"]?.text)
        filter.results = Set(RecordFilter.Result.allCases)
        #expect(try await all(sink, filter).map(\.result) == [.ok, .begun])
    }

    @Test("Lists and what machines say of themselves are found where they are asked for")
    func noise() async throws {
        let sink = try Sink()
        defer { sink.remove() }
        var agent = try await sink.enrol("ann")
        agent.call("github", tool: nil, at: Sink.noon)
        agent.record(.agentStop(why: "asked"), at: Sink.noon)
        try await sink.store(agent)
        #expect(try await all(sink).isEmpty)
        var filter = RecordFilter()
        filter.results = Set(RecordFilter.Result.allCases)
        #expect(Set(try await all(sink, filter).map(\.result)) == [.begun, .request, .machine])
    }

    @Test("A record is proven, each step")
    func proof() async throws {
        let sink = try await house()
        defer { sink.remove() }
        for record in try await all(sink).prefix(10) {
            let proven = try await log(sink).record(record.agent, record.seq, for: sink.permit())
            #expect(proven.holding == Set(ProvenRecord.Step.allCases))
            #expect(proven.found == record)
            #expect(TLogProof(parsing: proven.proof.bytes) == proven.proof)
            #expect(proven.countersignedAt == Int(Sink.noon / Self.second))
        }
        await #expect(throws: Refused.self) { try await log(sink).record("a-nobody", 0, for: sink.permit()) }
        let agent = try #require(try await all(sink).first).agent
        await #expect(throws: Refused.self) { try await log(sink).record(agent, 10_000, for: sink.permit()) }
    }

    @Test("A record that somebody changed in the database is not proven")
    func forged() async throws {
        let sink = try await house()
        defer { sink.remove() }
        let record = try #require(try await all(sink).last { $0.result == .denied })
        try await sink.database.write { transaction in
            let row = try transaction.first(
                "SELECT id, records FROM agent_batch WHERE agent_id = ? AND first <= ? AND next > ?",
                [.text(record.agent), .integer(record.seq), .integer(record.seq)]
            )
            let text = String(decoding: try #require(try row?.blob("records")), as: UTF8.self)
            let forged = text.replacing("\"reason\":\"forbidden\"", with: "\"reason\":\"forbiddem\"")
            #expect(forged != text)
            try transaction.execute(
                "UPDATE agent_batch SET records = ? WHERE id = ?",
                [.blob(Array(forged.utf8)), .integer(try #require(try row?.integer("id")))]
            )
        }
        let proven = try await log(sink).record(record.agent, record.seq, for: sink.permit())
        #expect(!proven.holding.contains(.included))
        #expect(proven.json["not_proven"]?.array == ["included"])
    }

    @Test("A cursor is read as it was written, and nothing else is one")
    func cursors() async throws {
        let sink = try await house()
        defer { sink.remove() }
        let page = try await log(sink).find(RecordFilter(), limit: 3, for: sink.permit())
        let next = try #require(page.next)
        #expect(RecordCursor(next.text) == next)
        for text in ["", "1", "1.2", "x.2.a", "1.y.a", String(repeating: "1", count: 200)] {
            #expect(RecordCursor(text) == nil)
        }
    }
}
