internal import Contract
internal import StrictJSON

extension Refused {
    /// The provider cannot be asked.
    static func providerUnavailable(_ why: String) -> Refused {
        Refused(
            "provider_unavailable",
            "The organisation's identity provider does not answer (\(why)).",
            next: "Try again in a minute; an administrator has another way in: doorward admin console",
            members: ["retry_after": 60]
        )
    }

    /// The provider has said something that is not believed.
    static func providerAnswer(_ why: String) -> Refused {
        Refused(
            "provider_answer",
            "The answer of the identity provider is refused: \(why).",
            next: "Sign in again; where that does not help, an administrator looks at the settings of the provider."
        )
    }

    /// The provider says no, in its own word for it.
    static func providerRefused(_ code: String) -> Refused {
        Refused(
            "sign_in_denied",
            "The identity provider has not signed you in (\(code)).",
            next: "Sign in again, or ask those who run the provider."
        )
    }

    static let noAddress = Refused(
        "not_admitted",
        "The identity provider says no e-mail address of yours, and people are known by theirs here.",
        next: "Ask those who run the provider to give this client the claim email."
    )

    static func addressUnverified(_ email: String) -> Refused {
        Refused(
            "not_admitted",
            "The identity provider does not say that \(email) is verified to be yours.",
            next: "Verify it at the provider; where the provider hands addresses out itself: serve --oidc-trust-email"
        )
    }

    /// The answer does not belong to a sign-in that this browser has begun a moment ago.
    static let flowUnknown = Refused(
        "sign_in_stale",
        "This sign-in was not begun in this browser, or too long ago, or was ended before.",
        next: "Sign in again: open /sign-in at the coordinator's URL."
    )
}
