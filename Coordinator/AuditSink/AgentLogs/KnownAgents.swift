internal import Contract
internal import Database
internal import Synchronization

/// The agents that have uploaded lately: whose they are and with which key they sign never changes, and is asked for with
/// each upload.
///
/// Whether a key is revoked does change, and is never asked here.
final class KnownAgents: Sendable {
    /// Some hundred bytes each; they are enrolled ones that have proven themselves.
    private static let most = 1024

    private let agents = Mutex<[String: StoredAgent]>([:])

    /// The agent of this id; throws `Refused` if the id is unknown.
    func find(_ id: String, in database: SQLDatabase) async throws -> StoredAgent {
        if let agent = agents.withLock({ $0[id] }) { return agent }
        guard let agent = try await database.read({ view in try StoredAgent.find(id, in: view) }) else {
            throw Refused.unknownKey
        }
        agents.withLock { agents in
            if agents.count >= Self.most { agents = [:] }
            agents[id] = agent
        }
        return agent
    }
}
