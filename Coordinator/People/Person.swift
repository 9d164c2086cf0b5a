package import AuditSink
internal import Bytes
package import Rights
package import StrictJSON

/// A person whom the organisation knows.
package struct Person: Sendable, Equatable {
    /// The pseudonym that rules, leaves and records contain.
    package let sub: String
    /// Lower case.
    package let email: String
    /// Nil for a person whom the policy names and who was not invited yet.
    package let role: Role?
    /// Seconds since 1970.
    package let createdAt: Int
    /// When the person was removed, in seconds since 1970; a removed person has no role, and is kept because records
    /// name it.
    package let removedAt: Int?
    /// What shuts the person out until it is taken off.
    package let lock: Lock?

    /// Names what of the person can be changed: an entity tag without its quotation marks.
    package var tag: String {
        get throws {
            try Expectation.tag([
                "sub": .text(sub), "role": role.map { .text($0.rawValue) } ?? .null, "lock": lock?.stated ?? .null,
                "removed": removedAt.map { .int($0) } ?? .null,
            ])
        }
    }

    /// As `GET /v1/users` shows it.
    package var json: JSONValue {
        [
            "id": .text(sub), "email": .text(email), "role": role.map { .text($0.rawValue) } ?? .null,
            "sub": .text(sub), "created": .text(UTCTime(seconds: createdAt).shortText),
            "locked": lock?.json ?? .null,
        ]
    }
}
