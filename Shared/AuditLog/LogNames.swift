internal import TransparencyLog

/// The names under which a coordinator's logs and documents go: the origin lines of its notes.
package struct LogNames: Sendable, Hashable {
    /// The host, and the port where it is not the scheme's own, of the coordinator's URL.
    package let host: String

    package init(host: String) {
        self.host = host
    }

    /// The names that belong to an org log; nil where `audit` is no name of one.
    package init?(audit: String) {
        guard audit.hasSuffix("/audit"), audit.utf8.count > 6 else { return nil }
        host = String(audit.dropLast(6))
    }

    /// The org log, the audience of signed requests, and the name under which the coordinator countersigns agents' logs.
    package var audit: String { "\(host)/audit" }

    /// The name under which states of the org log are signed since it was restarted under the number `epoch`; before any
    /// restart the epoch is 0.
    package func audit(epoch: Int) -> String { epoch == 0 ? audit : "\(audit)/epoch-\(epoch)" }

    /// The epoch of a state of the org log, by its origin line; nil if the line is not of this log.
    package func epoch(origin: String) -> Int? {
        if origin.utf8.elementsEqual(audit.utf8) { return 0 }
        guard let epoch = Int(origin.dropFirst("\(audit)/epoch-".count)), epoch > 0, epoch <= Int(Checkpoint.maxSize),
            audit(epoch: epoch).utf8.elementsEqual(origin.utf8)
        else { return nil }
        return epoch
    }

    package var bundle: String { "\(host)/bundle" }
    package var binding: String { "\(host)/binding" }
    package var entries: String { "\(host)/entries" }
    package var pins: String { "\(host)/pins" }
    /// What says of one agent which documents belong together.
    package var state: String { "\(host)/state" }
    /// Where the coordinator says that a machine's key is revoked.
    package var revocation: String { "\(host)/revocation" }
    package var report: String { "\(host)/report" }

    /// The log of one agent.
    package func agent(_ id: String) -> String { "\(host)/agent/\(id)" }
}
