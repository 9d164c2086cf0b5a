import AuditLog
import AuditReport
import Bytes
import Contract
import Database
import Foundation
import Kits
import ServiceKit
import StrictJSON
import Synchronization
import Testing
import TransparencyLog

@testable import AuditSink

@Suite("Removing the records of a machine that is shut out")
struct RemovalTests {
    private static let all = choice()

    private static func choice(user: String? = nil, server: String? = nil) -> ReportChoice {
        ReportChoice(from: UTCTime(seconds: 0), to: UTCTime(seconds: 253_402_300_799), user: user, server: server)
    }

    private func removal(_ sink: Sink) -> LogRemoval {
        LogRemoval(
            database: sink.database,
            log: sink.log,
            clock: MachineClock(wall: { Sink.noon }, boot: { 0 })
        )
    }

    private func revoke(_ agent: SinkAgent, _ sink: Sink) async throws {
        let id = agent.id
        try await sink.database.write { transaction in
            try transaction.execute(
                "UPDATE agent SET revoked_at = 1, revoked_why = 'revoked' WHERE agent_id = ?",
                [.text(id)]
            )
        }
    }

    private func code(_ body: () async throws -> Void) async -> String? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? Refused)?.code ?? "\(error)"
        }
    }

    private func verdict(_ choice: ReportChoice, _ sink: Sink) async throws -> ReportVerdict {
        let report = try await sink.reports.make(choice, for: sink.permit())
        var files: [String: [UInt8]] = [:]
        for file in report.files {
            var bytes: [UInt8] = []
            while bytes.count < file.size { bytes += try file.read(at: bytes.count, 1 << 20) }
            files[file.path] = bytes
        }
        return ReportVerifier.verify(ReportInMemory(files), signedBy: sink.key.publicKey.fingerprint)
    }

    @Test("Records go, proofs stay, and every report of that time says whose, up to where and by whom")
    func removed() async throws {
        let sink = try Sink()
        defer { sink.remove() }
        var (bad, good) = (try await sink.enrol("bad"), try await sink.enrol("good"))
        bad.record(700)
        good.record(10)
        for old in stride(from: 0, to: 700, by: 100) { try await sink.store(bad, from: old, to: old + 100) }
        try await sink.store(good)
        let before = try await verdict(Self.all, sink)
        #expect(before.isOK && before.records == 710)

        let removal = removal(sink)
        #expect(await code { _ = try await removal.remove(bad.id, by: sink.permit()) } == "log_in_use")
        #expect(await code { _ = try await removal.remove("nobody", by: sink.permit()) } == "unknown_agent")
        try await revoke(bad, sink)
        let outcome = try await removal.remove(bad.id, by: sink.permit())
        #expect(outcome.below == 700)
        #expect(outcome.bytes == bad.records.reduce(0) { $0 + $1.count + 1 })
        #expect(try await removal.remove(bad.id, by: sink.permit("another")) == outcome)
        let position = try await sink.database.read { view in
            try sink.log.positions(kind: "admin.change", subject: "p-owner", in: view)
        }
        #expect(position.count == 1)

        // From the answer on, and not only once the bytes are gone.
        try await check(bad, sink)
        while try await removal.sweep() {}
        try await check(bad, sink)
        #expect(try await sink.records(of: bad).isEmpty)
        #expect(try await sink.records(of: good) == good.records)
        #expect(try await sink.count("agent_batch") == 8)
        #expect(try await sink.count("search_time") == 1)
        let stored = try await sink.database.read { [id = bad.id] view in try StoredLog.find(id, in: view) }
        #expect(stored?.bytes == 7 * UploadLimits.around)
        #expect(stored?.size == 700)
        try await sink.database.read { view in try sink.log.check(in: view) }
    }

    private func check(_ bad: SinkAgent, _ sink: Sink) async throws {
        let all = try await verdict(Self.all, sink)
        #expect(all.isOK && all.records == 10, "\(String(describing: all.failure))")
        let words = all.notProven.filter { $0.contains(bad.id) }
        #expect(words.count == 1)
        #expect(words.first?.contains("below number 700: p-owner removed") == true)
        let good = try await verdict(Self.choice(user: "good@example.com"), sink)
        #expect(good.records == 10 && good.notProven.contains { $0.contains(bad.id) } == false)
        let none = try await verdict(Self.choice(user: "bad@example.com"), sink)
        #expect(none.isOK && none.records == 0)
        #expect(none.notProven.contains { $0.contains(bad.id) })
    }

    @Test("They can be copied before, piece by piece, and not after")
    func copying() async throws {
        let sink = try Sink()
        defer { sink.remove() }
        var agent = try await sink.enrol("bad")
        agent.record(30)
        try await sink.store(agent, to: 20)
        try await sink.store(agent, from: 20)
        let removal = removal(sink)
        let lines = agent.records.flatMap { $0 + [UInt8(ascii: "\n")] }
        let whole = try await removal.records(agent.id, from: 0, for: sink.permit())
        #expect(whole.records == lines && whole.next == 30)
        #expect(
            try await removal.records(agent.id, from: 25, for: sink.permit()).records
                == agent.records[25...].flatMap { $0 + [10] }
        )
        let end = try await removal.records(agent.id, from: 30, for: sink.permit())
        #expect(end.records.isEmpty && end.next == 30)
        try await revoke(agent, sink)
        _ = try await removal.remove(agent.id, by: sink.permit())
        #expect(
            await code { _ = try await removal.records(agent.id, from: 0, for: sink.permit()) } == "records_removed"
        )
    }

    @Test("A report with a removal of another agent's, or none, in its place is refused")
    func forged() async throws {
        let sink = try Sink()
        defer { sink.remove() }
        var agent = try await sink.enrol("bad")
        agent.record(3)
        try await sink.store(agent)
        try await revoke(agent, sink)
        _ = try await removal(sink).remove(agent.id, by: sink.permit())
        let position = try await sink.database.read { view in
            try sink.log.positions(kind: "admin.change", subject: "p-owner", in: view)[0]
        }
        let leaf = try await sink.database.read { view in try OrgLog.leaf(at: position, in: view) }
        let parsed = try OrgLeaf(parsing: leaf)
        #expect(RecordRemoval(parsed, agent: agent.id)?.below == 3)
        #expect(RecordRemoval(parsed, agent: agent.id + "a") == nil)
        let enrolled = try await sink.database.read { view in try OrgLog.leaf(at: 0, in: view) }
        #expect(RecordRemoval(try OrgLeaf(parsing: enrolled), agent: agent.id) == nil)
    }

    @Test("A batch about more servers than are listed is found by each of them")
    func manyServers() async throws {
        let sink = try Sink()
        defer { sink.remove() }
        var agent = try await sink.enrol("bad")
        for number in 0..<100 { agent.deny(server: "s\(number)") }
        try await sink.store(agent)
        #expect(try await sink.count("search_server") == 1)
        #expect(try await verdict(Self.choice(server: "s42"), sink).records == 1)
    }
}

@Suite("What one machine may upload")
struct UploadLimitTests {
    private final class Time: Sendable {
        let nanoseconds = Mutex<Int64>(0)
    }

    private func problem(_ body: () async throws -> Void) async -> Refused? {
        do {
            try await body()
            return nil
        } catch { return error as? Refused }
    }

    @Test("A machine that is too fast is told when to come again, and then is taken; others are not held up")
    func pace() {
        let pace = UploadPace(bytesPerMinute: 60 << 20)
        let second: Int64 = 1_000_000_000
        func take(_ agent: String, _ now: Int64) -> Int? {
            if case .later(let seconds) = pace.enter(agent, bytes: (4 << 20) - UploadLimits.around, now: now) {
                return seconds
            }
            return nil
        }
        for _ in 0..<15 { #expect(take("a", 0) == nil) }
        #expect(take("a", 0) == 4)
        #expect(take("b", 0) == nil)
        #expect(take("a", 3 * second) == 1)
        #expect(take("a", 4 * second) == nil)
        #expect(take("a", 4 * second) == 4)
        // As fast as the pace is what a machine that never stops gets.
        var taken = 0
        for step in 4..<64 where take("a", Int64(step) * second) == nil { taken += 1 }
        #expect((14...15).contains(taken))
    }

    @Test("Only a few uploads of one machine are worked on at a time")
    func atOnce() {
        let pace = UploadPace(bytesPerMinute: 60 << 20)
        var turns: [UploadPace.Turn] = []
        for _ in 0..<4 {
            if case .turn(let turn) = pace.enter("a", bytes: 1, now: 0) { turns.append(turn) }
        }
        #expect(turns.count == 4)
        guard case .later(1) = pace.enter("a", bytes: 1, now: 0) else {
            Issue.record("a fifth was let in")
            return
        }
        turns.removeLast()
        guard case .turn = pace.enter("a", bytes: 1, now: 0) else {
            Issue.record("its turn was not given back")
            return
        }
    }

    @Test("More than its quota is not stored of a machine; what is stored is still answered")
    func quota() async throws {
        let sink = try Sink()
        defer { sink.remove() }
        let limits = UploadLimits(bytesPerMinute: 1 << 30, storedBytes: 20_000)
        let intake = AgentLogIntake(
            database: sink.database,
            log: sink.log,
            clock: MachineClock(wall: { Sink.noon }, boot: { 0 }),
            limits: limits
        )
        var agent = try await sink.enrol("a")
        agent.record(100)
        _ = try await intake.take(try agent.upload(from: 0, to: 20), from: agent.id)
        let refused = await problem { _ = try await intake.take(try agent.upload(from: 20), from: agent.id) }
        #expect(refused?.code == "upload_quota")
        #expect(refused?.members["retry_after"]?.int ?? 0 > 0)
        #expect(try await intake.take(try agent.upload(from: 0, to: 20), from: agent.id).size == 20)
        // One that is small enough still fits.
        #expect(try await intake.take(try agent.upload(from: 20, to: 22), from: agent.id).size == 22)
    }
}
