package import StrictJSON

/// `POST /v1/agent/health`: how one machine does, and its servers, as it sees them.
package struct HealthReport: Sendable, Equatable {
    /// One server.
    package struct Server: Sendable, Equatable {
        /// The states, as `doorward servers` says them.
        package enum State: String, Sendable, CaseIterable {
            case up, degraded, down
            case needsSignIn = "needs_sign_in"
        }

        package let alias: String
        package let state: State
        /// RFC 3339; nil where it is not known.
        package let since: String?
        /// Why, in one sentence of the agent's own.
        package let error: String?

        package init(alias: String, state: State, since: String?, error: String?) {
            self.alias = alias
            self.state = state
            self.since = since
            self.error = error.map { String($0.prefix(HealthReport.longestError)) }
        }
    }

    package let servers: [Server]
    /// How many of its records the coordinator does not have.
    package let pendingRecords: Int?
    /// How many seconds its clock is ahead of the coordinator's; negative: behind.
    package let clockAhead: Int?
    /// Whether it ends now, and is not heard of until it runs again.
    package let isEnding: Bool

    /// The largest body.
    package static let largest = 1 << 20
    package static let mostServers = 1000
    /// The longest error, in characters.
    package static let longestError = 300

    package init(
        servers: [Server],
        pendingRecords: Int? = nil,
        clockAhead: Int? = nil,
        isEnding: Bool = false
    ) {
        self.servers = servers
        self.pendingRecords = pendingRecords
        self.clockAhead = clockAhead
        self.isEnding = isEnding
    }

    package var json: JSONValue {
        let servers = servers.map { server -> JSONValue in
            var object: JSONObject = ["alias": .text(server.alias), "state": .text(server.state.rawValue)]
            object["since"] = server.since.map { .text($0) }
            object["error"] = server.error.map { .text($0) }
            return .object(object)
        }
        var object: JSONObject = ["servers": .array(servers)]
        object["pending_records"] = pendingRecords.map { .int($0) }
        object["clock_ahead_s"] = clockAhead.map { .int($0) }
        if isEnding { object["ending"] = true }
        return .object(object)
    }

    /// Reads a report; throws `ShapeError`.
    package init(_ json: JSONValue) throws {
        self = try ObjectReader.read(json) { reader in
            let elements = try reader.elements("servers")
            guard elements.count <= Self.mostServers else { throw ShapeError(reader.path("servers"), "are too many") }
            let servers = try elements.map { element in
                try ObjectReader.read(element.value, at: element.place) { server in
                    let error = try server.optionalText("error")
                    guard (error?.count ?? 0) <= Self.longestError else {
                        throw ShapeError(server.path("error"), "is too long")
                    }
                    return Server(
                        alias: try server.alias("alias"),
                        state: try server.word("state", Server.State.self),
                        since: server.optional("since") == nil ? nil : try server.label("since", longest: 40),
                        error: error
                    )
                }
            }
            return HealthReport(
                servers: servers,
                pendingRecords: try reader.optionalInt("pending_records"),
                clockAhead: try reader.optionalInt("clock_ahead_s", in: Int.min...Int.max),
                isEnding: try reader.optionalBool("ending") ?? false
            )
        }
    }
}
