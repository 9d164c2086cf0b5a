import AuditLog
import AuditSink
import Database
import Kits
import Rights
import ServiceKit
import StrictJSON
import Testing

@Suite("How calls went, counted as records come in")
struct MeasuresTests {
    private static let hour: Int64 = 3_600_000_000

    private func report(_ sink: Sink, _ span: MeasureSpan = .day) async throws -> MeasureReport {
        let measures = Measures(database: sink.database, clock: MachineClock(wall: { Sink.noon }, boot: { 0 }))
        return try await measures.report(span, for: sink.permit())
    }

    @Test("Calls are counted by how they ended, by hour, server and person")
    func counts() async throws {
        let sink = try Sink()
        defer { sink.remove() }
        var (ann, bob) = (try await sink.enrol("ann"), try await sink.enrol("bob"))
        for milliseconds in 1...10 { ann.call("github", milliseconds: milliseconds, at: Sink.noon - Self.hour) }
        ann.call("github", .toolError, at: Sink.noon)
        ann.call("wiki", .timeout, milliseconds: 300_000, at: Sink.noon)
        ann.call("wiki", .cancelled, at: Sink.noon)
        bob.refuse("github", "forbidden", at: Sink.noon)
        bob.refuse("github", "limited", at: Sink.noon)
        bob.refuse("wiki", "needs_sign_in", at: Sink.noon)
        bob.refuse("wiki", "down", at: Sink.noon)
        bob.refuse("wiki", "a_reason_of_later_releases", at: Sink.noon)
        try await sink.store(ann)
        try await sink.store(bob)

        let report = try await report(sink)
        let total = report.total
        #expect((total.ok, total.toolErrors, total.failed, total.cancelled) == (10, 1, 2, 1))
        #expect((total.denied, total.limited, total.signIns) == (2, 1, 1))
        #expect(total.calls == 18)
        // Of those that were let through and not called off: 10 of 13.
        #expect(total.success == 10.0 / 13.0)
        #expect(total.median == 6)
        #expect(report.steps.map(\.calls).filter { $0 > 0 } == [10, 8])
        #expect(report.steps.last?.calls == 8)
        #expect(report.servers.map(\.name) == ["github", "wiki"])
        #expect(report.servers.map(\.tally.calls) == [13, 5])
        #expect(report.people.map(\.name) == ["ann@example.com", "bob@example.com"])
        #expect(report.people.map(\.tally.calls) == [13, 5])
    }

    @Test("What is about no tool, prompt or resource is no call, and neither is what only begins")
    func others() async throws {
        let sink = try Sink()
        defer { sink.remove() }
        var agent = try await sink.enrol("ann")
        agent.record(3)
        agent.call("github", tool: nil, at: Sink.noon)
        try await sink.store(agent)
        #expect(try await report(sink).total == Tally())
    }

    @Test("An upload that comes again counts once, and a later one is added")
    func again() async throws {
        let sink = try Sink()
        defer { sink.remove() }
        var agent = try await sink.enrol("ann")
        agent.call("github", at: Sink.noon)
        try await sink.store(agent)
        try await sink.store(agent)
        #expect(try await report(sink).total.ok == 1)
        agent.call("github", at: Sink.noon)
        try await sink.store(agent, from: 2)
        #expect(try await report(sink).total.ok == 2)
        #expect(try await report(sink, .month).total.ok == 2)
        #expect(try await sink.count("server_measure") == 1)
    }

    @Test("Names that are hashes, and times that no clock has, make no rows; hours beyond the bound still count")
    func bounds() async throws {
        let sink = try Sink()
        defer { sink.remove() }
        var agent = try await sink.enrol("eve")
        agent.refuse(RecordName.hash(of: "a made-up name"), "unknown_server", at: Sink.noon)
        agent.refuse("github", "forbidden", at: Sink.noon + 30 * 24 * Self.hour)
        agent.refuse("github", "forbidden", at: 0)
        try await sink.store(agent)
        let first = try await report(sink)
        #expect(first.total.denied == 1)
        #expect(first.servers.map(\.name) == [""])

        for number in 0..<100 { agent.refuse(JSONText("s\(number)"), "forbidden", at: Sink.noon) }
        try await sink.store(agent, from: 3)
        let report = try await report(sink)
        #expect(report.total.denied == 101)
        #expect(report.servers.count <= 65)
        #expect(report.servers.first?.name == "")
    }

    @Test("A span has its steps up to now, and no more", arguments: MeasureSpan.allCases)
    func spans(span: MeasureSpan) async throws {
        let sink = try Sink()
        defer { sink.remove() }
        let (count, hours) = span.steps
        var agent = try await sink.enrol("ann")
        for step in 0...count { agent.call("github", at: Sink.noon - Int64(step * hours) * Self.hour) }
        try await sink.store(agent)
        let report = try await report(sink, span)
        #expect(report.steps.map(\.ok) == Array(repeating: 1, count: count))
        #expect(report.to - report.from == count * hours * 3600)
    }
}
