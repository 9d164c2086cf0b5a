internal import Contract
package import Rights
internal import TransparencyLog

/// A browser that a person has signed in with.
package struct BrowserSession: Sendable, Equatable {
    /// How the person proved to be there.
    package enum Way: String, Sendable {
        /// A one-time link, made in the coordinator's folder or on an enrolled machine.
        case link
        /// The organisation's identity provider.
        case provider
    }

    package let id: String
    /// The person, as every operation knows the sender of a request.
    package let caller: Caller
    package let way: Way
    /// When the person has proven itself last, in seconds since 1970.
    package let signedInAt: Int
    /// From here on it opens nothing, in seconds since 1970; before that where it rests.
    package let expiresAt: Int
    /// What each form of its pages carries, in the field `csrf`, and each changing request of a script, in the header
    /// `Doorward-CSRF`.
    package let csrf: String

    /// Whether the person has signed in a moment ago.
    package var isRecent: Bool { caller.proof == .session(id: id, isRecent: true) }

    /// Refuses a request that would change something and does not come from a page of this session.
    ///
    /// - Parameters:
    ///   - request: what the browser says of it.
    ///   - proof: what the form or the header carries.
    ///   - origin: the coordinator's own origin, `https://HOST[:PORT]`.
    /// - Throws: `Refused`: `other_origin`, `csrf`.
    package func checkChange(_ request: BrowserRequest, proof: String?, origin: String) throws {
        try request.checkChange(origin: origin)
        // Of hashes: how long it takes to compare them says nothing of what was expected.
        guard let proof, Hash.of(Array(proof.utf8)) == Hash.of(Array(csrf.utf8)) else { throw Refused.notOurForm }
    }
}

/// A session that was just opened, with what the browser has to be told.
package struct OpenedSession: Sendable {
    package let session: BrowserSession
    /// The value of `Set-Cookie`; nothing else has the secret.
    package let cookie: String
}
