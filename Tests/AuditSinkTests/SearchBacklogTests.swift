import AuditSink
import Bytes
import Contract
import Database
import Errors
import Kits
import StrictJSON
import Testing

@Suite("What an earlier release left to make quick to find")
struct SearchBacklogTests {
    private static func choice(user: String? = nil, server: String? = nil) -> ReportChoice {
        ReportChoice(
            from: UTCTime(seconds: 0),
            to: UTCTime(seconds: 253_402_300_799),
            user: user,
            server: server
        )
    }

    /// Two machines' uploads, of which each fifth record is about a server.
    private func filled() async throws -> (Sink, [SinkAgent]) {
        let sink = try Sink()
        var agents: [SinkAgent] = []
        for name in ["ann", "bob"] {
            var agent = try await sink.enrol(name)
            for number in 0..<100 { number % 5 == 0 ? agent.deny(server: "files") : agent.record() }
            for old in stride(from: 0, to: 100, by: 2) { try await sink.store(agent, from: old, to: old + 2) }
            agents.append(agent)
        }
        return (sink, agents)
    }

    private func rows(_ sink: Sink) async throws -> [[String]] {
        try await sink.database.read { view in
            let times = try view.rows("SELECT batch, earliest, latest FROM search_time ORDER BY batch").map {
                "\(try $0.integer("batch")) \(try $0.integer("earliest")) \(try $0.integer("latest"))"
            }
            let servers = try view.rows("SELECT server, batch FROM search_server ORDER BY batch, server").map {
                "\(try $0.text("server")) \(try $0.integer("batch"))"
            }
            return [times, servers]
        }
    }

    private func records(_ choice: ReportChoice, _ sink: Sink) async throws -> Int {
        try await sink.reports.make(choice, for: sink.permit()).count
    }

    @Test(
        "A database that was not searched, or in part, is finished, and then as one that always was",
        arguments: [0, 1, 40, 99, 100]
    )
    func finished(through: Int) async throws {
        let (first, _) = try await filled()
        defer { first.remove() }
        let expected = try await rows(first)
        #expect(expected.map(\.count) == [100, 40])
        let sink = try await first.ofEarlierRelease(searchedThrough: through)
        let backlog = SearchBacklog(database: sink.database)
        #expect(try await backlog.count() == 100 - through)
        try await sink.finishSearch()
        #expect(try await backlog.count() == 0)
        #expect(try await rows(sink) == expected)
        #expect(try await records(Self.choice(), sink) == 200)
        #expect(try await records(Self.choice(server: "files"), sink) == 40)
        #expect(try await records(Self.choice(user: "bob@example.com", server: "files"), sink) == 20)
    }

    @Test("Nothing is searched before it is finished; interrupted, it goes on where it was")
    func interrupted() async throws {
        let (first, agents) = try await filled()
        defer { first.remove() }
        let expected = try await rows(first)
        var sink = try await first.ofEarlierRelease(searchedThrough: 10)
        await #expect(throws: AuditSinkError(.report, "", next: "")) { try await records(Self.choice(), sink) }
        let left = try await SearchBacklog(database: sink.database).step()
        #expect((1..<90).contains(left))
        await #expect(throws: AuditSinkError(.report, "", next: "")) { try await records(Self.choice(), sink) }
        sink = try sink.reopened()
        // What comes in meanwhile is not part of it.
        var agent = agents[0]
        agent.deny(server: "mail")
        try await sink.store(agent, from: 100)
        #expect(try await SearchBacklog(database: sink.database).count() == left)
        // Two at a time do it once.
        let same = sink
        async let one: Void = same.finishSearch()
        async let other: Void = same.finishSearch()
        _ = try await (one, other)
        #expect(try await rows(sink).map { $0.dropLast() } == expected.map { $0[...] })
        #expect(try await records(Self.choice(), sink) == 201)
    }

    @Test("Records that were removed are not looked for")
    func removed() async throws {
        let (first, agents) = try await filled()
        defer { first.remove() }
        try await first.database.write { [id = agents[0].id] transaction in
            try transaction.execute("UPDATE agent_batch SET records = x'' WHERE agent_id = ?", [.text(id)])
        }
        let sink = try await first.ofEarlierRelease(searchedThrough: 0)
        #expect(try await SearchBacklog(database: sink.database).count() == 50)
        try await sink.finishSearch()
        #expect(try await records(Self.choice(), sink) == 100)
    }

    @Test("A database of the release before has its tables, and no longer how far they reached")
    func schema() async throws {
        let (first, _) = try await filled()
        defer { first.remove() }
        let sink = try await first.ofEarlierRelease(searchedThrough: 50)
        let tables = try await sink.database.read { view in
            try view.rows("SELECT name FROM sqlite_schema WHERE name LIKE 'search%' AND type = 'table' ORDER BY name")
                .map { try $0.text("name") }
        }
        #expect(tables == ["search_backlog", "search_server", "search_time"])
    }
}
