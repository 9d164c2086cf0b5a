import AuditLog
import AuditSink
import Contract
import Database
import Foundation
import Kits
import Rights
import ServiceKit
import StrictJSON
import Synchronization
import Testing
import TransparencyLog

@testable import Registry

@Suite("Versions of servers")
struct VersionTests {
    private let database: SQLDatabase
    private let log = OrgLog(key: CoordinatorKey(signing: SigningKey(), names: LogNames(host: "example.com")))
    private let registry: Registry
    private let time = Time()

    /// The time of a test, which passes when it says so.
    private final class Time: Sendable {
        private let microseconds = Mutex<Int64>(1_785_196_800_000_000)
        var now: Int64 { microseconds.withLock { $0 } }
        func pass(_ seconds: Int64) { microseconds.withLock { $0 += seconds * 1_000_000 } }
    }

    init() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("versions-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        database = try SQLDatabase(path: folder.appendingPathComponent("database.sqlite").path)
        registry = Registry(
            database: database,
            log: log,
            revisions: Revisions(changes: Signal()),
            clock: MachineClock(wall: { [time] in time.now }, boot: { 0 })
        )
    }

    private func admin<Kind>() async throws -> Permit<Kind> { try await database.caller(.admin, "ann").permit() }

    private func entry(_ version: String, alias: String = "w", timeout: Int = 300) throws -> RegistryEntry {
        try RegistryEntry([
            "name": .text("com.example/\(alias)"), "description": "d", "version": .text(version),
            "remotes": [["type": "sse", "url": "https://w.example/"]],
            "_meta": ["dev.doorward/entry": ["alias": .text(alias), "timeout_s": .int(timeout)]],
        ])
    }

    private func replace(_ entry: RegistryEntry) async throws {
        time.pass(10)
        _ = try await registry.replace(entry.server.alias, with: entry, expecting: .anything, by: admin())
    }

    private func versions(_ alias: String = "w") async throws -> [ServerVersion] {
        try await registry.versions(of: alias, for: admin())
    }

    private func notices() async throws -> [JSONText: String] {
        try await database.read { [registry] view in try registry.deprecated(in: view) }
    }

    private func code(_ body: () async throws -> Void) async -> String? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? Refused)?.code
        }
    }

    @Test("Each version stays, with who took it when, and comes back by its name")
    func kept() async throws {
        try await registry.add(try entry("1.0.0", timeout: 20), by: admin())
        try await replace(try entry("2.0.0"))
        let both = try await versions()
        #expect(both.map(\.version) == ["2.0.0", "1.0.0"])
        #expect(both.map(\.isLatest) == [true, false])
        #expect(both.map(\.publishedBy) == ["ann@example.com", "ann@example.com"])
        time.pass(10)
        _ = try await registry.use("1.0.0", of: "w", by: admin())
        #expect(try await registry.entries(for: admin()).map(\.server.timeoutSeconds) == [20])
        #expect(try await versions().map(\.version) == ["1.0.0", "2.0.0"])
        #expect(try await versions().map(\.publishedAt) == [1_785_196_800, 1_785_196_810])
        #expect(await code { _ = try await registry.use("3.0.0", of: "w", by: admin()) } == "unknown_server_version")
        #expect(await code { _ = try await registry.use("1.0.0", of: "x", by: admin()) } == "unknown_server")
        let log = log
        try await database.read { view in try log.check(in: view) }
    }

    @Test("The same version with other contents is the same version, changed")
    func changed() async throws {
        try await registry.add(try entry("1.0.0"), by: admin())
        try await replace(try entry("1.0.0", timeout: 7))
        let all = try await versions()
        #expect(all.map(\.entry.server.timeoutSeconds) == [7])
        #expect(all.map { $0.updatedAt - $0.publishedAt } == [10])
    }

    @Test("People are told of what is about to go, until another version is taken")
    func deprecated() async throws {
        try await registry.add(try entry("1.0.0"), by: admin())
        let before = try await registry.entries(for: admin())
        let version = try await registry.deprecate("w", message: "Use v2.", by: admin())
        #expect(version.status == .deprecated && version.statusMessage == "Use v2.")
        #expect(try await notices() == ["w": "Use v2."])
        // Nothing of the entry has changed, so nothing of it is set up anew.
        #expect(try await registry.entries(for: admin()) == before)
        try await replace(try entry("2.0.0"))
        #expect(try await notices().isEmpty)
        #expect(try await versions().map(\.status) == [.active, .deprecated])
        _ = try await registry.deprecate("w", message: "Soon.", by: admin())
        _ = try await registry.deprecate("w", message: nil, by: admin())
        #expect(try await notices().isEmpty)
        for message in ["", "a\nb", String(repeating: "x", count: 501)] {
            let refused = await code { _ = try await registry.deprecate("w", message: message, by: admin()) }
            #expect(refused == "invalid_request")
        }
    }

    @Test("A server that leaves is a deleted one, and its name is free for another")
    func deleted() async throws {
        try await registry.add(try entry("1.0.0"), by: admin())
        try await registry.remove("w", by: admin())
        #expect(try await versions().map(\.status) == [.deleted])
        #expect(try await registry.inUse(for: admin()).isEmpty)
        #expect(await code { _ = try await registry.use("1.0.0", of: "w", by: admin()) } == "unknown_server")
        guard case .object(var other) = try entry("1.0.0", alias: "v").json else { return }
        other["name"] = "com.example/w"
        try await registry.add(try RegistryEntry(.object(other)), by: admin())
        #expect(try await registry.inUse(for: admin()).map(\.listed) == ["com.example/w"])
        // The first one comes back beside it, under a name of its own.
        try await registry.add(try entry("1.0.0"), by: admin())
        #expect(try await registry.inUse(for: admin()).map(\.listed) == ["com.example/w", "local.doorward/w"])
    }

    @Test("Old versions go when there are too many, never the one in use")
    func bounded() async throws {
        try await registry.add(try entry("0"), by: admin())
        for number in 1...60 { try await replace(try entry("\(number)")) }
        let all = try await versions()
        #expect(all.count == 50)
        #expect(all.first?.version == "60" && all.first?.isLatest == true)
    }

    @Test("What was changed by hand stays when the next version is signed off")
    func byHand() async throws {
        func bringIn(_ version: String) async throws -> String {
            let server: JSONValue = [
                "name": "com.example/w", "description": "d", "version": .text(version),
                "remotes": [["type": "sse", "url": "https://w.example/"]],
            ]
            let brought = try ObjectReader.read(["documents": [["server": server]]]) { try BroughtDocument.list(&$0) }
            let imported = try await registry.bringIn(brought, registering: false, by: admin())
            return try #require(imported.proposals.first).proposal.id
        }
        _ = try await registry.approve(try await bringIn("1.0.0"), as: EntryChoice(), by: admin())
        try await replace(try entry("1.0.0", timeout: 7))
        let review = try await registry.review(try await bringIn("1.1.0"), for: admin())
        #expect(review.updates == "w")
        #expect(review.entry?.server.timeoutSeconds == 7)
        #expect(review.diff.contains(#"+   "version": "1.1.0","#) && !review.diff.contains(#"- "timeout_s""#))
    }

    @Test("The catalog is searched by words and by category")
    func catalog() async throws {
        try await registry.add(try entry("1", alias: "plain"), by: admin())
        let maths = try entry("1", alias: "sums").setting(["categories": ["maths", "finance"]])
        try await registry.add(maths, by: admin())
        func found(_ search: String?, _ category: String? = nil) async throws -> [String] {
            try await registry.inUse(search: search, category: category, for: admin()).map(\.alias)
        }
        #expect(try await found(nil) == ["plain", "sums"])
        #expect(try await found("COM.example/S") == ["sums"])
        #expect(try await found("finance") == ["sums"])
        #expect(try await found(nil, "maths") == ["sums"])
        #expect(try await found(nil, "math") == [])
        #expect(throws: ShapeError.self) { try maths.setting(["categories": ["Maths!"]]) }
    }
}
