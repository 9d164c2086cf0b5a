internal import Contract
internal import HTTPTypes
internal import Registry
internal import Rights
internal import StrictJSON

/// `/v1/servers`: the registry.
struct ServersRoutes: Sendable {
    let registry: Registry

    var operations: [Operation] {
        [
            Operation("GET", "/v1/servers", for: Right.ReadServers.self) { _, permit in
                .json(["servers": .array(try await registry.entries(for: permit).map(\.json))])
            },
            Operation("POST", "/v1/servers", for: Right.EditServers.self, largestBody: 256 << 10) { call, permit in
                let entry = try Registry.entry(parsing: call.body)
                try await registry.add(entry, by: permit)
                return .json(entry.json, status: .created)
            },
            Operation("DELETE", "/v1/servers/{alias}", for: Right.EditServers.self) { call, permit in
                try await registry.remove(call.parameters[0], by: permit)
                return .json(["alias": .text(call.parameters[0])])
            },
        ]
    }
}
