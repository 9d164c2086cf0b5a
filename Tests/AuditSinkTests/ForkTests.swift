import AuditLog
import AuditSink
import Contract
import Database
import Kits
import StrictJSON
import Testing
import TransparencyLog

@Suite("Forks")
struct ForkTests {
    /// A clone or a restored copy that has written on from `size` on its own.
    private func branch(of agent: SinkAgent, at size: Int, _ count: Int) -> SinkAgent {
        var branch = agent
        branch.rollBack(to: size)
        branch.record(count)
        return branch
    }

    @Test(
        "Two histories of one agent are kept as evidence, and the agent is locked",
        arguments: [
            (10, 20, 10),  // another root at the stored size
            (10, 20, 5),  // another root at a smaller size where an upload had ended
            (10, 17, 3),  // another root at a smaller size where none had
            (18, 20, 4),  // longer than what is stored, and no extension of it
        ]
    )
    func forks(_ common: Int, _ size: Int, _ count: Int) async throws {
        let sink = try Sink()
        defer { sink.remove() }
        var agent = try await sink.enrol("ann")
        agent.record(size)
        let first = try agent.upload(from: 0, to: 15)
        _ = try await sink.intake.take(first, from: agent.id)
        _ = try await sink.intake.take(try agent.upload(from: 15), from: agent.id)

        let clone = branch(of: agent, at: common, count)
        let old = clone.size > size ? size : common
        let body = try clone.upload(from: old)
        let problem = await refusal { try await sink.intake.take(body, from: agent.id) }
        #expect(problem?.code == "log_forked")
        #expect(problem?.next != nil)

        let evidence = try await sink.database.read { view in
            try view.first("SELECT agent_fork.*, leaf FROM agent_fork JOIN org_leaf ON position = org_position")
        }
        let row = try #require(evidence)
        #expect(try row.integer("stored_size") == size)
        let stored = try Note(parsing: try row.blob("stored_note"))
        let other = try Note(parsing: try row.blob("note"))
        for note in [stored, other] { #expect(note.isSigned(name: agent.origin, key: agent.key.publicKey)) }
        #expect(try Checkpoint(parsing: stored.text) == (try agent.checkpoint(size)))
        #expect(try Checkpoint(parsing: other.text) == (try clone.checkpoint(clone.size)))
        #expect(try row.integer("first") == old)
        let kept = try row.blob("records").split(separator: 10).map(Array.init)
        #expect(kept == Array(clone.records[old...]))
        let root = try clone.checkpoint(clone.size).root
        let leaf = Checkpoint(origin: agent.origin + "/fork-1", size: UInt64(clone.size), root: root)
        #expect(try OrgLeaf(parsing: try row.blob("leaf")).body == .agentCheckpoint(leaf))

        // Locked: neither of the two gets any further, and nothing more is written.
        agent.record(5)
        for body in [body, first, try agent.upload(from: size)] {
            let problem = await refusal { try await sink.intake.take(body, from: agent.id) }
            #expect(problem?.code == "log_forked")
        }
        #expect(try await sink.count("agent_fork") == 1)
        #expect(try await sink.count("agent_batch") == 2)
        #expect(try await sink.count("org_leaf") == 4)
        #expect(try await sink.records(of: agent) == Array(agent.records.prefix(size)))
    }

    @Test("Other agents are not touched by a fork")
    func others() async throws {
        let sink = try Sink()
        defer { sink.remove() }
        var ann = try await sink.enrol("ann")
        var bob = try await sink.enrol("bob")
        ann.record(5)
        bob.record(5)
        _ = try await sink.intake.take(try ann.upload(from: 0), from: ann.id)
        let body = try branch(of: ann, at: 2, 3).upload(from: 0)
        let problem = await refusal { try await sink.intake.take(body, from: ann.id) }
        #expect(problem?.code == "log_forked")
        try verify(try await sink.intake.take(try bob.upload(from: 0), from: bob.id), of: bob, sink.key)
    }

    @Test("Two clones that begin at once are found out, whichever comes first", arguments: 0..<10)
    func clones(_ round: Int) async throws {
        let sink = try Sink()
        defer { sink.remove() }
        var agent = try await sink.enrol("ann")
        agent.record(10)
        _ = try await sink.intake.take(try agent.upload(from: 0), from: agent.id)
        let bodies = try (0..<2).map { _ in try branch(of: agent, at: 10, 3).upload(from: 10) }
        let codes = await withTaskGroup(of: String?.self) { group in
            for body in bodies {
                group.addTask { [id = agent.id] in await refusal { try await sink.intake.take(body, from: id) }?.code }
            }
            return await group.reduce(into: []) { $0.append($1 ?? "stored") }
        }
        #expect(codes.sorted() == ["log_forked", "stored"])
    }

    @Test("A first upload whose root is not that of its records contradicts nothing, and is refused")
    func first() async throws {
        let sink = try Sink()
        defer { sink.remove() }
        var agent = try await sink.enrol("ann")
        agent.record(5)
        let other = branch(of: agent, at: 2, 3)
        let body = LogUpload(old: 0, note: try other.note(5), records: agent.records.map { $0[...] }).bytes
        let problem = await refusal { try await sink.intake.take(body, from: agent.id) }
        #expect(problem?.code == "malformed_upload")
        _ = try await sink.intake.take(try agent.upload(from: 0), from: agent.id)
    }
}
