/// What became of a grant at its server when it was to be taken back (RFC 7009).
package enum Revocation: Sendable, Equatable {
    /// The server says that it is gone.
    case revoked
    /// The server has no place for it.
    case notOffered
    /// It was told and refused, with a message that is safe to show.
    case refused(String)
    /// No server answered.
    case unreachable

    /// One word for scripts.
    package var word: String {
        switch self {
        case .revoked: "revoked"
        case .notOffered: "not_offered"
        case .refused: "refused"
        case .unreachable: "unreachable"
        }
    }
}

/// How a sign-in ended that its user has given up.
package struct SignedOut: Sendable, Equatable {
    /// The authorization server that it was from.
    package let issuer: String
    package let revocation: Revocation
}
