import AuditLog
import AuditSink
import Contract
import Database
import Fetch
import Foundation
import Kits
import Rights
import ServiceKit
import StrictJSON
import Synchronization
import Testing
import TransparencyLog

@testable import Registry

@Suite("Registries that are asked what there is")
struct UpstreamTests {
    private let database: SQLDatabase
    private let registry: Registry
    private let upstreams: Upstreams
    private let folder: URL
    private let time = Time()

    /// The time of a test, which passes when it says so.
    private final class Time: Sendable {
        private let microseconds = Mutex<Int64>(1_785_196_800_000_000)
        var now: Int64 { microseconds.withLock { $0 } }
        func pass(_ seconds: Int64) { microseconds.withLock { $0 += seconds * 1_000_000 } }
    }

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("upstreams-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        database = try SQLDatabase(path: folder.appendingPathComponent("database.sqlite").path)
        registry = Registry(
            database: database,
            log: OrgLog(key: CoordinatorKey(signing: SigningKey(), names: LogNames(host: "example.com"))),
            revisions: Revisions(changes: Signal()),
            clock: MachineClock(wall: { [time] in time.now }, boot: { 0 })
        )
        upstreams = Upstreams(
            registry: registry,
            fetcher: Fetcher(proxies: ProxyEnvironment(environment: [:])),
            credentials: UpstreamCredentials(folder: folder.path)
        )
    }

    private func admin<Kind>() async throws -> Permit<Kind> { try await database.caller(.admin, "ann").permit() }

    /// Has a registry on this machine asked, with further members of its setting.
    private func follow(_ port: Int, _ more: JSONObject = JSONObject()) async throws {
        var upstream: JSONObject = [
            "name": "up", "url": .text("http://127.0.0.1:\(port)"), "every": 3600, "allow_loopback": true,
        ]
        for member in more.members { upstream[member.name] = member.value }
        let settings = try RegistrySettings(["upstreams": [.object(upstream)]])
        try await registry.replace(settings, expecting: .anything, by: admin())
    }

    private func standing() async throws -> UpstreamStanding {
        try #require(try await upstreams.standings(for: admin()).first)
    }

    private func proposals() async throws -> [Proposal] {
        try await registry.proposals(.init(), page: .all, for: admin()).items.map(\.proposal)
    }

    private static func server(_ name: String, version: String = "1.0.0", more: String = "") -> String {
        #"{"server":{"name":"\#(name)","description":"d","version":"\#(version)","remotes":"#
            + #"[{"type":"streamable-http","url":"https://\#(version).example.com/mcp"}]\#(more)},"#
            + #""_meta":{"io.modelcontextprotocol.registry/official":{"status":"active","isLatest":true}}}"#
    }

    private static func page(_ servers: [String], next: String? = nil) -> RawServer.Answer {
        let cursor = next.map { #","nextCursor":"\#($0)""# } ?? ""
        return .http(
            200,
            ["Content-Type: application/json"],
            body: #"{"servers":[\#(servers.joined(separator: ","))],"metadata":{"count":\#(servers.count)\#(cursor)}}"#
        )
    }

    @Test("All pages are read, and what they say becomes proposals that enable nothing")
    func pages() async throws {
        let server = try RawServer { request in
            request.contains("cursor=two")
                ? Self.page([Self.server("a/two")]) : Self.page([Self.server("a/one")], next: "two")
        }
        defer { server.end() }
        try await follow(server.port)
        #expect(try await standing().json["state"] == "new")
        let round = try #require(try await upstreams.askNext())
        #expect(round.proposals == 2 && round.error == nil)
        #expect(try await proposals().map(\.name) == ["a/one", "a/two"])
        #expect(try await registry.entries(for: admin()).isEmpty)
        let standing = try await standing().json
        #expect(standing["state"] == "good" && standing["waiting"] == 2)
        #expect(server.requests.allSatisfy { $0.contains("GET /v0.1/servers?version=latest&limit=100") })
        // It is asked again when it is due, and then for what has changed.
        #expect(try await upstreams.askNext() == nil)
        time.pass(3600)
        #expect(try await upstreams.askNext()?.proposals == 0)
        #expect(server.requests.last?.contains("updated_since=") == true)
    }

    @Test("What is new and what has changed is proposed, and nothing twice")
    func changes() async throws {
        let version = Mutex("1.0.0")
        let server = try RawServer { _ in Self.page([Self.server("a/b", version: version.withLock { $0 })]) }
        defer { server.end() }
        try await follow(server.port)
        _ = try await upstreams.askNext()
        let first = try #require(try await proposals().first)
        _ = try await registry.approve(first.id, as: EntryChoice(), by: admin())
        time.pass(3600)
        #expect(try await upstreams.askNext()?.proposals == 0)
        version.withLock { $0 = "1.1.0" }
        time.pass(3600)
        #expect(try await upstreams.askNext()?.proposals == 1)
        let review = try await registry.review(try #require(try await proposals().first).id, for: admin())
        #expect(review.updates == "b" && review.diff.contains(#"+   "version": "1.1.0","#))
        #expect(try await registry.entries(for: admin()).map(\.summary.version) == ["1.0.0"])
    }

    @Test("An outage takes nothing away, shows, and ends by itself")
    func outage() async throws {
        let isDown = Mutex(false)
        let server = try RawServer { _ in
            isDown.withLock { $0 } ? .http(503, body: "down") : Self.page([Self.server("a/b")])
        }
        defer { server.end() }
        try await follow(server.port)
        _ = try await upstreams.askNext()
        _ = try await registry.approve(try #require(try await proposals().first).id, as: EntryChoice(), by: admin())
        isDown.withLock { $0 = true }
        time.pass(3600)
        #expect(try await upstreams.askNext()?.error == "It answers 503.")
        #expect(try await standing().json["state"] == "failing")
        #expect(try await standing().error == "It answers 503.")
        #expect(try await registry.entries(for: admin()).count == 1)
        // It is tried again soon, and later each time.
        #expect(try await upstreams.askNext() == nil)
        time.pass(60)
        #expect(try await upstreams.askNext()?.error != nil)
        time.pass(60)
        #expect(try await upstreams.askNext() == nil)
        isDown.withLock { $0 = false }
        time.pass(60)
        #expect(try await upstreams.askNext()?.error == nil)
        #expect(try await standing().json["state"] == "good")
    }

    /// What hostile registries answer, and what is said of it.
    static let rudeness: [(String, @Sendable (String) -> RawServer.Answer, String)] = [
        (
            "the same cursor without end",
            { _ in page([server("a/b")], next: "again") }, "Its pages have no end."
        ),
        (
            "empty pages without end",
            { request in page([], next: "\(request.count)") }, "Its pages have no end."
        ),
        (
            "a cursor that never repeats",
            { _ in page([server("a/b")], next: "\(UInt64.random(in: 0 ... .max))") }, "It has more than 1000 pages."
        ),
        (
            "an answer that is too long",
            { _ in .http(200, ["Content-Type: application/json"], body: String(repeating: " ", count: 9 << 20)) },
            "It cannot be asked"
        ),
        ("no JSON", { _ in .http(200, ["Content-Type: text/html"], body: "<html>") }, "something else than JSON"),
        (
            "JSON with two readings",
            { _ in .http(200, ["Content-Type: application/json"], body: #"{"servers":[],"servers":[]}"#) },
            "cannot be read in one way only"
        ),
        (
            "something else than a list",
            { _ in .http(200, ["Content-Type: application/json"], body: #"{"servers":{"a":1}}"#) },
            "something else than a list of servers"
        ),
        (
            "a redirect to the metadata of a cloud",
            { _ in .http(302, ["Location: http://169.254.169.254/latest/meta-data/"]) }, "It cannot be asked"
        ),
        (
            "a redirect into the network of the coordinator",
            { _ in .http(302, ["Location: https://10.0.0.1/v0.1/servers"]) }, "It cannot be asked"
        ),
        ("no answer that is HTTP", { _ in .close(Array("hello\r\n".utf8)) }, "It cannot be asked"),
    ]

    @Test("A hostile registry takes no time, no memory and no way in", arguments: rudeness.indices)
    func hostile(index: Int) async throws {
        let (name, answer, error) = Self.rudeness[index]
        let server = try RawServer(answer)
        defer { server.end() }
        try await follow(server.port)
        let round = try #require(try await upstreams.askNext())
        #expect(round.error?.contains(error) == true, "\(name): \(round.error ?? "none")")
        #expect(try await proposals().isEmpty, "\(name)")
    }

    @Test("What of a registry cannot be taken is named, and keeps nobody from the rest")
    func skipped() async throws {
        let deep = String(repeating: "[", count: 20) + String(repeating: "]", count: 20)
        let server = try RawServer { _ in
            Self.page([
                Self.server("a/good"),
                // Wrong types, too deep, too long, our own settings wrong, no name.
                Self.server("a/bad").replacing(#""description":"d""#, with: #""description":7"#),
                Self.server("a/deep", more: #","_meta":{"x/y":\#(deep)}"#),
                Self.server("a/long", more: #","_meta":{"x/y":"\#(String(repeating: "x", count: 70_000))"}"#),
                Self.server("a/ours", more: #","_meta":{"dev.doorward/entry":{"alias":"x","root":true}}"#),
                Self.server("a/status").replacing(#""status":"active""#, with: #""status":"great""#),
                Self.server("no name"), "7", "null",
                // Two documents under one name, and one that differs by case alone.
                Self.server("a/twice"), Self.server("a/twice", version: "2.0.0"),
                Self.server("b/case"), Self.server("B/Case", version: "3.0.0"),
                // The same twice is once, and a later revision of the schema is read.
                Self.server("a/good"), Self.server("a/later", more: #","postInstallInstructions":"x""#),
            ])
        }
        defer { server.end() }
        try await follow(server.port)
        #expect(try await upstreams.askNext()?.error == nil)
        #expect(try await proposals().map(\.name) == ["a/good", "a/later"])
        #expect(try await proposals().last?.document.unknown == ["postInstallInstructions"])
        let standing = try await standing()
        #expect(standing.skipped == 10)
        let problems = FieldProblem.list(standing.json["problems"]).map { "\($0.place) \($0.why)" }.joined(
            separator: "\n"
        )
        for name in ["a/bad: description", "a/ours: _meta/dev.doorward/entry/root", "a/twice: name", "/case: name"] {
            #expect(problems.lowercased().contains(name), "\(name) in \(problems)")
        }
    }

    @Test("Of a registry that lists all versions the newest counts, by its own word")
    func allVersions() async throws {
        let server = try RawServer { _ in
            let old = Self.server("a/b").replacing(#""isLatest":true"#, with: #""isLatest":false"#)
            return Self.page([old, Self.server("a/b", version: "2.0.0"), old])
        }
        defer { server.end() }
        try await follow(server.port)
        _ = try await upstreams.askNext()
        #expect(try await proposals().map(\.version) == ["2.0.0"])
    }

    @Test("What its maker deprecates is deprecated once an administrator has seen it")
    func deprecated() async throws {
        let status = Mutex("active")
        let server = try RawServer { _ in
            let word = status.withLock { $0 }
            let text = #""status":"\#(word)","statusMessage":"use c""#
            return Self.page([Self.server("a/b").replacing(#""status":"active""#, with: text)])
        }
        defer { server.end() }
        func notices() async throws -> [JSONText: String] {
            try await database.read { [registry] view in try registry.deprecated(in: view) }
        }
        try await follow(server.port)
        _ = try await upstreams.askNext()
        _ = try await registry.approve(try #require(try await proposals().first).id, as: EntryChoice(), by: admin())
        status.withLock { $0 = "deprecated" }
        time.pass(3600)
        #expect(try await upstreams.askNext()?.proposals == 1)
        #expect(try await notices().isEmpty)
        let waiting = try #require(try await proposals().first)
        let review = try await registry.approve(waiting.id, as: EntryChoice(), by: admin())
        #expect(review.diff.isEmpty)
        #expect(try await notices() == ["b": "use c"])
    }

    @Test("A server of the same name from elsewhere is another server")
    func otherSource() async throws {
        let server = try RawServer { _ in Self.page([Self.server("a/b", version: "6.6.6")]) }
        defer { server.end() }
        let own = try JSONValue(parsing: Array(Self.server("a/b").utf8))["server"] ?? .null
        let brought = try ObjectReader.read(["documents": [["server": own]]]) { try BroughtDocument.list(&$0) }
        let id = try #require(
            try await registry.bringIn(brought, registering: false, by: admin()).proposals.first?.proposal.id
        )
        _ = try await registry.approve(id, as: EntryChoice(), by: admin())
        try await follow(server.port)
        _ = try await upstreams.askNext()
        let other = try #require(try await proposals().first { $0.source == "up" })
        let review = try await registry.review(other.id, for: admin())
        #expect(review.updates == nil)
        var refusal: Refused?
        do {
            _ = try await registry.approve(other.id, as: EntryChoice(), by: admin())
        } catch {
            refusal = error as? Refused
        }
        #expect(refusal?.code == "alias_taken")
    }

    @Test("Only what is asked for is taken, and another setting begins anew")
    func only() async throws {
        let server = try RawServer { _ in Self.page([Self.server("a/b"), Self.server("c/d"), Self.server("c/e")]) }
        defer { server.end() }
        try await follow(server.port, ["only": ["c/*"]])
        #expect(try await upstreams.askNext()?.proposals == 2)
        try await follow(server.port, ["only": ["a/b"]])
        #expect(try await upstreams.askNext()?.proposals == 1)
        #expect(server.requests.last?.contains("updated_since") == false)
    }

    @Test("A token goes to the host that it is for, and nowhere else")
    func token() async throws {
        let other = try RawServer { _ in Self.page([Self.server("a/b")]) }
        defer { other.end() }
        let server = try RawServer { request in
            request.contains("Authorization: Bearer hunter2")
                ? .http(307, ["Location: http://127.0.0.1:\(other.port)/v0.1/servers"]) : .http(401)
        }
        defer { server.end() }
        let path = folder.appendingPathComponent("127.0.0.1:\(server.port).token").path
        try await follow(server.port)
        let refused = try #require(try await upstreams.askNext()?.error)
        #expect(refused.contains("401") && refused.contains(path))
        try Data("hunter2\n".utf8).write(to: URL(fileURLWithPath: path))
        chmod(path, 0o644)
        time.pass(3600)
        #expect(try await upstreams.askNext()?.error?.contains("can be read by others") == true)
        chmod(path, 0o600)
        time.pass(3600)
        #expect(try await upstreams.askNext()?.proposals == 1)
        #expect(other.requests.count == 1)
        #expect(other.requests.allSatisfy { !$0.contains("hunter2") })
    }

    @Test("Nothing beyond the public internet is asked unless the setting says so")
    func addresses() async throws {
        for url in ["https://10.0.0.1", "https://192.168.0.1", "https://169.254.169.254", "https://[fd00::1]"] {
            var refusal: Refused?
            do {
                _ = try await upstreams.bringIn(try UpstreamSetting(once: url), by: admin())
            } catch {
                refusal = error as? Refused
            }
            #expect(refusal?.code == "upstream_failed", "\(url)")
        }
        for url in [
            "http://example.com", "http://127.0.0.1:1", "https://u:p@example.com", "https://example.com/", "file:///x",
        ] {
            #expect(throws: ShapeError.self, "\(url)") { try UpstreamSetting(once: url) }
        }
    }

    @Test("Another coordinator's servers are where they are, not at its agents' address")
    func coordinator() async throws {
        let real =
            #"{"name":"a/b","description":"d","version":"1.0.0","remotes":"#
            + #"[{"type":"streamable-http","url":"https://real.example/mcp"}]}"#
        let listed = Self.server("a/b").replacing(
            #""_meta":{"#,
            with: #""_meta":{"dev.doorward/server":\#(real),"#
        ).replacing("https://1.0.0.example.com/mcp", with: "http://127.0.0.1:7717/servers/b/mcp")
        let forged = listed.replacing(#""name":"a/b""#, with: #""name":"a/c""#, maxReplacements: 1)
        let server = try RawServer { _ in Self.page([listed, forged]) }
        defer { server.end() }
        try await follow(server.port)
        _ = try await upstreams.askNext()
        #expect(try await proposals().map { $0.document.remotes.first?.url } == ["https://real.example/mcp"])
        #expect(try await standing().skipped == 1)
    }
}
