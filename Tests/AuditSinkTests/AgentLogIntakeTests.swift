import AuditSink
import Contract
import Database
import Kits
import StrictJSON
import Testing
import TransparencyLog

@Suite("The intake of agents' logs")
struct AgentLogIntakeTests {
    @Test("Uploads of all lengths are stored, countersigned and proven")
    func uploads() async throws {
        let sink = try Sink()
        defer { sink.remove() }
        var agent = try await sink.enrol("ann")
        for length in [1, 1, 2, 3, 250, 256, 1, 300, 700, 5] {
            let old = agent.size
            agent.record(length)
            let receipt = try await sink.intake.take(try agent.upload(from: old), from: agent.id)
            #expect(receipt.size == agent.size)
            try verify(receipt, of: agent, sink.key)
        }
        #expect(try await sink.records(of: agent) == agent.records)
        try await sink.database.read { [log = sink.log] view in try log.check(in: view) }
    }

    @Test("The state leads on from a copy that is older, and from none")
    func state() async throws {
        let sink = try Sink()
        defer { sink.remove() }
        var agent = try await sink.enrol("ann")
        #expect(try await sink.logs.state(agent.id) == LogState(size: 0, checkpoint: nil, peaks: []))
        agent.record(300)
        let receipt = try await sink.intake.take(try agent.upload(from: 0), from: agent.id)
        let state = try await sink.logs.state(agent.id)
        #expect(state.size == 300)
        let peaks = state.peaks.compactMap { Hash($0) }
        #expect(MerkleFrontier(size: 300, peaks: peaks)?.root == (try agent.checkpoint(300).root))
        let note = try Note(parsing: Array(try #require(state.checkpoint).utf8))
        #expect(note.isSigned(name: agent.origin, key: agent.key.publicKey))
        #expect(note.signatures.last.map { String($0.line.dropLast()) } == receipt.cosignature)
    }

    @Test("The same upload again gets the receipt of the first, and stores nothing")
    func idempotence() async throws {
        let sink = try Sink()
        defer { sink.remove() }
        var agent = try await sink.enrol("ann")
        agent.record(10)
        let body = try agent.upload(from: 0)
        let first = try await sink.intake.take(body, from: agent.id)
        let again = try await sink.intake.take(body, from: agent.id)
        #expect(again == first)
        // Ed25519 may sign differently each time; it is the tree that counts.
        let signedAnew = try await sink.intake.take(try agent.upload(from: 0), from: agent.id)
        #expect(signedAnew == first)

        agent.record(10)
        let second = try await sink.intake.take(try agent.upload(from: 10), from: agent.id)
        let late = try await sink.intake.take(body, from: agent.id)
        #expect(late.size == 10 && late.cosignature == first.cosignature && late.leaf.index == first.leaf.index)
        try verify(late, of: agent, sink.key)
        #expect(late.orgCheckpoint == second.orgCheckpoint)
        #expect(try await sink.count("agent_batch") == 2)
        #expect(try await sink.count("org_leaf") == 3)
    }

    @Test(
        "An upload that begins elsewhere is told where the log ends",
        arguments: [(0, 20), (5, 20), (11, 20), (3, 7)]
    )
    func conflicts(_ old: Int, _ size: Int) async throws {
        let sink = try Sink()
        defer { sink.remove() }
        var agent = try await sink.enrol("ann")
        agent.record(20)
        _ = try await sink.intake.take(try agent.upload(from: 0, to: 10), from: agent.id)
        let problem = await refusal {
            try await sink.intake.take(try agent.upload(from: old, to: size), from: agent.id)
        }
        #expect(problem?.code == "log_conflict")
        #expect(problem?.members["size"]?.int == 10)
        #expect(try await sink.count("agent_batch") == 1)
    }

    @Test("Of two uploads at once that begin at the same size one is stored")
    func race() async throws {
        let sink = try Sink()
        defer { sink.remove() }
        for round in 0..<20 {
            var agent = try await sink.enrol("a\(round)")
            agent.record(20)
            // Both are right; the shorter can come second and then is one whose end no upload has had.
            let bodies = try [agent.upload(from: 0, to: 20), agent.upload(from: 0, to: 13)]
            let sizes = await withTaskGroup(of: Int?.self) { group in
                for body in bodies {
                    group.addTask { [id = agent.id] in try? await sink.intake.take(body, from: id).size }
                }
                return await group.reduce(into: []) { sizes, size in sizes += size.map { [$0] } ?? [] }
            }
            #expect(sizes.count == 1)
            let stored = try await sink.records(of: agent)
            #expect(stored == Array(agent.records.prefix(sizes.first ?? 0)))
        }
    }

    @Test("Uploads of many agents share commits, and each is whole")
    func manyAgents() async throws {
        let sink = try Sink()
        defer { sink.remove() }
        var agents: [SinkAgent] = []
        for number in 0..<40 {
            var agent = try await sink.enrol("a\(number)")
            agent.record(number + 1)
            agents.append(agent)
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for agent in agents {
                group.addTask {
                    try verify(
                        try await sink.intake.take(try agent.upload(from: 0), from: agent.id),
                        of: agent,
                        sink.key
                    )
                }
            }
            try await group.waitForAll()
        }
        for agent in agents { #expect(try await sink.records(of: agent) == agent.records) }
        try await sink.database.read { [log = sink.log] view in try log.check(in: view) }
    }

    @Test("A key that was revoked, or never enrolled, signs nothing any more")
    func revoked() async throws {
        let sink = try Sink()
        defer { sink.remove() }
        var agent = try await sink.enrol("ann")
        agent.record(3)
        let stranger = SinkAgent("stranger", names: sink.key.names)
        let unknown = await refusal { try await sink.intake.take(try agent.upload(from: 0), from: stranger.id) }
        #expect(unknown?.code == "unknown_key")
        try await sink.database.write { [id = agent.id] transaction in
            try transaction.execute(
                "UPDATE agent SET revoked_at = 1, revoked_why = 'logout' WHERE agent_id = ?",
                [.text(id)]
            )
        }
        let late = await refusal { try await sink.intake.take(try agent.upload(from: 0), from: agent.id) }
        #expect(late?.code == "revoked_key")
        #expect(try await sink.count("agent_batch") == 0)
    }
}

/// The problem that `body` ends with.
func refusal(_ body: () async throws -> some Sendable) async -> Refused? {
    do {
        _ = try await body()
        return nil
    } catch {
        return error as? Refused
    }
}
