internal import AuditLog
package import TransparencyLog

/// What a change by an administrator was made from, or made: the organisation's log has its digest, and the database the
/// text beside it, so that a person can read what was changed.
package struct StatedText: Sendable, Equatable {
    package let digest: Hash
    /// Nil where it is not at hand, or too long to be kept twice.
    package let text: [UInt8]?

    /// The longest text that is kept.
    package static let longest = 64 << 10

    /// A text.
    package init(_ text: [UInt8]) {
        digest = .of(text)
        self.text = text.count <= Self.longest ? text : nil
    }

    /// What only the digest is known of.
    package init(digest: Hash) {
        self.digest = digest
        text = nil
    }
}
