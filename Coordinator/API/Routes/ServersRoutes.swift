internal import Contract
internal import Database
internal import HTTPTypes
internal import Registry
internal import Rights
internal import StrictJSON

/// `/v1/servers`: the registry.
struct ServersRoutes: Sendable {
    let registry: Registry

    /// What can be said of a server that is in use.
    private enum Standing: String, CaseIterable {
        case active, deprecated
    }

    var operations: [Operation] {
        [
            Operation(
                "GET",
                "/v1/servers",
                for: Right.ReadServers.self,
                query: Paging.fields.union(["search", "category"])
            ) { call, permit in
                let servers = try await registry.inUse(
                    search: call.query["search"],
                    category: call.query["category"],
                    for: permit
                )
                let page = try Paging.part(of: servers, try call.page()) { [.text($0.alias)] }
                return try .list("servers", page) { server in server.document.tagged(server.tag) }
            },
            Operation("GET", "/v1/servers/{alias}", for: Right.ReadServers.self) { call, permit in
                let server = try await registry.server(call.parameters[0], for: permit)
                return .tagged(server.document, server.tag)
            },
            Operation(
                "PUT",
                "/v1/servers/{alias}",
                for: Right.EditServers.self,
                largestBody: 256 << 10
            ) { call, permit in
                let expectation = try call.requiredExpectation()
                let server = try await registry.replace(
                    call.parameters[0],
                    with: try Registry.entry(parsing: call.body),
                    expecting: expectation,
                    by: permit
                )
                return .tagged(server.document, server.tag)
            },
            Operation("POST", "/v1/servers", for: Right.EditServers.self, largestBody: 256 << 10) { call, permit in
                let entry = try Registry.entry(parsing: call.body)
                try await registry.add(entry, by: permit)
                return .json(entry.json, status: .created)
            }.making(),
            Operation("GET", "/v1/servers/{alias}/versions", for: Right.ReadServers.self) { call, permit in
                let versions = try await registry.versions(of: call.parameters[0], for: permit)
                return .json(["versions": .array(versions.map(\.json))])
            },
            // The version is in the body: it may be anything, and a path may not.
            Operation("PUT", "/v1/servers/{alias}/version", for: Right.EditServers.self) { call, permit in
                let version = try call.document { try $0.text("version") }
                let server = try await registry.use(
                    version,
                    of: call.parameters[0],
                    expecting: try call.expectation(),
                    by: permit
                )
                return .tagged(server.json, server.tag)
            },
            Operation("PUT", "/v1/servers/{alias}/status", for: Right.EditServers.self) { call, permit in
                let message = try call.document { reader -> String? in
                    let status = try reader.word("status", Standing.self)
                    let message = try reader.optionalText("message")
                    guard status == .active else { return message ?? "" }
                    guard message == nil else {
                        throw ShapeError(reader.path("message"), "is for what is deprecated")
                    }
                    return nil
                }
                let server = try await registry.deprecate(
                    call.parameters[0],
                    message: message,
                    expecting: try call.expectation(),
                    by: permit
                )
                return .tagged(server.json, server.tag)
            },
            Operation("DELETE", "/v1/servers/{alias}", for: Right.EditServers.self) { call, permit in
                try await registry.remove(call.parameters[0], expecting: try call.expectation(), by: permit)
                return .json(["alias": .text(call.parameters[0])])
            },
        ]
    }
}
