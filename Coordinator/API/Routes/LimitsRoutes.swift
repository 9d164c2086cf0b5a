internal import Contract
internal import Database
internal import HTTPTypes
internal import Policy
internal import PolicyFile
internal import PolicyStore
internal import Registry
internal import Rights
internal import StrictJSON

/// `/v1/limits`: how much may pass, by the policy and by the entries of servers; both are changed where they are written.
struct LimitsRoutes: Sendable {
    let database: SQLDatabase
    let desk: PolicyStore
    let registry: Registry

    var operations: [Operation] {
        [
            Operation("GET", "/v1/limits", for: Right.ReadPolicy.self, query: ["server"]) { call, permit in
                let ofPolicy = try await desk.current(for: permit).file.limits
                let entries = try await database.read { view in try registry.entries(in: view) }
                let ofServers = try entries.flatMap { entry in try entry.server.limitRules() }
                let limits = (ofPolicy + ofServers).filter { limit in
                    call.query["server"].map { limit.server?.matches(JSONText($0)) ?? true } ?? true
                }
                return .json(["limits": .array(limits.map(Self.json))])
            }
        ]
    }

    /// The limit as it is written, with its place.
    private static func json(_ limit: LimitRule) -> JSONValue {
        var object = limit.json.object ?? [:]
        object["rule"] = .string(limit.name)
        return .object(object)
    }
}
