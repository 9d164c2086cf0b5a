package import Errors

/// An error in the stored policies; an error of a sender is a `Refused` instead.
package typealias PolicyStoreError = KindError<PolicyStoreFault>

/// What went wrong in the store.
package enum PolicyStoreFault: String, ErrorKind {
    /// What is stored contradicts itself.
    case damaged = "policy_damaged"
    /// This release cannot take the stored file as a policy.
    case unreadable = "policy_unreadable"
}

extension KindError where Kind == PolicyStoreFault {
    static func damaged(_ what: String) -> PolicyStoreError {
        PolicyStoreError(
            .damaged,
            "The stored policy contradicts itself: \(what).",
            next: "Stop the coordinator and restore its database from a backup."
        )
    }
}
