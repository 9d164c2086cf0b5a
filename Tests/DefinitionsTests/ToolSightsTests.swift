import AuditLog
import AuditSink
import Contract
import Database
import Foundation
import Kits
import Registry
import Rights
import ServiceKit
import StrictJSON
import Synchronization
import Testing
import TransparencyLog

@testable import Definitions

@Suite("Who was shown which definition")
struct ToolSightsTests {
    private let database: SQLDatabase
    private let time = Time()
    private let registry: Registry
    private let definitions: ToolDefinitions

    init() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("sights-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        database = try SQLDatabase(path: folder.appendingPathComponent("database.sqlite").path)
        let log = OrgLog(key: CoordinatorKey(signing: SigningKey(), names: LogNames(host: "example.com")))
        let revisions = Revisions(changes: Signal())
        let clock = MachineClock(wall: { [time] in time.now }, boot: { 0 })
        registry = Registry(database: database, log: log, revisions: revisions, clock: clock)
        definitions = ToolDefinitions(database: database, log: log, revisions: revisions, clock: clock)
        for name in ["ann", "bob"] { _ = try await database.caller(.admin, name) }
        let entry = try RegistryEntry(
            alias: "up",
            url: "https://mcp.example.com/",
            authorization: .init(kind: .none),
            allowsLoopback: false
        )
        try await registry.add(entry, by: admin())
    }

    /// The time of a test, which passes when it says so.
    private final class Time: Sendable {
        private let microseconds = Mutex<Int64>(1_785_196_800_000_000)
        var now: Int64 { microseconds.withLock { $0 } }
        func pass(_ seconds: Int64) { microseconds.withLock { $0 += seconds * 1_000_000 } }
    }

    private func pass(_ seconds: Int64) { time.pass(seconds) }

    private func admin<Kind>() async throws -> Permit<Kind> { try await database.caller(.admin, "ann").permit() }

    private func text(_ name: String, _ description: String) -> [UInt8] {
        Array(#"{"description":"\#(description)","name":"\#(name)"}"#.utf8)
    }

    /// A machine is shown these tools, and tells of them.
    private func show(_ tools: [(String, String)], to name: String, isFirst: Bool = false) async throws {
        let tools = tools.map { ToolsReport.Tool(name: JSONText($0.0), definition: text($0.0, $0.1)) }
        let shown = Dictionary(uniqueKeysWithValues: tools.map { ($0.name, Hash.of($0.definition)) })
        try await database.write { transaction in
            guard let entry = try registry.entry("up", in: transaction) else { return }
            let report = ToolsReport(
                server: "up",
                entry: entry.digest,
                isFirst: isFirst,
                tools: tools,
                shown: shown
            )
            try definitions.take(report, of: entry, by: "a-\(name)", in: transaction)
        }
    }

    private func standings() async throws -> [ToolStanding] { try await definitions.list(server: "up", for: admin()) }

    private func refusal(_ body: () async throws -> Void) async -> String? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? Refused)?.code
        }
    }

    @Test("It is known who was shown a definition first and last, and by how many machines")
    func seen() async throws {
        try await show([("a", "1")], to: "ann", isFirst: true)
        pass(60)
        try await show([("a", "1")], to: "bob")
        pass(60)
        try await show([("a", "1")], to: "ann")
        let sights = try #require(try await standings().first?.sights)
        #expect(sights.machines.map(\.user) == ["ann@example.com", "bob@example.com"])
        #expect(sights.machines.map(\.agent) == ["a-ann", "a-bob"])
        let start = 1_785_196_800
        #expect((sights.firstAt, sights.lastAt) == (start, start + 120))
        #expect(sights.machines.map(\.lastAt) == [start + 120, start + 60])
        #expect(sights.others.isEmpty)
    }

    @Test("A server that changes for everybody is not one that treats people differently")
    func changed() async throws {
        try await show([("a", "1")], to: "ann", isFirst: true)
        try await show([("a", "1")], to: "bob")
        pass(60)
        try await show([("a", "1")], to: "ann")
        pass(60)
        try await show([("a", "2")], to: "ann")
        pass(60)
        try await show([("a", "2")], to: "bob")
        pass(60)
        // Back to what it was, for both.
        try await show([("a", "1")], to: "bob")
        pass(60)
        try await show([("a", "1")], to: "ann")
        #expect(try await standings().allSatisfy { $0.sights.others.isEmpty })
    }

    @Test("A server that shows one person something else at the same time is flagged, and so is the definition")
    func targeted() async throws {
        try await show([("a", "1"), ("b", "1")], to: "ann", isFirst: true)
        pass(60)
        try await show([("a", "evil"), ("b", "1")], to: "bob")
        #expect(try await standings().allSatisfy { $0.sights.others.isEmpty })
        pass(60)
        // The other machine still sees what it saw before.
        try await show([("a", "1"), ("b", "1")], to: "ann")
        let flagged = try await standings().filter { !$0.sights.others.isEmpty }
        #expect(flagged.map(\.tool) == ["a"])
        #expect(flagged.first?.sights.others == [Hash.of(text("a", "1"))])
        #expect(flagged.first?.sights.machines.map(\.user) == ["bob@example.com"])
        #expect(flagged.first?.json["differs"]?.array?.count == 1)
    }

    @Test("All that waits is approved together by whoever names it, but for what is doubtful")
    func together() async throws {
        try await show([("a", "1"), ("b", "1"), ("c", "1")], to: "ann", isFirst: true)
        pass(60)
        try await show([("a", "2"), ("b", "2"), ("c", "1"), ("d", "1")], to: "ann")
        let waiting = WaitingTools("up", among: try await standings())
        #expect(waiting.tools.map(\.tool) == ["a", "b", "d"])
        // Something else comes after the look.
        pass(60)
        try await show([("e", "1")], to: "bob")
        let code = await refusal {
            _ = try await definitions.approveAll("up", listing: waiting.listing, by: admin())
        }
        #expect(code == "listing_changed")
        // Two machines are shown different definitions of b.
        try await show([("b", "evil")], to: "bob")
        let now = WaitingTools("up", among: try await standings())
        #expect(now.plain.map(\.tool) == ["a", "d", "e"])
        #expect(now.doubtful.map(\.tool) == ["b", "b"])
        let (approved, left) = try await definitions.approveAll("up", listing: now.listing, by: admin())
        #expect(approved.map(\.tool) == now.plain.map(\.tool))
        #expect(approved.allSatisfy { $0.state == .approved })
        #expect(left.map(\.tool) == ["b", "b"])
        let again = WaitingTools("up", among: try await standings())
        #expect(again.tools.map(\.tool) == ["b", "b"])
        let pins = try await database.read { view in try definitions.pins(in: view) }["up"]
        #expect(pins?["a"]?.contains(.of(text("a", "2"))) == true)
        #expect(pins?["b"] == [.of(text("b", "1"))])
    }

    @Test("Nothing waits of a server of which all is approved")
    func nothing() async throws {
        try await show([("a", "1")], to: "ann", isFirst: true)
        let code = await refusal {
            _ = try await definitions.approveAll("up", listing: Hash.of([]), by: admin())
        }
        #expect(code == "nothing_waits")
    }

    @Test("A machine that is shown something else each time leaves no more than its last lists")
    func bounded() async throws {
        for number in 0..<40 {
            pass(1)
            try await show([("a", "\(number)")], to: "ann", isFirst: number == 0)
        }
        let counts = try await database.read { view in
            try ["tool_list", "tool_sight", "tool_list_item"].map { table in
                try view.first("SELECT COUNT(*) AS count FROM \(table)")?.integer("count") ?? 0
            }
        }
        #expect(counts == [8, 8, 8])
    }
}
