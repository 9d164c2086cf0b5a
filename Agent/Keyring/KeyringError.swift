package import Errors

/// Why a secret could not be stored or removed.
package typealias KeyringError = KindError<KeyringFault>

/// What went wrong with the keyring.
package enum KeyringFault: String, ErrorKind {
    /// The keyring has to be unlocked first.
    case locked = "keyring_locked"
    /// The user did not let it be unlocked.
    case cancelled = "keyring_cancelled"
    /// This machine has no keyring, or it does not answer.
    case unavailable = "keyring_unavailable"
    /// It refused for a reason of its own.
    case failed = "keyring_failed"

    package var needsUser: Bool { self != .failed }
}

extension KindError where Kind == KeyringFault {
    package static var locked: KeyringError {
        KeyringError(.locked, "the keyring is locked", next: "doorward unlock")
    }

    static var cancelled: KeyringError {
        KeyringError(
            .cancelled,
            "the keyring was not unlocked",
            next: "Try again, and give the keyring's password when it asks."
        )
    }

    /// No keyring answers, or none has a place for secrets.
    package static func unavailable(_ why: String, _ provider: KeyringProvider = .unknown) -> KeyringError {
        let subject = provider == .unknown ? "there is no keyring that answers" : "\(provider.name) cannot be used"
        return KeyringError(.unavailable, "\(subject): \(why)", next: provider.remedy)
    }

    /// The keyring is open, and keeps this entry to itself.
    static func guarded(_ provider: KeyringProvider) -> KeyringError {
        KeyringError(.locked, "\(provider.name) wants to be asked for this entry", next: provider.opening)
    }

    /// Another program than this one kept what is looked for.
    static func elsewhere(_ home: KeyringProvider, _ provider: KeyringProvider) -> KeyringError {
        KeyringError(
            .unavailable,
            "\(provider.name) answers as the keyring, and \(home.name) has what is looked for",
            next: "Have \(home.name) answer again and end \(provider.name), or leave and enrol anew: "
                + "doorward logout --offline"
        )
    }

    /// It did not give back what it was given.
    package static func forgetful(_ provider: KeyringProvider) -> KeyringError {
        KeyringError(.failed, "\(provider.name) did not keep what was stored", next: provider.viewer)
    }
}

extension KindError where Kind == KeyringFault {
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
            self = KeyringError(.failed, "an entry of Doorward cannot be read", next: provider.viewer)
        case .foreign:
            self = KeyringError(
                .failed,
                "another program has made an entry that looks like one of Doorward's",
                next: provider.viewer
            )
        }
    }
}
