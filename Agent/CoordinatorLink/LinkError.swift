internal import ServiceKit

/// Why something between this machine and its coordinator did not work.
package struct LinkError: ExplainedError, Sendable {
    /// What went wrong, for code to decide on.
    package struct Kind: Hashable, Sendable {
        private enum Name: String {
            case notEnrolled = "not_enrolled"
            case alreadyEnrolled = "already_enrolled"
            case badHome = "bad_home"
            case badURL = "bad_url"
            case badToken = "bad_token"
            case badAuthority = "bad_ca"
            case wrongCoordinator = "wrong_coordinator"
            case untrusted = "untrusted_answer"
            case unexpected = "coordinator_answer"
            case locked = "keyring_locked"
            case unavailable = "keyring_unavailable"
            case cancelled = "keyring_cancelled"
            case keyMissing = "key_missing"
            case pending = "records_pending"
            case damaged = "membership_damaged"
        }

        private let name: Name

        /// This machine has no coordinator.
        package static let notEnrolled = Kind(name: .notEnrolled)
        /// This machine has a coordinator already.
        package static let alreadyEnrolled = Kind(name: .alreadyEnrolled)
        /// The environment names no folder to work in, or one in which no socket can stand.
        package static let badHome = Kind(name: .badHome)
        /// The URL is none of a coordinator.
        package static let badURL = Kind(name: .badURL)
        /// The token has not the form of one.
        package static let badToken = Kind(name: .badToken)
        /// The file holds no certificate.
        package static let badAuthority = Kind(name: .badAuthority)
        /// The token is for another coordinator than the one that answers; nothing was sent to it.
        package static let wrongCoordinator = Kind(name: .wrongCoordinator)
        /// What the coordinator says is not signed by it, not proven, or contradicts what it said before.
        package static let untrusted = Kind(name: .untrusted)
        /// The coordinator answered something that this release does not understand.
        package static let unexpected = Kind(name: .unexpected)
        /// The keyring has to be unlocked first.
        package static let locked = Kind(name: .locked)
        /// There is no keyring, or it does not answer.
        package static let unavailable = Kind(name: .unavailable)
        /// The user did not let the keyring be used.
        package static let cancelled = Kind(name: .cancelled)
        /// The keyring is open and does not hold this machine's key.
        package static let keyMissing = Kind(name: .keyMissing)
        /// Records wait that the coordinator has not countersigned.
        package static let pending = Kind(name: .pending)
        /// The file that says which coordinator this machine belongs to is damaged.
        package static let damaged = Kind(name: .damaged)

        var text: String { name.rawValue }
    }

    package let kind: Kind
    /// Safe to show: no token, key or body.
    package let message: String
    package let next: String?

    package var code: String { kind.text }

    package init(_ kind: Kind, _ message: String, next: String? = nil) {
        self.kind = kind
        self.message = message
        self.next = next
    }
}

extension LinkError: Equatable {
    /// Errors are equal when their kinds are: a test states the error that it expects, words are for people.
    package static func == (left: LinkError, right: LinkError) -> Bool { left.kind == right.kind }
}

extension LinkError: CustomStringConvertible {
    package var description: String { "\(code): \(message)" }
}
