internal import Bytes
internal import StrictJSON

/// The revisions of the protocol: the only place that knows their dates.
package enum Revisions {
    /// Those that begin with `initialize`, oldest first.
    package static let handshake = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"]
    /// Those in which each request is independent, oldest first.
    package static let modern = ["\(newest)"]
    private static let newest: StaticString = "2026-07-28"

    /// The family of a revision.
    package enum Era: Hashable, Sendable {
        case handshake, modern
    }

    /// The family of the revision with this name; nil for an unknown one.
    package static func era(of version: UnsafeBufferPointer<UInt8>) -> Era? {
        // The modern one is by far the more frequent.
        if version.isEqual(to: newest) { return .modern }
        return handshake.contains { $0.utf8.elementsEqual(version) } ? .handshake : nil
    }
}
