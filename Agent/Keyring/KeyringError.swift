/// Why a secret could not be stored or removed.
package struct KeyringError: Error, Sendable, CustomStringConvertible {
    /// What went wrong, for code to decide on.
    package struct Code: Hashable, Sendable, CustomStringConvertible {
        package let description: String

        /// The keyring has to be unlocked first.
        package static let locked = Self(description: "keyring_locked")
        /// The user did not let it be unlocked.
        package static let cancelled = Self(description: "keyring_cancelled")
        /// This machine has no keyring, or it does not answer.
        package static let unavailable = Self(description: "keyring_unavailable")
        /// It refused for a reason of its own.
        package static let failed = Self(description: "keyring_failed")
    }

    package let code: Code
    /// Safe to show.
    package let message: String
    /// What the user can do next.
    package let hint: String

    package init(_ code: Code, _ message: String, hint: String) {
        self.code = code
        self.message = message
        self.hint = hint
    }

    package var description: String { "\(code): \(message)" }

    package static let locked = KeyringError(
        .locked,
        "the keyring is locked",
        hint: "doorward unlock"
    )
    static let cancelled = KeyringError(
        .cancelled,
        "the keyring was not unlocked",
        hint: "Try again, and give the keyring's password when it asks."
    )

    /// No keyring answers, or none has a place for secrets.
    package static func unavailable(_ why: String, _ provider: KeyringProvider = .unknown) -> KeyringError {
        let subject = provider == .unknown ? "there is no keyring that answers" : "\(provider.name) cannot be used"
        return KeyringError(.unavailable, "\(subject): \(why)", hint: provider.remedy)
    }

    /// The keyring is open, and keeps this entry to itself.
    static func guarded(_ provider: KeyringProvider) -> KeyringError {
        KeyringError(.locked, "\(provider.name) wants to be asked for this entry", hint: provider.opening)
    }

    /// Another program than this one kept what is looked for.
    static func elsewhere(_ home: KeyringProvider, _ provider: KeyringProvider) -> KeyringError {
        KeyringError(
            .unavailable,
            "\(provider.name) answers as the keyring, and \(home.name) has what is looked for",
            hint: "Have \(home.name) answer again and end \(provider.name), or leave and enrol anew: "
                + "doorward logout --offline"
        )
    }

    /// It did not give back what it was given.
    package static func forgetful(_ provider: KeyringProvider) -> KeyringError {
        KeyringError(.failed, "\(provider.name) did not keep what was stored", hint: provider.viewer)
    }
}

extension KeyringError: Equatable {
    /// Errors are equal when their codes are.
    package static func == (left: Self, right: Self) -> Bool { left.code == right.code }
}

extension KeyringError {
    /// Why a secret that must be there could not be read from this keyring; nil for `found` and `absent`.
    package init?(_ reading: SecretReading, _ provider: KeyringProvider = .unknown) {
        switch reading {
        case .found, .absent: return nil
        case .locked: self = .locked
        case .guarded: self = .guarded(provider)
        case .cancelled: self = .cancelled
        case .unavailable(let why): self = .unavailable(why, provider)
        case .elsewhere(let home): self = .elsewhere(home, provider)
        case .corrupt:
            self = KeyringError(.failed, "an entry of Doorward cannot be read", hint: provider.viewer)
        case .foreign:
            self = KeyringError(
                .failed,
                "another program has made an entry that looks like one of Doorward's",
                hint: provider.viewer
            )
        }
    }
}
