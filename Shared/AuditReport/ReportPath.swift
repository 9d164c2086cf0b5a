internal import AuditLog
internal import TransparencyLog

/// The files of a report, besides `SUMMARY.txt`: the one list of what its folder may contain.
enum ReportPath: Hashable, Sendable {
    /// The exact bytes of the records, one a line.
    case records
    /// The state of the organisation's log, which all proofs lead to.
    case orgCheckpoint
    /// The key of the organisation's log (c2sp.org/tlog-policy).
    case trust
    /// The state of an agent's log, signed and countersigned.
    case checkpoint(agent: String)
    /// What proves the shown records to be in it.
    case cover(agent: String)
    /// The leaf `agent.checkpoint` in the organisation's log.
    case logged(agent: String)
    /// The agent's key, and whose it is.
    case key(agent: String)
    /// The leaf `key.enrol`.
    case enrolment(agent: String)
    /// The leaf `key.revoke`, if there is one.
    case revocation(agent: String)
    /// The leaf `policy.bundle` of a version.
    case bundle(version: Int)
    /// The leaf `log.restart` of an epoch.
    case restart(epoch: Int)

    /// The leaf `admin.change` of the removal of an agent's records; there need be nothing else of the agent.
    case removal(agent: String)

    /// The path from the report's folder.
    var text: String {
        switch self {
        case .records: "records.jsonl"
        case .orgCheckpoint: "org.checkpoint"
        case .trust: "policy.tlog"
        case .checkpoint(let agent): "agents/\(agent).checkpoint"
        case .cover(let agent): "agents/\(agent).cover"
        case .logged(let agent): "agents/\(agent).tlog-proof"
        case .removal(let agent): "removals/\(agent).tlog-proof"
        case .key(let agent): "keys/\(agent).json"
        case .enrolment(let agent): "keys/\(agent).enrol.tlog-proof"
        case .revocation(let agent): "keys/\(agent).revoke.tlog-proof"
        case .bundle(let version): "bundles/\(version).tlog-proof"
        case .restart(let epoch): "epochs/\(epoch).tlog-proof"
        }
    }

    /// The file at a path; nil for what has no place in a report.
    init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let name = parts.last.map(String.init) ?? ""
        let path: ReportPath? =
            switch parts.count == 2 ? parts[0] : "" {
            case "":
                [.records, .orgCheckpoint, .trust].first { $0.text == text }
            case "agents":
                Self.match(
                    name,
                    [(".checkpoint", Self.checkpoint), (".cover", Self.cover), (".tlog-proof", Self.logged)]
                )
            case "keys":
                Self.match(
                    name,
                    [
                        (".enrol.tlog-proof", Self.enrolment), (".revoke.tlog-proof", Self.revocation),
                        (".json", Self.key),
                    ]
                )
            case "bundles":
                name.split(separator: ".").first.flatMap { Int($0) }.map(Self.bundle)
            case "removals":
                Self.match(name, [(".tlog-proof", Self.removal)])
            case "epochs":
                name.split(separator: ".").first.flatMap { Int($0) }.map(Self.restart)
            default:
                nil
            }
        // Written again it must be the same: versions have one spelling, and bytes count, not characters.
        guard let path, path.text.utf8.elementsEqual(text.utf8) else { return nil }
        switch path {
        case .bundle(let number), .restart(let number):
            guard (1...Int(Checkpoint.maxSize)).contains(number) else { return nil }
        case .records, .orgCheckpoint, .trust, .checkpoint, .cover, .logged, .key, .enrolment, .revocation, .removal:
            break
        }
        self = path
    }

    /// The agent whose file it is.
    var agent: String? {
        switch self {
        case .records, .orgCheckpoint, .trust, .bundle, .restart, .removal: nil
        case .checkpoint(let agent), .cover(let agent), .logged(let agent), .key(let agent), .enrolment(let agent),
            .revocation(let agent):
            agent
        }
    }

    /// The files that there must be of each agent.
    static func required(agent: String) -> [ReportPath] {
        [
            .checkpoint(agent: agent), .cover(agent: agent), .logged(agent: agent), .key(agent: agent),
            .enrolment(agent: agent),
        ]
    }

    private static func match(_ name: String, _ kinds: [(ending: String, make: (String) -> ReportPath)]) -> ReportPath?
    {
        for kind in kinds where name.hasSuffix(kind.ending) {
            let agent = String(name.dropLast(kind.ending.count))
            return LeafText.agent.holds(agent.utf8) ? kind.make(agent) : nil
        }
        return nil
    }
}
