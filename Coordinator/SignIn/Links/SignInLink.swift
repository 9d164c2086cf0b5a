package import Bytes
package import StrictJSON

/// A one-time sign-in link, shown once: whoever opens it first is signed in as its person.
package struct SignInLink: Sendable {
    /// Absolute.
    package let url: String
    /// The person's e-mail address.
    package let user: String
    package let expires: UTCTime

    /// As it is answered and printed.
    package var json: JSONValue {
        ["url": .text(url), "user": .text(user), "expires": .text(expires.shortText)]
    }

    /// The path of a link, before its secret.
    package static let path = "/sign-in/link/"
}

/// What a link that is open leads to.
package struct LinkOffer: Sendable, Equatable {
    /// The person's e-mail address.
    package let user: String
}
