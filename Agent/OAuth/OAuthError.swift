internal import ServiceKit

/// Why a sign-in or a renewal did not come about.
package struct OAuthError: ExplainedError, Sendable {
    /// What went wrong, for code to decide on.
    package struct Kind: Hashable, Sendable {
        let text: String

        /// The user has to sign in, for the first time or again.
        package static let needsSignIn = Kind(text: "needs_sign_in")
        /// The keyring has to be unlocked first.
        package static let locked = Kind(text: "keyring_locked")
        /// There is no keyring, or it does not answer.
        package static let keyringUnavailable = Kind(text: "keyring_unavailable")
        /// The authorization server does not answer as it should; it may later.
        package static let unavailable = Kind(text: "authorization_unavailable")
        /// There is no such server, or it needs no sign-in.
        package static let unknownServer = Kind(text: "unknown_server")
        /// Metadata names an address where nothing is fetched from.
        package static let refusedAddress = Kind(text: "refused_address")
        /// Metadata is missing, malformed, or contradicts itself.
        package static let badMetadata = Kind(text: "bad_metadata")
        /// The authorization server lacks what is required, such as PKCE with S256.
        package static let unsupported = Kind(text: "unsupported_authorization_server")
        /// The server would not take Doorward as its client.
        package static let registration = Kind(text: "registration_refused")
        /// The user, or the server, said no.
        package static let denied = Kind(text: "authorization_denied")
        /// The answer to the browser was not one to this sign-in.
        package static let badRedirect = Kind(text: "bad_redirect")
        /// Nobody came back from the browser in time.
        package static let timeout = Kind(text: "sign_in_timeout")
    }

    package let kind: Kind
    /// Safe to show: no token, code, query or body of a stranger.
    package let message: String
    package let next: String?

    package var code: String { kind.text }

    package init(_ kind: Kind, _ message: String, next: String? = nil) {
        self.kind = kind
        self.message = message
        self.next = next
    }
}

extension OAuthError: Equatable, CustomStringConvertible {
    /// Errors are equal when their kinds are.
    package static func == (left: Self, right: Self) -> Bool { left.kind == right.kind }

    package var description: String { "\(code): \(message)" }
}

extension OAuthError {
    static func needsSignIn(_ alias: String) -> OAuthError {
        OAuthError(.needsSignIn, "You have to sign in to \(alias).", next: "doorward connect \(alias)")
    }
}
