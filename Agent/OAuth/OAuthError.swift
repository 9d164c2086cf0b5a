package import Errors

/// Why a sign-in or a renewal did not come about.
///
/// Its message is safe to show: no token, code, query or body of a stranger.
package typealias OAuthError = KindError<OAuthFault>

/// What can go wrong there; the raw values are the codes that are shown.
package enum OAuthFault: String, ErrorKind {
    /// The user has to sign in, for the first time or again.
    case needsSignIn = "needs_sign_in"
    /// The keyring has to be unlocked first.
    case locked = "keyring_locked"
    /// There is no keyring, or it does not answer.
    case keyringUnavailable = "keyring_unavailable"
    /// The authorization server does not answer as it should; it may later.
    case unavailable = "authorization_unavailable"
    /// There is no such server, or it needs no sign-in.
    case unknownServer = "unknown_server"
    /// Metadata names an address where nothing is fetched from.
    case refusedAddress = "refused_address"
    /// Metadata is missing, malformed, or contradicts itself.
    case badMetadata = "bad_metadata"
    /// The authorization server lacks what is required, such as PKCE with S256.
    case unsupported = "unsupported_authorization_server"
    /// The server would not take Doorward as its client.
    case registration = "registration_refused"
    /// The server does not take the client that was registered with it beforehand.
    case client = "client_refused"
    /// A secret was given for a client that there is not.
    case noClient = "no_client"
    /// The user, or the server, said no.
    case denied = "authorization_denied"
    /// The answer to the browser was not one to this sign-in.
    case badRedirect = "bad_redirect"
    /// The browser did not come back in time.
    case timeout = "sign_in_timeout"

    package var needsUser: Bool {
        switch self {
        case .needsSignIn, .locked, .keyringUnavailable: true
        case .unavailable, .unknownServer, .refusedAddress, .badMetadata, .unsupported, .registration, .client,
            .noClient, .denied, .badRedirect, .timeout:
            false
        }
    }
}

extension OAuthError {
    static func needsSignIn(_ alias: String) -> OAuthError {
        OAuthError(.needsSignIn, "You have to sign in to \(alias).", next: "doorward connect \(alias)")
    }
}
