package import AgentState
internal import Contract
internal import Glibc
internal import ServiceKit
internal import TransparencyLog

/// What an agent keeps of the coordinator's signed statements that do not fit together.
///
/// * `org-seen.note`, `org-shown.note`: two that contradict each other; they stay until the log is restarted.
/// * `unproven-seen.note`, `unproven-shown.note`: two that nothing proves to go together; they stay until something
///   does.
/// * `epoch-N-...`: what was seen last of the log before it was restarted as N, and how the restart was told.
/// * `unreported.note`: the state that the coordinator has still to be told of.
package struct OrgEvidence: Sendable, Equatable {
    /// The signed note that was seen first.
    package let seen: String
    /// The one that came later.
    package let shown: String
    /// Where both are kept.
    package let folder: String
    /// Whether they contradict each other; else there is only no proof yet that they do not.
    package let isContradiction: Bool

    /// What is kept of a membership; nil where nothing is in doubt.
    package static func load(_ membership: Membership, home: AgentHome) -> OrgEvidence? {
        let folder = OrgEvidenceFolder(membership, home: home)
        for pair in OrgEvidenceFolder.Pair.allCases {
            if let found = try? folder.load(pair) {
                return OrgEvidence(
                    seen: found.seen.note,
                    shown: found.shown.note,
                    folder: folder.path,
                    isContradiction: pair == .contradiction
                )
            }
        }
        return nil
    }
}

/// The files of one membership's evidence.
struct OrgEvidenceFolder: Sendable {
    enum Pair: String, CaseIterable {
        case contradiction = "org"
        case unproven
    }

    let path: String
    private let origin: String
    private let key: VerifyingKey

    init(_ membership: Membership, home: AgentHome) {
        path = "\(home.evidence)/\(membership.agentID)"
        origin = membership.origin
        key = membership.coordinatorKey
    }

    private static let longest = 64 << 10

    func head(_ name: String) throws -> OrgHead? {
        guard let bytes = try DurableFile.read("\(path)/\(name)", maxBytes: Self.longest) else { return nil }
        return try? OrgHead(String(decoding: bytes, as: UTF8.self), origin: origin, key: key)
    }

    func load(_ pair: Pair) throws -> OrgContradiction? {
        guard let seen = try head("\(pair.rawValue)-seen.note"), let shown = try head("\(pair.rawValue)-shown.note")
        else { return nil }
        return OrgContradiction(seen: seen, shown: shown)
    }

    /// Keeps both sides, once: the first pair says all.
    func keep(_ found: OrgContradiction, as pair: Pair) throws {
        guard try load(pair) == nil else { return }
        try write(found.seen.note, "\(pair.rawValue)-seen.note")
        try write(found.shown.note, "\(pair.rawValue)-shown.note")
    }

    /// Something has proven that there was no contradiction.
    func forget(_ pair: Pair) {
        for side in ["seen", "shown"] { unlink("\(path)/\(pair.rawValue)-\(side).note") }
    }

    /// Keeps what was seen of the log before a restart, durably; the coordinator has still to hear of it.
    func keep(lost: OrgHead, restart: ProvenLeaf, in head: OrgHead) throws {
        let name = "epoch-\(head.epoch)"
        try write(lost.note, "\(name)-before.note")
        try write(head.note, "\(name)-after.note")
        try write(String(decoding: restart.leaf, as: UTF8.self), "\(name)-restart.json")
        try write(lost.note, Self.unreported)
    }

    /// Ends a contradiction by a restart: both sides stay, under the number of the epoch that ended it.
    func close(in epoch: Int) {
        for side in ["seen", "shown"] {
            rename("\(path)/org-\(side).note", "\(path)/epoch-\(epoch)-org-\(side).note")
        }
        forget(.unproven)
    }

    /// The state that the coordinator has still to hear of.
    func unreported() throws -> OrgHead? { try head(Self.unreported) }

    func reported() { unlink("\(path)/\(Self.unreported)") }

    private static let unreported = "unreported.note"

    private func write(_ text: String, _ name: String) throws {
        try AgentHome.makeFolder(path)
        try DurableFile.write(Array(text.utf8), to: "\(path)/\(name)")
    }
}
