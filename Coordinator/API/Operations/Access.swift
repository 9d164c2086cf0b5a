internal import People

/// Who may use an operation: everyone who is named here, and everyone above him.
///
/// The raw value is the one that the description of the API carries as `x-doorward-role`.
package enum Access: String, Sendable, CaseIterable {
    /// Anybody who reaches the coordinator.
    case anonymous
    /// A person of the organisation.
    case member
    /// Reads what was done: reports, machines, people.
    case auditor
    /// Changes the policy.
    case editor
    /// Changes everything but who is above him.
    case admin
    case owner
    /// An enrolled machine, for itself, whatever its person's role; never a token.
    case agent
}

/// What an API token opens, of what its maker may do.
package enum Scope: String, Sendable, CaseIterable {
    /// Everything.
    case admin
    /// Everything that only reads.
    case read
    case policy
    case audit
    case metrics
}
