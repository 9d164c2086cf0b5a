/// The names that a coordinator's signatures stand under.
///
/// One key signs them all, and the first line tells them apart.
package struct Origins: Sendable, Hashable {
    /// `host` or `host:port` of the coordinator's URL.
    package let host: String

    /// The names of the coordinator at `host`.
    package init(host: String) { self.host = host }

    /// The names of the coordinator whose organisation log is `audit`, or nil if that is no such name.
    package init?(audit: String) {
        guard audit.hasSuffix("/audit"), audit.utf8.count > 6 else { return nil }
        host = String(audit.dropLast(6))
    }

    /// The organisation log; also what every request of an agent is bound to.
    package var audit: String { "\(host)/audit" }
    /// The policy bundle.
    package var bundle: String { "\(host)/bundle" }
    /// Who a person is.
    package var binding: String { "\(host)/binding" }
    /// The servers that a person may know.
    package var entries: String { "\(host)/entries" }

    /// The log of one agent.
    package func agent(_ agentID: String) -> String { "\(host)/agent/\(agentID)" }
}
