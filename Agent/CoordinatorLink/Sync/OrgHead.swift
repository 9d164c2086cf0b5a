internal import AuditLog
internal import Contract
internal import Errors
internal import ServiceKit
internal import TransparencyLog

/// A signed state of the organisation's log, as the coordinator handed it out.
struct OrgHead: Sendable, Equatable {
    let checkpoint: Checkpoint
    /// The number of the log's last restart before it; 0 before any.
    let epoch: Int
    /// The whole note: what proves to others that it was said.
    let note: String

    /// Reads a note that the coordinator must have signed as a state of its log, in any epoch.
    ///
    /// - Parameters:
    ///   - note: The note.
    ///   - origin: The log's name before any restart.
    ///   - key: The coordinator's.
    /// - Throws: `.untrusted` for anything else.
    init(_ note: String, origin: String, key: VerifyingKey) throws(LinkError) {
        guard let parsed = try? Note(parsing: Array(note.utf8)), let checkpoint = try? Checkpoint(parsing: parsed.text),
            let epoch = LogNames(audit: origin)?.epoch(origin: checkpoint.origin),
            parsed.isSigned(name: checkpoint.origin, key: key)
        else { throw LinkError(.untrusted, "the state of the organisation's log is not signed by the coordinator") }
        self.checkpoint = checkpoint
        self.epoch = epoch
        self.note = note
    }

    /// The state as text.
    var words: String { "\(checkpoint.size) leaves with the root \(checkpoint.root.base64)" }
}

/// The first leaf of an epoch of the organisation's log, proven in a signed state of this epoch.
///
/// The coordinator's signature under that state is what makes it true; no one on the way can make up a restart.
struct OrgRestart: Sendable, Equatable {
    let leaf: OrgLeaf.LogRestart

    /// Checks a leaf; throws `LinkError` unless it begins the epoch of the state and has the index that it names.
    init(_ proven: ProvenLeaf, in head: OrgHead) throws(LinkError) {
        guard let parsed = try? OrgLeaf(parsing: proven.leaf), case .logRestart(let leaf) = parsed.body,
            leaf.epoch == head.epoch, UInt64(max(proven.index, 0)) == leaf.base.size
        else { throw LinkError(.unproven, "the restart of the organisation's log is not the one of its state") }
        try UploadProofs.checkInclusion(proven, parsed, in: head)
        self.leaf = leaf
    }
}
