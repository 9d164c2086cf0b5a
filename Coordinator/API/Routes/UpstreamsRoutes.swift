internal import HTTPTypes
internal import Registry
internal import Rights
internal import StrictJSON

/// `/v1/upstreams`: how the upstream registries do.
///
/// Which there are is a setting.
struct UpstreamsRoutes: Sendable {
    let upstreams: Upstreams

    var operations: [Operation] {
        [
            Operation("GET", "/v1/upstreams", for: Right.ReadServers.self) { _, permit in
                .json(["upstreams": .array(try await upstreams.standings(for: permit).map(\.json))])
            },
            Operation("POST", "/v1/upstreams/{name}/pull", for: Right.EditServers.self) { call, permit in
                try await upstreams.askSoon(call.parameters[0], by: permit)
                return .json(["name": .text(call.parameters[0])])
            },
        ]
    }
}
