package import Contract
internal import Database
package import Rights
package import StrictJSON

/// How one server does, as the machines see it that use it.
package struct ServerStanding: Sendable, Equatable {
    /// What one machine sees.
    package struct Sight: Sendable, Equatable {
        package let agentID: String
        /// The person's e-mail address.
        package let user: String
        package let hostname: String
        package let server: HealthReport.Server
        /// When the machine said so, in seconds since 1970.
        package let at: Int
    }

    package let alias: String
    /// By person and machine.
    package internal(set) var sights: [Sight] = []

    /// How many machines see it in this state.
    package func count(_ state: HealthReport.Server.State) -> Int { sights.count { $0.server.state == state } }

    /// The state that matters most; nil where no machine has said anything.
    ///
    /// One that not all machines share is `degraded`, and a sign-in that somebody needs is that person's own matter.
    package var state: HealthReport.Server.State? {
        guard !sights.isEmpty else { return nil }
        let down = count(.down)
        if down == sights.count { return .down }
        if down > 0 || count(.degraded) > 0 { return .degraded }
        return count(.needsSignIn) == sights.count ? .needsSignIn : .up
    }

    /// As `GET /v1/server-health` shows it.
    package var json: JSONValue {
        let states = HealthReport.Server.State.allCases.reduce(into: JSONObject()) { object, state in
            object[JSONText(state.rawValue)] = .int(count(state))
        }
        return [
            "alias": .text(alias), "state": state.map { .text($0.rawValue) } ?? .null, "machines": .object(states),
            "errors": .array(
                sights.filter { $0.server.error != nil }.prefix(20).map { sight in
                    [
                        "agent_id": .text(sight.agentID), "user": .text(sight.user),
                        "state": .text(sight.server.state.rawValue), "error": .text(sight.server.error ?? ""),
                        "since": sight.server.since.map { .text($0) } ?? .null,
                    ]
                }
            ),
        ]
    }
}

extension Fleet {
    /// What machines said so long ago says nothing of now, in seconds.
    private static let healthLife = 86_400

    /// How the servers do, by alias, as the machines have said it within a day.
    package func serverStandings(for _: Permit<Right.ReadServers>) async throws -> [ServerStanding] {
        let earliest = clock.seconds - Self.healthLife
        return try await database.read { view in
            var standings: [String: ServerStanding] = [:]
            let rows = try view.rows(
                """
                \(Self.summaries) WHERE agent.revoked_at IS NULL AND agent.health_at > ?
                ORDER BY person.email, agent.agent_id
                """,
                [.integer(earliest)]
            )
            for summary in try rows.map({ try AgentSummary($0, now: clock.seconds) }) {
                for server in summary.health?.servers ?? [] {
                    let sight = ServerStanding.Sight(
                        agentID: summary.agentID,
                        user: summary.user,
                        hostname: summary.hostname,
                        server: server,
                        at: summary.healthAt ?? 0
                    )
                    standings[server.alias, default: ServerStanding(alias: server.alias)].sights.append(sight)
                }
            }
            return standings.values.sorted { $0.alias < $1.alias }
        }
    }
}
