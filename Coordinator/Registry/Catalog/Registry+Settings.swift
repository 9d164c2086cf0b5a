internal import AuditSink
internal import Contract
internal import Database
package import Rights
internal import ServiceKit
internal import StrictJSON

extension Registry {
    /// Whether anybody may read the official Registry API.
    package func isPublic() async throws -> Bool {
        try await database.read { view in try RegistrySettings.stored(in: view).isPublic }
    }

    /// How the registry is published, and which upstream registries are asked.
    package func settings(for _: Permit<Right.ReadServers>) async throws -> RegistrySettings {
        try await database.read { view in try RegistrySettings.stored(in: view) }
    }

    /// Replaces the settings.
    ///
    /// - Parameters:
    ///   - settings: all of them.
    ///   - expectation: which state of them the caller has seen.
    ///   - permit: the administrator.
    /// - Throws: `Refused`: `precondition_failed`.
    package func replace(
        _ settings: RegistrySettings,
        expecting expectation: Expectation,
        by permit: Permit<Right.EditServers>
    ) async throws {
        let wall = clock.wall()
        try await database.write { transaction in
            let who = try log.standing(permit, at: Int(wall / 1_000_000), in: transaction).sub
            let former = try RegistrySettings.stored(in: transaction)
            try expectation.check(try Expectation.tag(former.json))
            guard settings != former else { return }
            try settings.store(in: transaction)
            try state(
                "settings/registry",
                before: former.json.bytes,
                after: settings.json.bytes,
                by: who,
                at: wall,
                in: transaction
            )
        }
    }
}
