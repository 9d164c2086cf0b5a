internal import AuditLog
internal import AuditSink
internal import Policy
internal import StrictJSON

/// What a record does not tell of a call, beside its arguments: of those it tells what came of the conditions in force then.
struct Untold: OptionSet, Hashable {
    let rawValue: Int

    /// The name of the tool or prompt, or the URI of the resource: there is a hash of it.
    static let item = Untold(rawValue: 1)
    /// The name of the client: there is a hash of it.
    static let client = Untold(rawValue: 2)

    /// What is asked about in place of a name that is not known: of all patterns only `*` matches the empty name.
    static let name: [UInt8] = []
}

/// Which way a doubt goes.
enum Bias: Hashable {
    case closes, opens
}

/// The rules of a policy for calls of which not everything is known.
///
/// There are two of them: one so that every doubt closes, one so that every doubt opens. Where both decide alike, the policy
/// decides so, whatever it is that is not known.
struct RulesInHindsight {
    private let rules: PolicyRules
    /// The conditions on arguments by the names that records have for them.
    private let conditions: [JSONText: ArgumentPredicate]
    private var made: [Key: PolicyRules] = [:]

    private struct Key: Hashable {
        let untold: Untold
        let bias: Bias
    }

    init(_ rules: PolicyRules) {
        self.rules = rules
        conditions = Dictionary(
            rules.predicates.map { (RecordedCondition.name(of: $0.canonical), $0) },
            uniquingKeysWith: { first, _ in first }
        )
    }

    /// What the record of a call tells of the conditions of these rules.
    func judged(_ call: RecordedCall) -> [JudgedCondition] {
        call.conditions.compactMap { word in
            guard let (name, result) = RecordedCondition.parts(of: word), let predicate = conditions[name] else {
                return nil
            }
            let truth: Truth =
                switch result {
                case .holds: .holds
                case .fails: .fails
                case .unknown: .unknown
                }
            return JudgedCondition(predicate: predicate, truth: truth)
        }
    }

    /// The rules for calls of which this is not known.
    ///
    /// Asked with the empty name, a grant opens only what it opens under every name, and a rule that forbids holds only where
    /// it holds under every name. So what is left is to widen the rules that the doubt is to be about: those that forbid or
    /// demand, where it closes, and the grants, where it opens.
    mutating func rules(_ untold: Untold, _ bias: Bias) -> PolicyRules {
        guard !untold.isEmpty else { return rules }
        let key = Key(untold: untold, bias: bias)
        if let rules = made[key] { return rules }
        let widened = PolicyRules(
            roles: bias == .opens ? rules.roles.map { $0.widened(untold) } : rules.roles,
            forbids: bias == .closes ? rules.forbids.map { $0.widened(untold) } : rules.forbids,
            requirements: bias == .closes ? rules.requirements.map { $0.widened(untold) } : rules.requirements,
            limits: rules.limits,
            mode: rules.mode
        )
        made[key] = widened
        return widened
    }
}

extension PolicyRules.Role {
    fileprivate func widened(_ untold: Untold) -> PolicyRules.Role {
        guard untold.contains(.item) else { return self }
        let grants = grants.map { grant in
            PolicyRules.Grant(
                server: grant.server,
                items: grant.items.widened,
                arguments: grant.arguments,
                serverRequests: grant.serverRequests
            )
        }
        return PolicyRules.Role(name: name, grants: grants)
    }
}

extension PolicyRules.Forbid {
    fileprivate func widened(_ untold: Untold) -> PolicyRules.Forbid {
        PolicyRules.Forbid(scope: scope.widened(untold), because: because)
    }
}

extension PolicyRules.Requirement {
    fileprivate func widened(_ untold: Untold) -> PolicyRules.Requirement {
        PolicyRules.Requirement(scope: scope.widened(untold), obligations: obligations, because: because)
    }
}

extension RuleScope {
    fileprivate func widened(_ untold: Untold) -> RuleScope {
        var scope = self
        if untold.contains(.client) { scope.clients = nil }
        if untold.contains(.item) { scope.items = scope.items.widened }
        return scope
    }
}

extension PolicyRules.Items {
    /// All of each kind that it names any of.
    fileprivate var widened: PolicyRules.Items {
        PolicyRules.Items(
            tools: tools.map { _ in [.everything] },
            resources: resources.map { _ in [.everything] },
            prompts: prompts.map { _ in [.everything] }
        )
    }
}

extension Binding {
    /// The same person, whose roles are had through every client.
    var throughAnyClient: Binding {
        Binding(
            sub: sub,
            user: user,
            groups: groups,
            roles: roles.map { Binding.Membership(role: $0.role, rule: $0.rule) }
        )
    }
}
