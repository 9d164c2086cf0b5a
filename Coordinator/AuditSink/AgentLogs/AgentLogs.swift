package import Contract
package import Database
internal import TransparencyLog

/// What the coordinator has of the agents' logs, as the agents themselves ask for it.
package struct AgentLogs: Sendable {
    private let database: SQLDatabase

    /// The logs in this database.
    package init(database: SQLDatabase) {
        self.database = database
    }

    /// The state of this agent's log: its machine goes on from it after a restart or from an older copy.
    package func state(_ agent: String) async throws -> LogState {
        try await database.read { view in
            guard let log = try StoredLog.find(agent, in: view) else {
                return LogState(size: 0, checkpoint: nil, peaks: [])
            }
            return LogState(
                size: Int(log.size),
                checkpoint: String(decoding: log.note, as: UTF8.self),
                peaks: log.frontier.peaks.map(\.bytes)
            )
        }
    }
}
