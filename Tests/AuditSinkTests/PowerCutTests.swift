import AuditSink
import Contract
import Database
import Foundation
import Kits
import StrictJSON
import Testing
import TransparencyLog

/// What is on the disk when the machine stops, at any byte of the database's journal.
@Suite("Power cuts")
struct PowerCutTests {
    /// A copy of the database whose journal ends after so many bytes.
    private func copy(of sink: Sink, journal bytes: Int) throws -> Sink {
        let files = FileManager.default
        let folder = files.temporaryDirectory.appendingPathComponent("cut-\(UUID().uuidString)")
        try files.createDirectory(at: folder, withIntermediateDirectories: true)
        let path = Sink.path(in: folder)
        try files.copyItem(atPath: sink.path, toPath: path)
        let journal = try #require(files.contents(atPath: sink.path + "-wal"))
        try journal.prefix(bytes).write(to: URL(fileURLWithPath: path + "-wal"))
        return try Sink(folder: folder, key: sink.key)
    }

    @Test(
        "Whatever was lost of the journal, what is left is whole, and agents that kept their records go on",
        arguments: 0..<4
    )
    func cuts(_ seed: Int) async throws {
        var random = Seeded(seed)
        let sink = try Sink()
        defer { sink.remove() }
        var agents = [try await sink.enrol("ann"), try await sink.enrol("bob")]
        var sizes: [[Int]] = [[0], [0]]
        for _ in 0..<20 {
            let who = Int.random(in: 0..<2, using: &random)
            let old = agents[who].size
            agents[who].record(Int.random(in: 1...40, using: &random))
            try await sink.store(agents[who], from: old)
            sizes[who].append(agents[who].size)
        }
        let length = try #require(FileManager.default.contents(atPath: sink.path + "-wal")).count
        for _ in 0..<12 {
            let cut = try copy(of: sink, journal: Int.random(in: 0...length, using: &random))
            defer { cut.remove() }
            try await cut.database.read { [log = cut.log] view in try log.check(in: view) }
            for (agent, sizes) in zip(agents, sizes) {
                let state = try await cut.logs.state(agent.id)
                #expect(sizes.contains(state.size))
                #expect(state.peaks == (try agent.tree.frontier(size: UInt64(state.size)).peaks.map(\.bytes)))
                #expect(try await cut.records(of: agent) == Array(agent.records.prefix(state.size)))
                guard try await cut.isEnrolled(agent), state.size < agent.size else { continue }
                let body = try agent.upload(from: state.size)
                try verify(try await cut.intake.take(body, from: agent.id), of: agent, cut.key)
            }
        }
        let whole = try copy(of: sink, journal: length)
        defer { whole.remove() }
        for agent in agents { #expect(try await whole.records(of: agent) == agent.records) }
    }
}

extension Sink {
    fileprivate func isEnrolled(_ agent: SinkAgent) async throws -> Bool {
        let id = agent.id
        return try await database.read { view in
            try view.first("SELECT 1 FROM agent WHERE agent_id = ?", [.text(id)]) != nil
        }
    }
}
