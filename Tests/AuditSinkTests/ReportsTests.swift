import AuditLog
import AuditReport
import AuditSink
import Bytes
import Contract
import Database
import Errors
import Foundation
import Kits
import Rights
import ServiceKit
import StrictJSON
import Testing
import TransparencyLog

@Suite("Reports out of the database")
struct ReportsTests {
    private static let all = ReportChoice(from: UTCTime(seconds: 0), to: UTCTime(seconds: 253_402_300_799))

    /// Seconds after the tests' clock began.
    private func moment(_ seconds: Int) -> UTCTime {
        UTCTime(microseconds: Int(Sink.noon) + seconds * 1_000_000)
    }

    private func files(_ report: Report) throws -> [String: [UInt8]] {
        var files: [String: [UInt8]] = [:]
        for file in report.files {
            var bytes: [UInt8] = []
            while bytes.count < file.size { bytes += try file.read(at: bytes.count, 1000) }
            files[file.path] = bytes
        }
        return files
    }

    private func lines(_ files: [String: [UInt8]]) -> [[UInt8]] {
        (files["records.jsonl"] ?? []).split(separator: 10).map(Array.init)
    }

    /// Makes a report, has it verified, and returns its records.
    private func verified(_ choice: ReportChoice, _ sink: Sink) async throws -> [[UInt8]] {
        let report = try await sink.reports.make(choice, for: sink.permit())
        let files = try files(report)
        let verdict = ReportVerifier.verify(ReportInMemory(files), signedBy: sink.key.publicKey.fingerprint)
        #expect(verdict.failure == nil)
        #expect(verdict.isOK)
        let lines = lines(files)
        #expect(verdict.records == lines.count && report.count == lines.count)
        return lines
    }

    @Test("A report of everything has everything and verifies")
    func everything() async throws {
        let sink = try Sink()
        defer { sink.remove() }
        #expect(try await verified(Self.all, sink).isEmpty)
        var agents: [SinkAgent] = []
        for (name, count) in [("ann", 3), ("bob", 700), ("cat", 256), ("dan", 1), ("eve", 0)] {
            var agent = try await sink.enrol(name)
            agent.record(count)
            for old in stride(from: 0, to: count, by: 100) {
                try await sink.store(agent, from: old, to: min(old + 100, count))
            }
            agents.append(agent)
        }
        let expected = agents.sorted { $0.id < $1.id }.flatMap(\.records)
        #expect(try await verified(Self.all, sink) == expected)
        let left = try FileManager.default.contentsOfDirectory(atPath: sink.folder.path)
        #expect(!left.contains { $0.hasPrefix("report") })
    }

    @Test("A changed byte of a report from the database is found")
    func changed() async throws {
        let sink = try Sink()
        defer { sink.remove() }
        var agent = try await sink.enrol("ann")
        agent.record(20)
        try await sink.store(agent)
        let good = try files(try await sink.reports.make(Self.all, for: sink.permit()))
        for (path, bytes) in good {
            var files = good
            files[path]?[bytes.count / 2] ^= 1
            let verdict = ReportVerifier.verify(ReportInMemory(files), signedBy: sink.key.publicKey.fingerprint)
            #expect(!verdict.isOK, "\(path)")
        }
    }

    @Test("Numbers are contiguous from the first to the last record within the time, whatever the clock did")
    func clocks() async throws {
        let sink = try Sink()
        defer { sink.remove() }
        var agent = try await sink.enrol("ann")
        // Seconds: the clock jumps forward, back, and forward again.
        let times = [0, 1, 2, 500, 501, 3, 4, 100, 101, 5, 900, 6]
        for seconds in times {
            agent.record(.agentStop(why: "stopped"), at: Sink.noon + Int64(seconds) * 1_000_000)
        }
        for old in stride(from: 0, to: 12, by: 3) { try await sink.store(agent, from: old, to: old + 3) }
        for from in [0, 2, 3, 6, 100, 102, 501, 950] {
            for to in [from, from + 1, 5, 101, 502, 1000] where to >= from {
                let inside = times.indices.filter { (from..<to).contains(times[$0]) }
                let expected = inside.isEmpty ? [] : Array(agent.records[inside[0]...inside[inside.count - 1]])
                let choice = ReportChoice(from: moment(from), to: moment(to))
                #expect(try await verified(choice, sink) == expected, "\(from) ..< \(to)")
            }
        }
    }

    @Test("A selection by person or server has what is theirs")
    func selections() async throws {
        let sink = try Sink()
        defer { sink.remove() }
        var agents: [SinkAgent] = []
        for name in ["ann", "bob"] {
            var agent = try await sink.enrol(name)
            for number in 0..<60 {
                let wall = Sink.noon + Int64(number) * 1_000_000
                switch number % 3 {
                case 0: agent.deny(server: "files", at: wall)
                case 1: agent.deny(server: "mail", at: wall)
                default: agent.record()
                }
            }
            for old in stride(from: 0, to: 60, by: 7) { try await sink.store(agent, from: old, to: min(old + 7, 60)) }
            agents.append(agent)
        }
        let ordered = agents.sorted { $0.id < $1.id }
        let (from, to) = (moment(10), moment(40))
        let files = try await verified(ReportChoice(from: from, to: to, server: "files"), sink)
        #expect(files == ordered.flatMap { agent in stride(from: 12, to: 40, by: 3).map { agent.records[$0] } })
        let ann = try await verified(ReportChoice(from: from, to: to, user: "ann@example.com"), sink)
        #expect(ann == Array(agents[0].records[10..<40]))
        let both = ReportChoice(from: from, to: to, user: "bob@example.com", server: "mail")
        #expect(try await verified(both, sink) == stride(from: 10, to: 40, by: 3).map { agents[1].records[$0] })
        // One that was there, or is, has an empty report; of one that never was that is said.
        let nobodys = ReportChoice(from: from, to: to, server: "none")
        do {
            _ = try await sink.reports.make(nobodys, for: sink.permit())
            Issue.record("a report of a server that never was")
        } catch let problem as Refused {
            #expect(problem.code == "unknown_server")
        }
        try await sink.database.write { [log = sink.log] transaction in
            let change = OrgLeaf.AdminChange(who: "sub-1", what: "servers/none", before: nil, after: nil)
            try log.append(.adminChange(change), at: Sink.noon, in: transaction)
        }
        #expect(try await verified(nobodys, sink).isEmpty)
        let stranger = await refusal {
            try await sink.reports.make(ReportChoice(from: from, to: to, user: "zoe@example.com"), for: sink.permit())
        }
        #expect(stranger?.code == "unknown_user")
    }

    @Test("Names that differ behind a NUL do not stop the search, for them or for anybody")
    func cutNames() async throws {
        let sink = try Sink()
        defer { sink.remove() }
        var agent = try await sink.enrol("ann")
        for server in ["a\0b", "a\0c", "\0", "", "files"] { agent.deny(server: server) }
        try await sink.store(agent)
        var other = try await sink.enrol("bob")
        other.deny(server: "files")
        try await sink.store(other)
        #expect(try await sink.count("search_time") == 2)
        let choice = ReportChoice(from: moment(0), to: moment(60), server: "files")
        #expect(try await verified(choice, sink).count == 2)
    }

    @Test("A report says what of keys and policies the organisation's log says")
    func leaves() async throws {
        let sink = try Sink()
        defer { sink.remove() }
        var agent = try await sink.enrol("ann")
        let digest = Hash.of(Array("rules".utf8))
        try await sink.database.write { [log = sink.log] transaction in
            for expires in [1, 2] as [Int64] {
                try log.append(
                    .policyBundle(version: 3, digest: digest, expires: Sink.noon + expires),
                    at: Sink.noon,
                    in: transaction
                )
            }
        }
        agent.record(.policyApply(version: 3, digest: JSONText(digest.base64URL)))
        agent.record(.policyApply(version: 4, digest: JSONText(digest.base64URL)))
        try await sink.store(agent)
        let key = agent.key.publicKey.fingerprint
        try await sink.database.write { [log = sink.log, id = agent.id] transaction in
            try log.append(.keyRevoke(agent: JSONText(id), key: key, why: "revoked"), at: Sink.noon, in: transaction)
        }
        let files = try files(try await sink.reports.make(Self.all, for: sink.permit()))
        #expect(files.keys.contains("bundles/3.tlog-proof"))
        #expect(!files.keys.contains("bundles/4.tlog-proof"))
        #expect(files.keys.contains("keys/\(agent.id).revoke.tlog-proof"))
        let statement = try JSONValue(parsing: try #require(files["keys/\(agent.id).json"]))
        #expect(statement["user"]?.text == "ann@example.com")
        let verdict = ReportVerifier.verify(ReportInMemory(files), signedBy: sink.key.publicKey.fingerprint)
        #expect(verdict.isOK)
        #expect(verdict.notProven.contains { $0.contains("1 versions of the policy") })
    }

    @Test("A report holds one state of the logs while uploads go on")
    func concurrency() async throws {
        let sink = try Sink()
        defer { sink.remove() }
        var agent = try await sink.enrol("ann")
        agent.record(600)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [agent] in
                for old in stride(from: 0, to: 600, by: 5) { try await sink.store(agent, from: old, to: old + 5) }
            }
            for _ in 0..<8 {
                let lines = try await verified(Self.all, sink)
                #expect(lines == Array(agent.records.prefix(lines.count)))
                #expect(lines.count.isMultiple(of: 5))
            }
            try await group.waitForAll()
        }
        #expect(try await verified(Self.all, sink).count == 600)
    }

    @Test("A report that would be too large, and one too many at a time, is refused")
    func limits() async throws {
        let sink = try Sink()
        defer { sink.remove() }
        var agent = try await sink.enrol("ann")
        agent.record(300)
        try await sink.store(agent)
        let small = Reports(
            database: sink.database,
            log: sink.log,
            clock: .system,
            folder: sink.folder.path,
            largest: 64 << 10
        )
        let permit: Permit<Right.MakeReports> = try await sink.permit()
        let problem = await refusal { try await small.make(Self.all, for: permit) }
        #expect(problem?.code == "report_too_large")

        let codes = await withTaskGroup(of: String?.self) { group in
            for _ in 0..<12 {
                group.addTask { await refusal { try await sink.reports.make(Self.all, for: permit) }?.code }
            }
            return await group.reduce(into: Set<String?>()) { $0.insert($1) }
        }
        #expect(codes == [nil, "report_busy"])
        // A client to which one is still sent keeps its place; with the report it is free again.
        do {
            let sending = [
                try await sink.reports.make(Self.all, for: permit), try await sink.reports.make(Self.all, for: permit),
            ]
            #expect(await refusal { try await sink.reports.make(Self.all, for: permit) }?.code == "report_busy")
            #expect(sending.map(\.count) == [300, 300])
        }
        #expect(try await verified(Self.all, sink).count == 300)
    }

    @Test("A folder that cannot be written is told")
    func folder() async throws {
        let sink = try Sink()
        defer { sink.remove() }
        let lost = Reports(database: sink.database, log: sink.log, clock: .system, folder: sink.folder.path + "/none")
        await #expect(throws: AuditSinkError(.report, "", next: "")) {
            try await lost.make(Self.all, for: sink.permit())
        }
    }
}
