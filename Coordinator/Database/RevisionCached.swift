internal import Synchronization

/// A value that was read from the database, with the revision at which it was read.
package final class RevisionCached<Value: Sendable>: Sendable {
    private let kept = Mutex<(revision: Int, value: Value)?>(nil)

    /// Nothing was read yet.
    package init() {}

    /// The value at `revision`, which `read` gets where it is not at hand.
    ///
    /// A view that is older than what is kept reads for itself and does not replace it.
    package func value(at revision: Int, read: () throws -> Value) throws -> Value {
        if let kept = kept.withLock({ $0 }), kept.revision == revision { return kept.value }
        let value = try read()
        kept.withLock { kept in
            if revision > kept?.revision ?? -1 { kept = (revision, value) }
        }
        return value
    }
}
