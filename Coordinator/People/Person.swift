internal import Contract
package import StrictJSON

/// Somebody whom the organisation knows.
package struct Person: Sendable, Equatable {
    /// The pseudonym that rules, leaves and records contain.
    package let sub: String
    /// Lower case.
    package let email: String
    /// Nil for somebody whom the policy names and nobody has invited yet.
    package let role: Role?
    /// Seconds since 1970.
    package let createdAt: Int
    /// When he was removed, in seconds since 1970; he then has no role, and is kept because records name him.
    package let removedAt: Int?

    /// As `GET /v1/users` shows him.
    package var json: JSONValue {
        [
            "id": .text(sub), "email": .text(email), "role": role.map { .text($0.rawValue) } ?? .null,
            "sub": .text(sub),
            "created": .text(UTCTime(seconds: createdAt).shortText),
        ]
    }
}
