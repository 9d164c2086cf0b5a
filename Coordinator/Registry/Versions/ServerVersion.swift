internal import Bytes
package import Contract
internal import Database
package import StrictJSON

/// One version of a server that is in use or was.
package struct ServerVersion: Sendable, Equatable {
    /// What there is to say of it.
    package enum Status: String, CaseIterable, Sendable {
        case active
        /// Still called, and about to go.
        case deprecated
        case deleted
    }

    package let alias: String
    /// The name under which the official API has it.
    package let listed: String
    package let entry: RegistryEntry
    package let status: Status
    package let statusMessage: String?
    /// Seconds since 1970.
    package let statusAt: Int
    package let publishedAt: Int
    package let updatedAt: Int
    /// The e-mail address of the administrator who took it first; nil of what was there before versions were kept.
    package let publishedBy: String?
    /// Whether it is the one in use, or was the last one.
    package let isLatest: Bool

    package var version: String { entry.summary.version }

    /// The rows, with who published each.
    static let select = """
        SELECT server_version.*, person.email FROM server_version
        LEFT JOIN person ON person.sub = server_version.published_by
        """

    init(_ row: SQLRow) throws {
        alias = try row.text("alias")
        listed = try row.text("listed")
        entry = try RegistryEntry(try JSONValue(parsing: try row.blob("entry"), limits: RegistryEntry.limits))
        guard let status = Status(rawValue: try row.text("status")) else { throw SQLError.schema(column: "status") }
        self.status = status
        statusMessage = try row.optionalText("status_message")
        statusAt = try row.integer("status_at")
        publishedAt = try row.integer("published_at")
        updatedAt = try row.integer("updated_at")
        publishedBy = try row.optionalText("email")
        isLatest = try row.integer("is_latest") == 1
    }

    /// `_meta["io.modelcontextprotocol.registry/official"]` of the official API.
    package var official: JSONValue {
        var object: JSONObject = ["status": .text(status.rawValue)]
        object["statusMessage"] = statusMessage.map { .text($0) }
        object["statusChangedAt"] = .text(UTCTime(seconds: statusAt).shortText)
        object["publishedAt"] = .text(UTCTime(seconds: publishedAt).shortText)
        object["updatedAt"] = .text(UTCTime(seconds: updatedAt).shortText)
        object["isLatest"] = .bool(isLatest)
        return .object(object)
    }

    /// As a member of `versions[]`.
    package var json: JSONValue {
        [
            "version": .text(version), "status": .text(status.rawValue),
            "message": statusMessage.map { .text($0) } ?? .null, "in_use": .bool(isLatest && status != .deleted),
            "published": .text(UTCTime(seconds: publishedAt).shortText),
            "published_by": publishedBy.map { .text($0) } ?? .null,
            "updated": .text(UTCTime(seconds: updatedAt).shortText), "entry": entry.json,
        ]
    }

    /// The entry with the official member about this version in its `_meta`: as `servers[]` has it.
    package var document: JSONValue {
        guard case .object(var document) = entry.json, case .object(var meta)? = document["_meta"] else {
            return entry.json
        }
        meta[ServerMeta.officialName] = official
        document["_meta"] = .object(meta)
        return .object(document)
    }
}
