/// The revisions of the protocol: the only place that knows their dates.
package enum Revisions {
    /// Those that begin with `initialize`, oldest first.
    package static let handshake = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"]
    /// Those in which each request stands alone, oldest first.
    package static let modern = ["2026-07-28"]

    /// The family of a revision.
    package enum Era: Hashable, Sendable {
        case handshake, modern
    }

    /// The family of the revision with this name; nil for one that nobody knows.
    package static func era(of version: UnsafeBufferPointer<UInt8>) -> Era? {
        // Both lists have names of ten bytes, and the modern one is by far the more frequent.
        guard version.count == 10 else { return nil }
        if modern.contains(where: { $0.utf8.elementsEqual(version) }) { return .modern }
        if handshake.contains(where: { $0.utf8.elementsEqual(version) }) { return .handshake }
        return nil
    }
}
