internal import AuditSink
package import Contract
internal import Database
package import Rights
internal import ServiceKit
internal import StrictJSON
internal import TransparencyLog

extension Registry {
    /// The version of a server that is in use; throws a `Refused`, `unknown_server`.
    package func server(_ alias: String, for _: Permit<Right.ReadServers>) async throws -> ServerVersion {
        try await database.read { view in try versionInUse(alias, in: view) }
    }

    /// Puts an entry in place of the one in use.
    ///
    /// - Parameters:
    ///   - alias: the server.
    ///   - entry: what it is from now on; of the same alias.
    ///   - expectation: what is believed to be in use.
    ///   - permit: the administrator.
    /// - Returns: the version.
    /// - Throws: `Refused`: `unknown_server`, `invalid_entry`, `precondition_failed`, `registry_full`.
    package func replace(
        _ alias: String,
        with entry: RegistryEntry,
        expecting expectation: Expectation,
        by permit: Permit<Right.EditServers>
    ) async throws -> ServerVersion {
        let wall = clock.wall()
        return try await database.write { transaction in
            let who = try log.standing(permit, at: Int(wall / 1_000_000), in: transaction).sub
            let former = try versionInUse(alias, in: transaction)
            try expectation.check(former.tag)
            guard entry.server.alias.utf8.elementsEqual(alias.utf8) else { throw Refused.otherAlias }
            guard entry != former.entry else { return former }
            let origin = try origin(of: alias, in: transaction)
            try put(entry, of: origin, by: who, at: wall, in: transaction)
            return try versionInUse(alias, in: transaction)
        }
    }
}

extension ServerVersion {
    /// Names what of it can be changed: an entity tag without its quotation marks.
    ///
    /// Of the text as it is stored: an entry has names that no canonical document has.
    package var tag: String {
        let what: JSONValue = ["entry": entry.json, "status": .text(status.rawValue), "message": message]
        return String(Hash.of(what.bytes).base64URL.prefix(22))
    }

    private var message: JSONValue { statusMessage.map { .text($0) } ?? .null }
}

extension Refused {
    static let otherAlias = malformed(
        ShapeError("_meta/dev.doorward~1entry/alias", "must be the alias in the path: a server keeps its alias"),
        code: "invalid_entry"
    )
}
