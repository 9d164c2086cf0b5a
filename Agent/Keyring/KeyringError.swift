/// Why a secret could not be stored or removed.
package struct KeyringError: Error, Sendable, CustomStringConvertible {
    /// What went wrong, for code to decide on.
    package struct Code: Hashable, Sendable, CustomStringConvertible {
        package let description: String

        /// The keyring has to be unlocked first.
        package static let locked = Self(description: "keyring_locked")
        /// The user did not let it be unlocked.
        package static let cancelled = Self(description: "keyring_cancelled")
        /// There is none, or it does not answer.
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

    static func unavailable(_ why: String) -> KeyringError {
        KeyringError(
            .unavailable,
            "there is no keyring that answers: \(why)",
            hint: "Start one on this desktop (gnome-keyring-daemon --start --components=secrets), and try again."
        )
    }
}

extension KeyringError: Equatable {
    /// Errors are equal when their codes are.
    package static func == (left: Self, right: Self) -> Bool { left.code == right.code }
}

extension KeyringError {
    /// Why a secret that must be there could not be read; nil for `found` and `absent`.
    package init?(_ reading: SecretReading) {
        switch reading {
        case .found, .absent: return nil
        case .locked: self = .locked
        case .cancelled: self = .cancelled
        case .unavailable(let why): self = .unavailable(why)
        case .corrupt:
            self = KeyringError(
                .failed,
                "the keyring holds something else under this name",
                hint: "Look at the entries of doorward in Passwords and Keys (seahorse)."
            )
        }
    }
}
