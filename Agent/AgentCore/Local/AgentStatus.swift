package import AgentState
internal import Bytes
internal import Children
internal import Contract
internal import CoordinatorLink
internal import Errors
internal import Forwarding
internal import OAuth
internal import Spool
package import StrictJSON

/// What `doorward status` tells, of an agent that runs or of one that does not.
package struct AgentStatus: Sendable {
    private let membership: Membership?
    var listen: String?
    var isRunning = false
    var policyVersion = 0
    var servers: [JSONValue] = []
    var recorded: UInt64 = 0
    var countersigned: UInt64 = 0
    var condition: LinkCondition?
    /// Why no record is shipped any more; nil while all is well or the coordinator only away.
    var shippingProblem: String?
    /// Signed statements of the coordinator that do not fit together; nil while there are none.
    var evidence: OrgEvidence?
    /// What the user has to do something about; nil while there is nothing.
    var problem: (any ExplainedError)?
    /// Why the keyring does not give the key; nil once it did.
    var keyring: (any ExplainedError)?

    init(membership: Membership?) {
        self.membership = membership
    }

    /// The state of a home whose agent does not run: from what the agent kept.
    package static func last(_ home: AgentHome) throws -> AgentStatus {
        let membership = try Membership.load(home)
        var facts = AgentStatus(membership: membership)
        guard let membership else { return facts }
        let state = PolicySync.lastState(membership, home: home)
        facts.policyVersion = state.bundle?.version ?? 0
        let kept = ServerStatusFile(home, agent: membership.agentID)
        facts.servers = state.entries.map { entry in
            let usual = entry.authorization.kind == .oauth ? "needs_sign_in" : "up"
            var document = kept[entry.alias]?.object ?? ServerStatus.document(entry, state: usual)
            document["deprecated"] = state.deprecated[JSONText(entry.alias)].map { .text($0) }
            return .object(document)
        }
        let counts = Spool.lastCounts(folder: home.spool(agent: membership.agentID))
        facts.recorded = counts.recorded
        facts.countersigned = counts.countersigned
        facts.evidence = OrgEvidence.load(membership, home: home)
        facts.problem = MembershipStanding.last(membership, home: home) ?? state.lock
        return facts
    }

    /// Takes the numbers of records from the folder, which no process has open.
    mutating func count(_ home: AgentHome, _ membership: Membership) {
        let counts = Spool.lastCounts(folder: home.spool(agent: membership.agentID))
        recorded = counts.recorded
        countersigned = counts.countersigned
    }

    /// Whether this machine belongs to a coordinator.
    package var isEnrolled: Bool { membership != nil }

    package var json: JSONValue {
        var audit: JSONObject = ["recorded": .int(Int(recorded)), "countersigned": .int(Int(countersigned))]
        if let shippingProblem { audit["problem"] = .text(shippingProblem) }
        var object: JSONObject = [
            "user": Self.optional(membership?.user), "coordinator": Self.optional(membership?.url),
            "agent_id": Self.optional(membership?.agentID), "custody": Self.optional(membership?.custody),
            "listen": Self.optional(listen), "running": .bool(isRunning), "policy_version": .int(policyVersion),
            "servers": .array(servers),
            "audit": .object(audit),
            "problem": (problem ?? (isEnrolled ? nil : Self.notEnrolled)).map(Self.document) ?? .null,
        ]
        if let condition { object["link"] = .text(condition.word) }
        if let keyring { object["keyring"] = Self.document(keyring) }
        if let evidence { object["evidence"] = Self.document(evidence) }
        return .object(object)
    }

    private static let notEnrolled = LinkError(
        .notEnrolled,
        "This machine is not enrolled with a coordinator.",
        next: "doorward login URL --token-file FILE"
    )

    private static func document(_ evidence: OrgEvidence) -> JSONValue {
        [
            "contradiction": .bool(evidence.isContradiction), "seen": .text(evidence.seen),
            "shown": .text(evidence.shown), "folder": .text(evidence.folder),
        ]
    }

    private static func document(_ problem: any ExplainedError) -> JSONValue {
        ["code": .text(problem.code), "message": .text(problem.message), "next": optional(problem.next)]
    }

    static func optional(_ text: String?) -> JSONValue { text.map { .text($0) } ?? .null }
}

extension LinkCondition {
    /// One word, or one and the reason.
    fileprivate var word: String {
        switch self {
        case .connecting: "connecting"
        case .online: "online"
        case .offline(let why): "offline: \(why)"
        case .locked: "locked"
        case .keyMissing: "key_missing"
        case .revoked: "revoked"
        case .refused(let code): "refused: \(code)"
        case .stale(let why): "stale: \(why)"
        case .unproven(let why): "unproven: \(why)"
        case .untrusted(let why): "untrusted: \(why)"
        }
    }
}

/// The servers of this user, with how each does.
struct ServerStatus: Sendable {
    let board: DataPathController
    let forwarding: ForwardingService
    let vault: TokenVault?

    func list() async -> [JSONValue] {
        let entries = await board.entries
        let deprecated = await board.deprecated
        let health = await forwarding.health()
        let sandbox = entries.contains { $0.command != nil } ? await board.children.sandbox.trouble() : nil
        return entries.map { entry in
            let known = health.first { $0.alias == JSONText(entry.alias) }
            var document =
                sandbox.flatMap { words in
                    entry.command.map { _ in Self.document(entry, state: "down", error: words) }
                } ?? document(entry, known)
            document["deprecated"] = deprecated[JSONText(entry.alias)].map { .text($0) }
            document["errors"] = .array((known?.errors.entries ?? []).map(Self.document))
            return .object(document)
        }
    }

    /// How one server does: what the user has to do comes before what its calls have shown.
    private func document(_ entry: ServerEntry, _ known: ServerHealth?) -> JSONObject {
        if entry.authorization.kind == .oauth {
            let trouble = vault?.trouble(entry.alias)
            switch vault?.current(entry.alias) {
            case .ready? where vault?.waitsForKeyring(entry.alias) ?? false:
                return Self.document(entry, state: "degraded", error: trouble)
            case .ready?: break
            case .stale?:
                if let trouble { return Self.document(entry, state: "degraded", error: trouble) }
            case .needsSignIn?, nil: return Self.document(entry, state: "needs_sign_in", error: trouble)
            // It is unknown whether there is a sign-in.
            case .locked?: return Self.document(entry, state: "degraded", error: TokenVault.lockedWords)
            }
        }
        if let words = Self.missing(board.children.secrets.state(entry.alias)) {
            return Self.document(entry, state: words.state, error: words.error)
        }
        let since = known?.since.map { UTCTime(microseconds: Int($0)).shortText }
        return Self.document(entry, state: known?.state.rawValue ?? "up", since: since, error: known?.error)
    }

    private static func document(_ error: ErrorHistory.Entry) -> JSONValue {
        [
            "message": .text(error.words), "count": .int(error.count),
            "first": .text(UTCTime(microseconds: Int(error.first)).shortText),
            "last": .text(UTCTime(microseconds: Int(error.last)).shortText),
        ]
    }

    /// What is in the way of a program for want of secrets; nil where nothing is.
    private static func missing(_ secrets: ProgramSecrets.State?) -> (state: String, error: String?)? {
        switch secrets {
        case .there, nil: nil
        case .missing(let names): ("needs_sign_in", "it needs \(names.joined(separator: ", "))")
        case .locked: ("degraded", TokenVault.lockedWords)
        case .unavailable: ("degraded", "the keyring cannot be used: doorward unlock says why")
        }
    }

    static func document(
        _ entry: ServerEntry,
        state: String,
        since: String? = nil,
        error: String? = nil
    ) -> JSONObject {
        var document: JSONObject = [
            "alias": .text(entry.alias), "state": .text(state), "account": .null,
            "since": AgentStatus.optional(since), "error": AgentStatus.optional(error),
        ]
        if let command = entry.command { document["digest"] = .text(command.digest) }
        return document
    }
}
