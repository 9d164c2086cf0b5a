import AuditLog
import AuditSink
import Contract
import Database
import Foundation
import Kits
import Rights
import ServiceKit
import StrictJSON
import Testing
import TransparencyLog

@testable import Registry

@Suite("The registry")
struct RegistryTests {
    private let database: SQLDatabase
    private let log = OrgLog(key: CoordinatorKey(signing: SigningKey(), names: LogNames(host: "example.com")))
    private let revisions = Revisions(changes: Signal())
    private let registry: Registry

    init() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("registry-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        database = try SQLDatabase(path: folder.appendingPathComponent("database.sqlite").path)
        registry = Registry(
            database: database,
            log: log,
            revisions: revisions,
            clock: MachineClock(wall: { 1_785_196_800_000_000 }, boot: { 0 })
        )
    }

    private func entry(_ alias: String, url: String = "https://mcp.example.com/mcp") throws -> RegistryEntry {
        try RegistryEntry(alias: alias, url: url, authorization: .init(kind: .oauth), allowsLoopback: false)
    }

    private func admin<Kind>(_ name: String = "ann") async throws -> Permit<Kind> {
        try await database.caller(.admin, name).permit()
    }

    private func changes() async throws -> [OrgLeaf.AdminChange] {
        let rows = try await database.read { view in
            try view.rows("SELECT leaf FROM org_leaf ORDER BY position").map { try $0.blob("leaf") }
        }
        return try rows.map { try OrgLeaf(parsing: $0) }.compactMap { leaf in
            if case .adminChange(let change) = leaf.body { change } else { nil }
        }
    }

    private func code(_ body: () async throws -> Void) async -> String? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? Refused)?.code
        }
    }

    @Test("An address where no agent calls is refused to its sender, and keeps no agent from reading the rest")
    func unreachable() async throws {
        let inside = try entry("office", url: "https://10.1.2.3/mcp")
        #expect(await code { _ = try Registry.entry(parsing: inside.json.bytes) } == "invalid_entry")
        // As if it had been let in at another time.
        try await registry.add(inside, by: admin("ann"))
        try await registry.add(try entry("github"), by: admin("ann"))
        #expect(try await registry.entries(for: admin()).map(\.server.alias) == ["github", "office"])
        let documentation = try entry("example", url: "https://192.0.2.1/mcp")
        #expect(try Registry.entry(parsing: documentation.json.bytes) == documentation)
    }

    @Test("Entries come and go, each time with a leaf and a ring")
    func comeAndGo() async throws {
        let (first, second) = (try entry("github"), try entry("docs"))
        try await registry.add(first, by: admin("ann"))
        try await registry.add(second, by: admin("ann"))
        #expect(try await registry.entries(for: admin()) == [second, first])
        #expect(revisions.changes.version == 2)
        try await registry.remove("github", by: admin("bob"))
        #expect(try await registry.entries(for: admin()) == [second])
        #expect(revisions.changes.version == 3)
        let digest = Hash.of(first.json.bytes)
        #expect(
            try await changes() == [
                OrgLeaf.AdminChange(who: "p-ann", what: "servers/github", before: nil, after: digest),
                OrgLeaf.AdminChange(who: "p-ann", what: "servers/docs", before: nil, after: .of(second.json.bytes)),
                OrgLeaf.AdminChange(who: "p-bob", what: "servers/github", before: digest, after: nil),
            ]
        )
        let log = log
        try await database.read { view in try log.check(in: view) }
    }

    @Test("An alias is one server's, for two at a time as well, and a refusal changes nothing")
    func taken() async throws {
        let registry = registry
        let codes = try await withThrowingTaskGroup(of: String?.self) { group in
            for number in 0..<8 {
                let entry = try entry("same", url: "https://\(number).example.com/mcp")
                group.addTask {
                    do {
                        try await registry.add(entry, by: admin("ann"))
                        return nil
                    } catch {
                        return (error as? Refused)?.code
                    }
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(codes.count(where: { $0 == nil }) == 1)
        #expect(codes.count(where: { $0 == "alias_taken" }) == 7)
        #expect(try await changes().count == 1)
        #expect(revisions.changes.version == 1)
        #expect(await code { try await registry.remove("other", by: admin("ann")) } == "unknown_server")
        #expect(revisions.changes.version == 1)
    }

    @Test("What is sent is refused with its member")
    func refused() throws {
        var object = try #require(try entry("good").json.object)
        object["extra"] = 1
        for (body, place) in [
            (JSONValue.object(object).bytes, "extra"), (Array("{".utf8), ""), (Array("{\"a\":1,\"a\":2}".utf8), ""),
        ] {
            do {
                _ = try Registry.entry(parsing: body)
                Issue.record("it was taken")
            } catch let problem as Refused {
                #expect(problem.code == "invalid_entry")
                #expect(FieldProblem.list(problem.members["problems"]).map(\.place) == [place])
            }
        }
    }

    @Test("There are never more entries than fit into the document that agents read")
    func full() async throws {
        let limits = (0..<200).map { index in
            ["per": "user", "rate": "1/s", "tools": [.text(String(repeating: "t", count: 200) + "\(index)")]]
                as JSONValue
        }
        var added = 0
        var last: String?
        while last == nil, added < 100 {
            var object = try #require(try entry("s\(added)").json.object)
            var settings = try #require(object["_meta"]?["dev.doorward/entry"]?.object)
            settings["limits"] = .array(limits)
            object["_meta"] = ["dev.doorward/entry": .object(settings)]
            let entry = try RegistryEntry(.object(object))
            last = await code { try await registry.add(entry, by: admin("ann")) }
            if last == nil { added += 1 }
        }
        #expect(last == "registry_full")
        let all = EntriesDocument(
            agentID: AgentID.make(random: Array(repeating: 0, count: 10)),
            entries: try await registry.entries(for: admin()).map(\.server)
        )
        let bytes = try all.json.canonicalBytes()
        #expect(added > 10)
        #expect(try EntriesDocument(JSONValue(canonical: bytes, limits: .bundle)) == all)
    }
}
