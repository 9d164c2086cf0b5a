package import Errors

/// Why something between this machine and its coordinator did not work.
///
/// Its message is safe to show: no token, key or body.
package typealias LinkError = KindError<LinkFault>

/// What can go wrong there; the raw values are the codes that are shown.
package enum LinkFault: String, ErrorKind {
    /// This machine has no coordinator.
    case notEnrolled = "not_enrolled"
    /// This machine has a coordinator already.
    case alreadyEnrolled = "already_enrolled"
    /// The URL is not a coordinator's.
    case badURL = "bad_url"
    /// The token has not the form of one.
    case badToken = "bad_token"
    /// The file holds no certificate.
    case badAuthority = "bad_ca"
    /// The token is for another coordinator than the one that answers; nothing was sent to it.
    case wrongCoordinator = "wrong_coordinator"
    /// What the coordinator says is not signed by it, not proven, or contradicts what it said before.
    case untrusted = "untrusted_answer"
    /// What the coordinator says is older than what it said before: a lagging replica, a cache, something on the way.
    case stale = "stale_answer"
    /// The parts of an answer are damaged, or do not belong together or to this machine.
    case unproven = "unproven_answer"
    /// People do not sign in with a browser there: a token is needed.
    case noBrowserSignIn = "browser_sign_in_unavailable"
    /// The person has said no in the browser.
    case refused = "access_denied"
    /// The person has said nothing in the browser.
    case timeout
    /// The coordinator answered something that this release does not understand.
    case unexpected = "coordinator_answer"
    /// The keyring has to be unlocked first.
    case locked = "keyring_locked"
    /// There is no keyring, or it does not answer.
    case unavailable = "keyring_unavailable"
    /// The user did not let the keyring be used.
    case cancelled = "keyring_cancelled"
    /// The keyring is open and does not hold this machine's key.
    case keyMissing = "key_missing"
    /// Records wait that the coordinator has not countersigned.
    case pending = "records_pending"

    package var needsUser: Bool {
        switch self {
        case .notEnrolled, .locked, .unavailable, .cancelled, .keyMissing, .noBrowserSignIn: true
        case .alreadyEnrolled, .badURL, .badToken, .badAuthority, .wrongCoordinator, .untrusted, .stale, .unproven,
            .unexpected, .pending, .refused, .timeout:
            false
        }
    }
}
