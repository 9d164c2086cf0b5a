internal import Bytes
internal import Database
package import StrictJSON

/// A policy that was put into force at some time, with who did it and why.
package struct PolicyVersion: Sendable, Equatable {
    /// 1 for the first that was applied.
    package let version: Int
    /// The file, byte by byte.
    package let file: [UInt8]
    /// Of the rules, as in the bundle.
    package let digest: String
    /// The address and the pseudonym of the person who applied it.
    package let user: String
    package let sub: String
    /// In seconds since 1970.
    package let appliedAt: Int
    /// Nil where nothing was said.
    package let why: String?
    /// The version whose file it has, where it was made by a roll-back.
    package let rolledBackTo: Int?

    /// `AppliedPolicy.tag` while it was in force.
    package var tag: String { AppliedPolicy.tag(version: version, file: file) }

    static let query = "SELECT policy.*, email FROM policy JOIN person ON person.sub = policy.applied_by"
    static let listing = Listing(query, by: [Listing.Key("policy.version", "version")], isDescending: true)

    init(_ row: SQLRow) throws {
        version = try row.integer("version")
        file = try row.blob("file")
        digest = try row.text("digest")
        user = try row.text("email")
        sub = try row.text("applied_by")
        appliedAt = try row.integer("applied_at")
        why = try row.optionalText("why")
        rolledBackTo = try row.optionalInteger("rolled_back_to")
    }

    /// As `GET /v1/policy/versions` shows it, without the file.
    package var summary: JSONObject {
        [
            "version": .int(version), "etag": .text("\"\(tag)\""), "digest": .text(digest),
            "applied": .text(UTCTime(seconds: appliedAt).shortText), "user": .text(user), "sub": .text(sub),
            "why": why.map { .text($0) } ?? .null, "rolled_back_to": rolledBackTo.map { .int($0) } ?? .null,
            "bytes": .int(file.count),
        ]
    }

    /// As `GET /v1/policy/versions/{version}` shows it.
    package var json: JSONValue {
        var object = summary
        object["media_type"] = .text(AppliedPolicy.mediaType(of: file))
        object["file"] = .text(String(decoding: file, as: UTF8.self))
        return .object(object)
    }
}
