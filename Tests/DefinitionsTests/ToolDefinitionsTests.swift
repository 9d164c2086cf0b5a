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
import Testing
import TransparencyLog

@testable import Definitions

@Suite("Definitions of tools at the coordinator")
struct ToolDefinitionsTests {
    private let database: SQLDatabase
    private let log = OrgLog(key: CoordinatorKey(signing: SigningKey(), names: LogNames(host: "example.com")))
    private let revisions = Revisions(changes: Signal())
    private let registry: Registry
    private let definitions: ToolDefinitions

    init() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("tools-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        database = try SQLDatabase(path: folder.appendingPathComponent("database.sqlite").path)
        let clock = MachineClock(wall: { 1_785_196_800_000_000 }, boot: { 0 })
        registry = Registry(database: database, log: log, revisions: revisions, clock: clock)
        definitions = ToolDefinitions(database: database, log: log, revisions: revisions, clock: clock)
        try await database.write { transaction in
            for sub in ["p-ann", "p-bob"] {
                try transaction.execute(
                    "INSERT INTO person (sub, email, role, created_at) VALUES (?, ?, 'admin', 0)",
                    [.text(sub), .text("\(sub)@example.com")]
                )
            }
            for (agent, key) in [("a-one", UInt8(1)), ("a-two", 2)] {
                try transaction.execute(
                    """
                    INSERT INTO agent
                        (agent_id, sub, keyid, public_key, hostname, custody, version, enrolled_at, last_seen)
                    VALUES (?, 'p-ann', ?, ?, 'h', 'keyring', '1', 0, 0)
                    """,
                    [.text(agent), .text(agent), .blob([UInt8](repeating: key, count: 32))]
                )
            }
        }
        for (alias, pins) in [("up", "first-use"), ("strict", "approve")] {
            let entry = try RegistryEntry(
                alias: alias,
                url: "https://mcp.example.com/\(alias)",
                authorization: .init(kind: .none),
                allowsLoopback: false
            ).setting(["pins": .text(pins)])
            try await registry.add(entry, by: admin("ann"))
        }
    }

    private func admin<Kind>(_ name: String = "ann") async throws -> Permit<Kind> {
        try await database.caller(.admin, name).permit()
    }

    private func text(_ name: String, _ description: String) -> String {
        #"{"description":"\#(description)","name":"\#(name)"}"#
    }

    private func report(
        _ tools: [(String, String)],
        of server: String = "up",
        isFirst: Bool = false,
        by agent: String = "a-one"
    ) async throws {
        let tools = tools.map {
            ToolsReport.Tool(name: JSONText($0.0), definition: Array(text($0.0, $0.1).utf8))
        }
        try await database.write { transaction in
            guard let entry = try registry.entry(server, in: transaction) else { return }
            let report = ToolsReport(server: server, entry: entry.digest, isFirst: isFirst, tools: tools)
            try definitions.take(report, of: entry, by: agent, in: transaction)
        }
    }

    private func pins(_ server: JSONText = "up") async throws -> PinsDocument.Tools? {
        try await database.read { view in try definitions.pins(in: view) }[server]
    }

    private func hash(_ name: String, _ description: String) -> Hash { .of(Array(text(name, description).utf8)) }

    private func refusal(_ tool: String, definition: Hash? = nil) async -> String? {
        await code { _ = try await definitions.approve("up", tool, definition: definition, by: admin("ann")) }
    }

    private func states(_ server: String = "up") async throws -> [String] {
        try await definitions.list(server: server, for: admin()).map { "\($0.tool) \($0.state.rawValue)" }
    }

    private func code(_ body: () async throws -> Void) async -> String? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? Refused)?.code
        }
    }

    private func changes() async throws -> [OrgLeaf.AdminChange] {
        let rows = try await database.read { view in
            try view.rows("SELECT leaf FROM org_leaf ORDER BY position").map { try $0.blob("leaf") }
        }
        return try rows.map { try OrgLeaf(parsing: $0) }.compactMap { leaf in
            if case .adminChange(let change) = leaf.body { change } else { nil }
        }
    }

    @Test("The first machine says what a server is, and later ones are compared with that")
    func firstUse() async throws {
        #expect(try await pins() == nil)
        try await report([("a", "1"), ("b", "1")], isFirst: true)
        let pins1 = try await pins()
        #expect(pins1 == ["a": [hash("a", "1")], "b": [hash("b", "1")]])
        // A machine that was shown something else at the same time.
        try await report([("a", "1"), ("b", "evil"), ("c", "1")], isFirst: true, by: "a-two")
        let pins2 = try await pins()
        #expect(pins2 == ["a": [hash("a", "1")], "b": [hash("b", "1")]])
        #expect(try await states() == ["a approved", "b quarantined", "c quarantined"])
        let b = try #require(try await definitions.list(server: "up", tool: "b", for: admin()).first)
        #expect(b.diff.contains("- ") && b.diff.contains(#"+   "description": "evil","#))
        #expect(b.approved == hash("b", "1"))
    }

    @Test("One approval serves everybody, and is in the organisation's log")
    func approval() async throws {
        try await report([("a", "1")], isFirst: true)
        try await report([("a", "2")])
        let before = try await database.read { [revisions] view in try revisions.current(in: view).pins }
        let approved = try await definitions.approve("up", "a", definition: nil, by: admin("bob"))
        #expect(approved.state == .approved && approved.diff.contains(#"+   "description": "2","#))
        let pins3 = try await pins()
        #expect(pins3 == ["a": [hash("a", "1"), hash("a", "2")]])
        let after = try await database.read { [revisions] view in try revisions.current(in: view).pins }
        #expect(after > before)
        let change = try #require(try await changes().last)
        #expect(change.who.string == "p-bob")
        #expect(change.what.string == "tools/up/a")
        #expect(change.before == hash("a", "1") && change.after == hash("a", "2"))
        #expect(try await definitions.list(server: "up", for: admin()).map(\.approvedBy) == ["p-bob@example.com"])
        // Twice is once.
        #expect(try await definitions.approve("up", "a", definition: nil, by: admin("ann")).state == .approved)
        #expect(try await changes().count { $0.what == "tools/up/a" } == 1)
    }

    @Test("Where everything has to be approved, nothing is by itself")
    func strict() async throws {
        try await report([("a", "1"), ("b", "1")], of: "strict", isFirst: true)
        #expect(try await pins("strict") == nil)
        #expect(try await states("strict") == ["a quarantined", "b quarantined"])
        _ = try await definitions.approve("strict", "a", definition: nil, by: admin("ann"))
        let pins4 = try await pins("strict")
        #expect(pins4 == ["a": [hash("a", "1")]])
    }

    @Test("Which of several definitions is approved has to be said, and the one that was reviewed can be")
    func several() async throws {
        try await report([("a", "1")], isFirst: true)
        try await report([("a", "2")], by: "a-one")
        try await report([("a", "3")], by: "a-two")
        #expect(await refusal("a") == "several_definitions")
        // It has changed since it was reviewed.
        #expect(await refusal("a", definition: hash("a", "0")) == "unknown_tool")
        #expect(await refusal("a", definition: hash("a", "3")) == nil)
        let approved = try #require(try await pins()?["a"])
        #expect(approved == [hash("a", "1"), hash("a", "3")])
        #expect(await refusal("nope") == "unknown_tool")
    }

    @Test("What a machine is no longer shown waits no more")
    func replaced() async throws {
        try await report([("a", "1")], isFirst: true)
        try await report([("a", "2")])
        try await report([("a", "3")])
        #expect(try await states() == ["a quarantined"])
        #expect(try await definitions.list(server: "up", for: admin()).first?.definition == hash("a", "3"))
        try await report([("a", "1")])
        #expect(try await states() == ["a approved"])
    }

    @Test("A definition is hashed as it is read, and one under another name is refused")
    func lyingMachine() async throws {
        let lie = ToolsReport.Tool(name: "a", definition: Array(text("b", "1").utf8))
        let control = ToolsReport.Tool(name: "a\u{0}", definition: Array("{}".utf8))
        for tool in [lie, control] {
            let code = await code {
                try await database.write { transaction in
                    guard let entry = try registry.entry("up", in: transaction) else { return }
                    let report = ToolsReport(server: "up", entry: entry.digest, isFirst: true, tools: [tool])
                    try definitions.take(report, of: entry, by: "a-one", in: transaction)
                }
            }
            #expect(code == "invalid_tools")
        }
        #expect(try await pins() == nil)
    }

    @Test("One machine cannot bring more than can be looked at")
    func bounds() async throws {
        try await report([("a", "1")], isFirst: true)
        let much = String(repeating: "x", count: 1 << 20)
        let code = await code {
            for number in 0..<13 { try await report([("t\(number)", much)]) }
        }
        #expect(code == "tools_full")
    }

    @Test("A server that leaves the registry takes its definitions along")
    func removal() async throws {
        try await report([("a", "1")], isFirst: true)
        try await registry.remove("up", by: admin("ann"))
        #expect(try await definitions.list(for: admin()).isEmpty)
        #expect(try await pins() == nil)
    }

    @Test("The document that travels is read as it was written")
    func document() throws {
        let document = PinsDocument(
            agentID: "a-aaaaaaaaaaaaaaaa",
            servers: ["up": ["a": [hash("a", "1")], "käse/\u{7}": [hash("a", "2"), hash("a", "3")]], "empty": [:]]
        )
        let read = try PinsDocument(try JSONValue(parsing: try document.json.canonicalBytes()))
        #expect(read.servers["up"]?["a"] == [hash("a", "1")])
        #expect(Set(read.servers["up"]?["käse/\u{7}"] ?? []) == [hash("a", "2"), hash("a", "3")])
        #expect(read.servers["empty"] == [:])
        #expect(try read.json.canonicalBytes() == document.json.canonicalBytes())
    }
}
