import StrictJSON
import Testing
import TransparencyLog

@testable import Contract

@Suite("What agents are told of servers, and tell of them")
struct SyncedListTests {
    private let agent = AgentID.make(random: Array(0..<10))

    @Test("A notice of a server that is about to go travels beside its entry, and only where there is one")
    func notices() throws {
        let plain = EntriesDocument(agentID: agent, entries: [])
        #expect(plain.json["deprecated"] == nil)
        let noted = EntriesDocument(agentID: agent, entries: [], deprecated: ["b": "soon", "a": "now"])
        #expect(noted.json["deprecated"] == [["a", "now"], ["b", "soon"]])
        #expect(try EntriesDocument(noted.json) == noted)
        for bad in [["a"], ["a", 1], "a"] as [JSONValue] {
            guard case .object(var document) = plain.json else { return }
            document["deprecated"] = .array([bad])
            #expect(throws: ShapeError.self) { try EntriesDocument(.object(document)) }
        }
    }

    @Test("What a server shows is told as hashes, each tool once")
    func shown() throws {
        let hash = Hash.of([1])
        var report = ToolsReport(server: "up", entry: hash, isFirst: false, tools: [])
        #expect(report.json["shown"] == nil)
        #expect(try ToolsReport(report.json) == report)
        report.shown = ["b": hash, "a": Hash.of([2])]
        #expect(try ToolsReport(report.json) == report)
        let pair: JSONValue = ["a", .text(hash.base64URL)]
        for bad in [[pair, pair], [["a"]], [["a", "no hash"]], [[1, .text(hash.base64URL)]]] as [JSONValue] {
            guard case .object(var document) = report.json else { return }
            document["shown"] = bad
            #expect(throws: ShapeError.self) { try ToolsReport(.object(document)) }
        }
    }
}
