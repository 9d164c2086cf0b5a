import Contract
import Database
import Foundation
import Kits
import StrictJSON
import Testing
import TransparencyLog

@testable import AuditSink

/// Agents whose uploads are lost, doubled, delayed and reordered, and a coordinator that dies before and after commits.
///
/// Whatever happens, what an agent was given a receipt for is there, once and in its order; nothing else is ever there but
/// a prefix of what the agent wrote; and no honest agent is taken for a fork.
@Suite("Uploads over a bad network")
struct UploadModelTests {
    /// How many agents; a long run sets `DOORWARD_SEEDS`.
    private static let agents = ProcessInfo.processInfo.environment["DOORWARD_SEEDS"].flatMap { Int($0) } ?? 1000

    @Test("Records with a receipt are there, once and in order")
    func model() async throws {
        var sink = try Sink()
        defer { sink.remove() }
        for start in stride(from: 0, to: Self.agents, by: 100) {
            let survivors = try await run(Array(start..<min(start + 100, Self.agents)), sink)
            sink = try sink.reopened()
            try await sink.database.read { [log = sink.log] view in try log.check(in: view) }
            for agent in survivors {
                #expect(try await sink.records(of: agent) == agent.records)
                let state = try await sink.logs.state(agent.id)
                #expect(state.size == agent.size)
            }
        }
        #expect(try await sink.count("agent_fork") == 0)
    }

    private func run(_ seeds: [Int], _ sink: Sink) async throws -> [SinkAgent] {
        try await withThrowingTaskGroup(of: SinkAgent.self) { group in
            for seed in seeds {
                group.addTask {
                    var one = Shipment(seed, agent: try await sink.enrol("a\(seed)"), sink: sink)
                    try await one.run()
                    return one.agent
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }
}

/// One agent with its network.
private struct Shipment {
    private(set) var agent: SinkAgent
    private let sink: Sink
    private var random: Seeded
    /// What the agent believes that the coordinator has.
    private var believed = 0
    /// What the agent has a receipt for.
    private var acknowledged = 0
    /// What is under way; each can arrive more than once, and late.
    private var network: [[UInt8]] = []
    private var newest = Checkpoint(origin: "", size: 0, root: .empty)

    init(_ seed: Int, agent: SinkAgent, sink: Sink) {
        self.agent = agent
        self.sink = sink
        random = Seeded(seed)
    }

    mutating func run() async throws {
        for _ in 0..<Int.random(in: 4...14, using: &random) {
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<3: agent.record(Int.random(in: 1...12, using: &random))
            case 3: agent.record(random.chance(10) ? 290 : 1)
            case 4..<7 where agent.size > believed:
                let end = random.chance(70) ? agent.size : Int.random(in: believed + 1...agent.size, using: &random)
                network.append(try agent.upload(from: believed, to: end))
            default: try await deliver()
            }
        }
        while !network.isEmpty { try await deliver() }
        var rounds = 0
        agent.record()
        while acknowledged < agent.size {
            network.append(try agent.upload(from: believed))
            try await deliver(loss: 0)
            rounds += 1
            try #require(rounds <= 3, "the agent never gets through")
        }
    }

    private mutating func deliver(loss: Int = 20) async throws {
        guard let index = network.indices.randomElement(using: &random) else { return }
        let body = network[index]
        if !random.chance(loss) { network.remove(at: index) }
        if random.chance(loss) { return }
        if random.chance(loss) { return try await die(with: body) }
        do {
            let receipt = try await sink.intake.take(body, from: agent.id)
            if !random.chance(loss) { try await heard(receipt) }
        } catch let problem as Refused {
            #expect(problem.code == "log_conflict", "\(problem)")
            guard let size = problem.members["size"]?.int, !random.chance(loss) else { return }
            #expect(size >= acknowledged)
            believed = size
        }
    }

    private mutating func heard(_ receipt: LogReceipt) async throws {
        let org = try verify(receipt, of: agent, sink.key)
        // Every state of the organisation's log that an agent sees extends the one that it saw before.
        let older = min(newest.size, org.size)
        let proof = try await sink.database.read { view in
            try MerkleProof.consistency(from: older, to: max(older, org.size), in: OrgNodes(size: org.size, view: view))
        }
        if org.size >= newest.size, newest.size > 0 {
            let isConsistent = MerkleProof.isConsistent(
                from: (newest.size, newest.root),
                to: (org.size, org.root),
                proof: proof
            )
            #expect(isConsistent)
        }
        if org.size >= newest.size { newest = org }
        acknowledged = max(acknowledged, receipt.size)
        believed = max(believed, receipt.size)
    }

    /// The coordinator ends in the middle of the transaction: everything of it is gone.
    private func die(with body: [UInt8]) async throws {
        struct Death: Error {}
        let before = try await sink.logs.state(agent.id)
        let id = agent.id
        let origin = agent.origin
        do {
            try await sink.database.write { [intake = sink.intake] transaction in
                guard let agent = try StoredAgent.find(id, in: transaction) else { return }
                _ = try intake.store(try CheckedUpload(body, of: agent, origin: origin), in: transaction)
                throw Death()
            }
        } catch is Death {
            #expect(try await sink.logs.state(agent.id) == before)
        }
    }
}
