internal import AuditLog
internal import Logging
internal import ServiceKit
internal import Synchronization

/// Remembers the newest state of the organisation's log, and keeps both sides of a contradiction.
///
/// Every agent does this, so that nobody can show one history to one and another to the next.
package final class OrgWatch: Sendable {
    private let path: String
    private let evidence: String
    private let origin: String
    private let key: VerifyingKey
    private let history: Mutex<OrgHistory>
    private let isContradicted = Mutex(false)

    /// The watch of a membership, which goes on where it was.
    package init(_ membership: Membership, home: AgentHome) throws {
        path = "\(home.state)/org.note"
        evidence = "\(home.evidence)/\(membership.agentID)"
        origin = membership.origin
        key = membership.coordinatorKey
        // What is damaged is forgotten and seen anew; whoever can write here could take it away as well.
        history = Mutex(OrgHistory(proven: try Self.head(path, membership)))
        let shown = try Self.head("\(evidence)/\(Self.shownName)", membership)
        isContradicted.withLock { $0 = shown != nil }
    }

    private static let seenName = "org-seen.note"
    private static let shownName = "org-shown.note"

    private static func head(_ path: String, _ membership: Membership) throws -> OrgHead? {
        guard let bytes = try DurableFile.read(path, maxBytes: 64 << 10) else { return nil }
        let note = String(decoding: bytes, as: UTF8.self)
        return try? OrgHead(note, origin: membership.origin, key: membership.coordinatorKey)
    }

    /// Whether the coordinator has contradicted itself: then nothing more is taken from it, until the user enrols anew.
    package var isBroken: Bool { isContradicted.withLock { $0 } }

    /// The state that the next answer has to extend.
    func question() -> OrgHead? { history.withLock { $0.question() } }

    /// Takes the state in an answer; on return it is remembered durably.
    ///
    /// - Throws: `LinkError.untrusted`, with the evidence kept if the state contradicts another.
    func answered(_ note: String, to question: OrgHead?, proof: [Hash]) throws {
        let head = try OrgHead(note, origin: origin, key: key)
        let proven = try take { history throws(OrgContradiction) in
            let before = history.proven
            try history.answered(head, to: question, proof: proof)
            return history.proven == before ? nil : history.proven
        }
        if let proven { try DurableFile.write(Array(proven.note.utf8), to: path) }
    }

    /// Takes the state in a receipt.
    func claimed(_ note: String) throws {
        let head = try OrgHead(note, origin: origin, key: key)
        try take { history throws(OrgContradiction) in try history.claimed(head) }
    }

    private func take<Result>(_ body: (inout OrgHistory) throws(OrgContradiction) -> Result) throws -> Result {
        let found: OrgContradiction
        do {
            return try history.withLock { history throws(OrgContradiction) in try body(&history) }
        } catch {
            found = error
        }
        isContradicted.withLock { $0 = true }
        // A disk that does not take the evidence changes nothing about what it proves to this machine.
        try? keep(found)
        throw LinkError(
            .untrusted,
            "the coordinator shows two histories of its log; both are kept in \(evidence)",
            next: "Send the files in \(evidence) to whoever audits the coordinator."
        )
    }

    /// Keeps both sides, once: the first contradiction says all.
    private func keep(_ found: OrgContradiction) throws {
        try AgentHome.makeFolder(evidence)
        guard try DurableFile.read("\(evidence)/\(Self.shownName)", maxBytes: 64 << 10) == nil else { return }
        try DurableFile.write(Array(found.seen.note.utf8), to: "\(evidence)/\(Self.seenName)")
        try DurableFile.write(Array(found.shown.note.utf8), to: "\(evidence)/\(Self.shownName)")
    }
}
