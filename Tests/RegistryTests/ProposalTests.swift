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

@Suite("Servers that are brought in")
struct ProposalTests {
    private let database: SQLDatabase
    private let log = OrgLog(key: CoordinatorKey(signing: SigningKey(), names: LogNames(host: "example.com")))
    private let revisions = Revisions(changes: Signal())
    private let registry: Registry

    init() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("proposals-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        database = try SQLDatabase(path: folder.appendingPathComponent("database.sqlite").path)
        registry = Registry(
            database: database,
            log: log,
            revisions: revisions,
            clock: MachineClock(wall: { 1_785_196_800_000_000 }, boot: { 0 })
        )
    }

    private func admin<Kind>() async throws -> Permit<Kind> { try await database.caller(.admin, "ann").permit() }

    private func server(
        _ name: String = "com.example/weather",
        version: String = "1.0.0",
        url: String = "https://weather.example/mcp",
        settings: String? = nil
    ) -> String {
        let meta = settings.map { #","_meta":{"dev.doorward/entry":\#($0)}"# } ?? ""
        return #"{"name":"\#(name)","description":"Says the weather","version":"\#(version)","#
            + #""remotes":[{"type":"streamable-http","url":"\#(url)"}]\#(meta)}"#
    }

    @discardableResult
    private func bringIn(_ texts: String..., registering: Bool = false) async throws -> Registry.Imported {
        let documents = try texts.enumerated().map { index, text -> JSONValue in
            ["file": .text("\(index).json"), "server": try JSONValue(parsing: Array(text.utf8))]
        }
        let brought = try ObjectReader.read(["documents": .array(documents)]) { try BroughtDocument.list(&$0) }
        return try await registry.bringIn(brought, registering: registering, by: admin())
    }

    private func aliases() async throws -> [String] {
        try await registry.entries(for: admin()).map(\.server.alias)
    }

    private func listed(
        _ filter: Registry.ProposalFilter = .init()
    ) async throws -> [Registry.ListedProposal] {
        try await registry.proposals(filter, page: .all, for: admin()).items
    }

    private func refusal(_ body: () async throws -> Void) async -> Refused? {
        do {
            try await body()
            return nil
        } catch {
            return error as? Refused
        }
    }

    private func leaves() async throws -> [String] {
        let rows = try await database.read { view in
            try view.rows("SELECT leaf FROM org_leaf ORDER BY position").map { try $0.blob("leaf") }
        }
        return try rows.map { try OrgLeaf(parsing: $0) }.compactMap { leaf in
            if case .adminChange(let change) = leaf.body { change.what.string } else { nil }
        }
    }

    @Test("What is brought in enables nothing until it is signed off, and then it is what was seen")
    func signedOff() async throws {
        let id = try #require(try await bringIn(server()).proposals.first?.proposal.id)
        #expect(try await aliases().isEmpty)
        #expect(revisions.changes.version == 0)
        let seen = try await registry.review(id, for: admin())
        #expect(seen.updates == nil && seen.problem == nil)
        #expect(seen.diff.contains(#"+       "url": "https://weather.example/mcp""#))
        var choice = EntryChoice()
        choice.settings = ["auth": ["type": "oauth"]]
        let approved = try await registry.approve(id, as: choice, by: admin())
        #expect(approved.entry?.server.alias == "weather")
        #expect(try await aliases() == ["weather"])
        #expect(revisions.changes.version == 1)
        #expect(try await leaves() == ["proposals", "servers/weather"])
        // The same once more says nothing new.
        let again = try await bringIn(server())
        #expect(again.proposals.isEmpty && again.unchanged == ["com.example/weather"])
    }

    @Test("A later version shows what it changes, keeps what was chosen, and is another proposal")
    func update() async throws {
        let first = try #require(try await bringIn(server()).proposals.first?.proposal.id)
        var choice = EntryChoice()
        choice.alias = "w"
        choice.settings = ["auth": ["type": "oauth"], "timeout_s": 20]
        _ = try await registry.approve(first, as: choice, by: admin())
        let second = try #require(
            try await bringIn(server(version: "1.1.0", url: "https://weather.example/v2")).proposals.first?.proposal.id
        )
        #expect(first != second)
        // Whoever has seen the first one has not seen this one.
        #expect(await refusal { _ = try await registry.review(first, for: admin()) }?.code == "unknown_proposal")
        let seen = try await registry.review(second, for: admin())
        #expect(seen.updates == "w")
        #expect(seen.diff.contains("-       \"url\": \"https://weather.example/mcp\""))
        #expect(seen.diff.contains("+       \"url\": \"https://weather.example/v2\""))
        #expect(!seen.diff.contains("timeout_s") || !seen.diff.contains("+       \"timeout_s\""))
        _ = try await registry.approve(second, as: EntryChoice(), by: admin())
        let entry = try #require(try await registry.entries(for: admin()).first)
        #expect((entry.server.alias, entry.server.timeoutSeconds, entry.summary.version) == ("w", 20, "1.1.0"))
    }

    @Test("All of a folder is taken in, or none, and everything that is wrong is named")
    func together() async throws {
        let refused = await refusal {
            try await bringIn(
                server(),
                server("com.example/other", url: "https://x.example/").replacing("description", with: "descripton"),
                server("COM.example/Weather"),
                server("com.example/set", settings: #"{"alias":"s","colour":1}"#)
            )
        }
        #expect(refused?.code == "import_refused")
        #expect(
            FieldProblem.list(refused?.members["problems"]).map(\.place) == [
                "1.json: description", "2.json: name", "3.json: _meta/dev.doorward/entry/colour",
            ]
        )
        #expect(try await listed().isEmpty)
        #expect(try await leaves().isEmpty)
    }

    @Test("A whole entry of an administrator's own file is registered at once, and nothing else is")
    func whole() async throws {
        let own = server(settings: #"{"alias":"w"}"#)
        #expect(try await bringIn(own, registering: true).registered == ["w"])
        // An entry in use is not replaced, a program not started, and another's document not taken, without a look.
        let changed = server(url: "https://evil.example/", settings: #"{"alias":"w"}"#)
        #expect(try await bringIn(changed, registering: true).proposals.count == 1)
        let program =
            #"{"name":"com.example/run","description":"d","version":"1","_meta":{"dev.doorward/entry":"#
            + #"{"alias":"run","stdio":{"command":"sh"}}}}"#
        #expect(try await bringIn(program, registering: true).proposals.count == 1)
        #expect(try await bringIn(server("com.example/plain"), registering: true).proposals.count == 1)
        #expect(try await aliases() == ["w"])
        #expect(try await registry.entries(for: admin()).first?.server.url == "https://weather.example/mcp")
    }

    @Test("An alias that is another server's is taken only by who says so")
    func replacing() async throws {
        let own = try RegistryEntry(
            alias: "weather",
            url: "https://mine.example/",
            authorization: .init(kind: .none),
            allowsLoopback: false
        )
        try await registry.add(own, by: admin())
        let id = try #require(try await bringIn(server()).proposals.first?.proposal.id)
        let code = await refusal { _ = try await registry.approve(id, as: EntryChoice(), by: admin()) }?.code
        #expect(code == "alias_taken")
        let review = try await registry.approve(id, as: EntryChoice(), isReplacing: true, by: admin())
        #expect(review.diff.contains("-       \"url\": \"https://mine.example/\""))
    }

    @Test("What was rejected waits no more, until it is brought in again")
    func rejected() async throws {
        let id = try #require(try await bringIn(server()).proposals.first?.proposal.id)
        _ = try await registry.reject(id, by: admin())
        var waiting = Registry.ProposalFilter()
        waiting.state = .waiting
        #expect(try await listed(waiting).isEmpty)
        #expect(try await leaves() == ["proposals", "proposals/\(id)"])
        #expect(try await bringIn(server()).proposals.map(\.proposal.id) == [id])
        #expect(try await listed(waiting).count == 1)
    }

    @Test("What its source has withdrawn is not taken, and takes nothing out of use")
    func withdrawn() async throws {
        func say(_ status: Proposal.Status, version: String) async throws -> String? {
            let text = server(version: version)
            let document = try ServerDocument(try JSONValue(parsing: Array(text.utf8)))
            let proposal = Proposal(source: "up", document: document, status: status, madeAt: 0)
            return try await database.write { try registry.propose(proposal, by: nil, in: $0) } ? proposal.id : nil
        }
        #expect(try await say(.deleted, version: "0.9.0") == nil)
        let id = try #require(try await say(.active, version: "1.0.0"))
        _ = try await registry.approve(id, as: EntryChoice(), by: admin())
        let gone = try #require(try await say(.deleted, version: "1.0.0"))
        #expect(try await listed().map(\.proposal.status) == [.deleted])
        let code = await refusal { _ = try await registry.approve(gone, as: EntryChoice(), by: admin()) }?.code
        #expect(code == "proposal_withdrawn")
        #expect(try await aliases() == ["weather"])
    }

    @Test("Pages are whole, and a search finds names and descriptions in any case")
    func pages() async throws {
        for number in 0..<7 { try await bringIn(server("com.example/s\(number)", url: "https://x.example/\(number)")) }
        var filter = Registry.ProposalFilter()
        var names: [String] = []
        var next: [SQLValue]?
        repeat {
            let request = PageRequest(limit: 3, after: next)
            let page = try await registry.proposals(filter, page: request, for: admin())
            names += page.items.map(\.proposal.name)
            next = page.next
        } while next != nil
        #expect(names == (0..<7).map { "com.example/s\($0)" })
        filter.search = "SAYS THE"
        #expect(try await listed(filter).count == 7)
        filter.search = "S3"
        #expect(try await listed(filter).map(\.proposal.name) == ["com.example/s3"])
        filter.source = "elsewhere"
        #expect(try await listed(filter).isEmpty)
    }
}
