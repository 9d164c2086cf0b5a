internal import Errors

/// Why a membership cannot go on: states that only its user ends, by leaving.
///
/// Each has the same message everywhere.
package enum MembershipTrouble: String, Sendable, CaseIterable {
    /// The coordinator has signed that this machine's key was revoked.
    case revoked
    /// The keyring is open and does not hold the key that this machine enrolled with.
    case keyMissing = "key_missing"
    /// The coordinator does not know this machine's key: it was made anew, or has lost what it knew.
    case unknownKey = "unknown_key"
    /// The coordinator holds a log of this machine that contradicts its own.
    case logForked = "log_forked"
    /// The coordinator has lost records that it had countersigned, and they are not here any more.
    case logLost = "log_lost"
}

extension MembershipTrouble: ExplainedError {
    package var code: String { rawValue }

    package var message: String {
        switch self {
        case .revoked:
            "This machine's key was revoked by its coordinator: no call passes, and no record is taken from it any more."
        case .keyMissing:
            "The keyring does not hold the key that this machine enrolled with. Restore the keyring, or leave and enrol anew."
        case .unknownKey:
            "The coordinator does not know this machine's key: it was made anew, or has lost what it knew."
        case .logForked:
            "The coordinator holds records of this machine that contradict its own, and takes no more of them."
        case .logLost:
            "The coordinator has lost records of this machine that it had countersigned, and can take no more of them."
        }
    }

    package var needsUser: Bool { self == .keyMissing }

    /// One and the same for all: what the coordinator will never take is kept, and the machine is free to enrol again.
    package var next: String? { "doorward logout" }
}
