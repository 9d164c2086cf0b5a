internal import Contract
package import StrictJSON

/// Somebody whom the organisation knows.
package struct Person: Sendable, Equatable {
    /// The pseudonym that stands in rules, leaves and records.
    package let sub: String
    /// Lower case.
    package let email: String
    /// Nil for somebody whom the policy names and nobody has invited yet.
    package let role: Role?
    /// Seconds since 1970.
    package let createdAt: Int

    /// As `GET /v1/users` shows him.
    package var json: JSONValue {
        [
            "email": .text(email), "role": role.map { .text($0.rawValue) } ?? .null, "sub": .text(sub),
            "created": .text(UTCTime(seconds: createdAt).shortText),
        ]
    }
}
