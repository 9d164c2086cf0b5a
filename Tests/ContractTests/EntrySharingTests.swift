import MCP
import StrictJSON
import Testing

@testable import Contract

@Suite("Who shares a server, and how often it is asked how it does")
struct EntrySharingTests {
    private func entry(_ settings: JSONObject) throws -> RegistryEntry {
        try RegistryEntry(
            alias: "demo",
            url: "https://8.8.8.8/mcp",
            authorization: .init(kind: .none),
            allowsLoopback: false
        )
        .setting(settings)
    }

    @Test("Both travel to agents, and an entry that says neither looks as it always has")
    func travels() throws {
        let plain = try entry([:])
        #expect(plain.server.isolation == .perClient && plain.server.healthIntervalSeconds == 60)
        #expect(plain.server.json["isolation"] == nil && plain.server.json["health_interval_s"] == nil)
        for isolation in Isolation.allCases {
            let entry = try entry(["isolation": .text(isolation.rawValue), "health_interval_s": 5])
            #expect(entry.server.isolation == isolation && entry.server.healthIntervalSeconds == 5)
            #expect(try RegistryEntry(entry.json) == entry)
            let document = EntriesDocument(agentID: AgentID.make(random: Array(0..<10)), entries: [entry.server])
            #expect(try EntriesDocument(document.json) == document)
        }
        #expect(try entry(["health_interval_s": 0]).server.healthIntervalSeconds == 0)
    }

    @Test(
        "Anything else is refused with the member",
        arguments: [
            ("isolation", "shared"), ("isolation", 1), ("health_interval_s", 4), ("health_interval_s", 3601),
            ("health_interval_s", "60"),
        ] as [(JSONText, JSONValue)]
    )
    func refused(name: JSONText, value: JSONValue) throws {
        do {
            _ = try entry([name: value])
            Issue.record("it was taken")
        } catch let error as ShapeError {
            #expect("\(error)".contains(name.string))
        }
    }

    @Test("A report of how servers do is read as it was written, and has bounds")
    func report() throws {
        let report = HealthReport(servers: [
            .init(alias: "a", state: .up, since: nil, error: nil),
            .init(
                alias: "b",
                state: .needsSignIn,
                since: "2026-11-30T06:00:00Z",
                error: String(repeating: "x", count: 900)
            ),
        ])
        #expect(try HealthReport(try JSONValue(parsing: report.json.bytes)) == report)
        #expect(report.servers[1].error?.count == HealthReport.longestError)
        for text in [
            #"{"servers":[{"alias":"A","state":"up"}]}"#, #"{"servers":[{"alias":"a","state":"fine"}]}"#,
            #"{"servers":[{"alias":"a","state":"up","x":1}]}"#, #"{}"#,
        ] {
            #expect(throws: ShapeError.self) { try HealthReport(try JSONValue(parsing: Array(text.utf8))) }
        }
    }

    @Test("An entry that is trusted with annotations says so, and one that is not looks as it always has")
    func annotations() throws {
        let plain = try entry([:])
        #expect(plain.server.annotations == .untrusted && plain.server.json["annotations"] == nil)
        #expect(try entry(["annotations": "untrusted"]).server.json["annotations"] == nil)
        let trusted = try entry(["annotations": "trusted"])
        #expect(trusted.server.annotations == .trusted)
        let document = EntriesDocument(agentID: AgentID.make(random: Array(0..<10)), entries: [trusted.server])
        #expect(try EntriesDocument(document.json) == document)
        for wrong in ["yes", true, .null] as [JSONValue] {
            #expect(throws: ShapeError.self) { try entry(["annotations": wrong]) }
        }
    }
}
