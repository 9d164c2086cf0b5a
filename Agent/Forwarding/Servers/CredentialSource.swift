package import StrictJSON

/// What there is to show to a server.
package enum CredentialState: Sendable, Equatable {
    /// The server asks for nothing.
    case notNeeded
    /// A credential that is good: its opaque id for records, and the value of the `Authorization` header.
    case ready(id: JSONText, header: [UInt8])
    /// One that has to be renewed before it is used.
    case stale(id: JSONText)
    /// The user must act.
    case refused(Refusal)

    /// What the user must do.
    package enum Refusal: String, Sendable {
        case needsSignIn = "needs_sign_in"
        case locked
        /// The keyring that has it cannot be used.
        case keyring
        /// Not the user's fault: the renewal failed and may succeed later.
        case unavailable
    }
}

/// Whose credential is wanted: an alias may come to name another server while a call is under way to the one before.
package struct CredentialTarget: Sendable, Hashable {
    package let alias: String
    /// The URL of the server's entry; of a program the digest of its command.
    package let url: String
    /// Whether the server is a program, which is given its secrets when it is started.
    package let isProgram: Bool

    package init(alias: String, url: String, isProgram: Bool = false) {
        self.alias = alias
        self.url = url
        self.isProgram = isProgram
    }
}

/// Where the data path gets credentials of servers.
///
/// `current` is asked on the event loop for every call: it must not wait. `renew` is asked seldom, may take its time
/// within a deadline of its own, and brings all callers that ask at the same time to one renewal.
package protocol CredentialSource: Sendable {
    /// What there is now for a server.
    func current(_ target: CredentialTarget) -> CredentialState

    /// Gets another credential.
    ///
    /// - Parameters:
    ///   - target: the server.
    ///   - rejected: the value of the header that the server refused, or nil where the credential is stale.
    /// - Returns: `ready`, or why the credential is missing.
    func renew(_ target: CredentialTarget, rejected: [UInt8]?) async -> CredentialState
}
