package import AuditLog
internal import Bytes
internal import StrictJSON
internal import TransparencyLog

/// That the records of an agent below a number were removed from the coordinator, as a leaf of its log says it.
package struct RecordRemoval: Sendable, Equatable {
    package let agent: String
    /// The records below this number are gone.
    package let below: Int
    /// The pseudonym of the person who removed them.
    package let who: String
    /// In microseconds since 1970.
    package let time: Int64

    /// The subject of the change when an administrator removes the records of an agent: `agents/AGENT/log/below/N`.
    package static func subject(agent: String, below: Int) -> String { "agents/\(agent)/log/below/\(below)" }

    /// The removal that a leaf states; nil if it does not state a removal of this agent's records.
    package init?(_ leaf: OrgLeaf, agent: String) {
        guard case .adminChange(let change) = leaf.body else { return nil }
        let what = change.what.string
        guard let digits = what.split(separator: "/", omittingEmptySubsequences: false).last,
            let below = Int(digits), (1...Int(Checkpoint.maxSize)).contains(below),
            what.utf8.elementsEqual(Self.subject(agent: agent, below: below).utf8)
        else { return nil }
        self.agent = agent
        self.below = below
        who = change.who.string
        time = leaf.time
    }

    /// What a report does not show for it.
    var words: String {
        "What agent \(agent) recorded below number \(below): \(who) removed these records from the coordinator at"
            + " \(Timestamp.text(time))."
    }
}

extension ReportVerifier {
    /// The removals that leaves of the report state.
    static func removals(_ frame: ReportEnvelope<some ReportSource>) throws(ReportFailure) -> [RecordRemoval] {
        var removals: [RecordRemoval] = []
        for file in frame.summary.files {
            guard case .removal(let agent) = file.path else { continue }
            guard let removal = RecordRemoval(try frame.leaf(file.path).leaf, agent: agent) else {
                throw ReportFailure(file.path, "the leaf is not the removal of records of agent \(agent)")
            }
            removals.append(removal)
        }
        return removals
    }
}
