internal import Contract
internal import Synchronization

/// The entries as they were parsed last, with the revision at which they were.
final class RegistryCache: Sendable {
    private let parsed = Mutex<(revision: Int, entries: [RegistryEntry])?>(nil)

    /// The entries at `revision`, which `parse` reads where they are not at hand.
    ///
    /// A view that is older than what is kept parses for itself and does not replace it.
    func entries(at revision: Int, parse: () throws -> [RegistryEntry]) throws -> [RegistryEntry] {
        if let kept = parsed.withLock({ $0 }), kept.revision == revision { return kept.entries }
        let entries = try parse()
        parsed.withLock { parsed in
            if revision > parsed?.revision ?? -1 { parsed = (revision, entries) }
        }
        return entries
    }
}
