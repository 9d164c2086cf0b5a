internal import Contract
internal import HTTPTypes
internal import People
internal import Registry
internal import StrictJSON

/// `/v1/servers`: the registry.
struct ServersRoutes: Sendable {
    let registry: Registry

    var operations: [Operation] {
        [
            Operation("GET", "/v1/servers", for: .right(.readServers)) { _ in
                .json(["servers": .array(try await registry.entries().map(\.json))])
            },
            Operation("POST", "/v1/servers", for: .right(.editServers), largestBody: 256 << 10) { call in
                let entry = try Registry.entry(parsing: call.body)
                try await registry.add(entry, by: try call.caller().sub)
                return .json(entry.json, status: .created)
            },
            Operation("DELETE", "/v1/servers/{alias}", for: .right(.editServers)) { call in
                try await registry.remove(call.parameters[0], by: try call.caller().sub)
                return .json(["alias": .text(call.parameters[0])])
            },
        ]
    }
}
