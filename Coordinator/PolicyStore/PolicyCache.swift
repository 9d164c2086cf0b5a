internal import Synchronization

/// The policy as it was read last, with the revision at which it was.
final class PolicyCache: Sendable {
    private let kept = Mutex<(revision: Int, policy: AppliedPolicy)?>(nil)

    /// The policy at `revision`, which `read` gets where it is not at hand.
    ///
    /// A view that is older than what is kept reads for itself and does not replace it.
    func policy(at revision: Int, read: () throws -> AppliedPolicy) throws -> AppliedPolicy {
        if let kept = kept.withLock({ $0 }), kept.revision == revision { return kept.policy }
        let policy = try read()
        kept.withLock { kept in
            if revision > kept?.revision ?? -1 { kept = (revision, policy) }
        }
        return policy
    }
}
