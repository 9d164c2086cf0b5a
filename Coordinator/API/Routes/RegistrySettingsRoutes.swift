internal import Contract
internal import HTTPTypes
internal import Registry
internal import Rights
internal import StrictJSON

/// `/v1/settings/registry`: how the registry is published, and which upstream registries are asked.
struct RegistrySettingsRoutes: Sendable {
    let registry: Registry

    private static let path = "/v1/settings/registry"

    var operations: [Operation] {
        [
            Operation("GET", Self.path, for: Right.ReadServers.self) { _, permit in
                try Self.answer(try await registry.settings(for: permit))
            },
            Operation("PUT", Self.path, for: Right.EditServers.self, largestBody: 1 << 20) { call, permit in
                let settings = try RegistrySettings(try call.json())
                try await registry.replace(settings, expecting: try call.requiredExpectation(), by: permit)
                return try Self.answer(settings)
            },
        ]
    }

    private static func answer(_ settings: RegistrySettings) throws -> Answer {
        .json(settings.json, headers: [.eTag: "\"\(try Expectation.tag(settings.json))\""])
    }
}
