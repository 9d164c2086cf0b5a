internal import Policy
package import StrictJSON

/// What a policy says of a call, and why.
package struct PolicyExplanation: Sendable {
    let decision: Decision
    let binding: Binding
    /// Where no grant opens it.
    let missed: MissedGrant?
    /// The policy in force; nil for a draft.
    let version: Int?

    /// As `POST /v1/policy/explanations` answers.
    package var json: JSONValue {
        var object: JSONObject = [
            "user": .text(binding.user), "groups": .array(binding.groups.map(JSONValue.string)),
            "roles": .array(
                binding.roles.map { membership in
                    var object: JSONObject = ["role": .string(membership.role), "rule": .string(membership.rule)]
                    object["clients"] = membership.clients.map { .array($0.map(\.json)) }
                    return .object(object)
                }
            ),
            "decision": decision.isAllowed ? "allow" : "deny", "because": .text(decision.reason.rawValue),
            "rules": .array(decision.rules.map(JSONValue.string)),
            "policy_version": version.map { .int($0) } ?? .null,
            "nearest": missed.map(\.json) ?? .null,
        ]
        object["words"] = decision.words.map(JSONValue.string)
        object["observed"] = decision.observed.map { .text($0.rawValue) }
        return .object(object)
    }
}

extension MissedGrant {
    fileprivate var json: JSONValue {
        ["rule": .string(rule), "role": .string(role), "lacks": .array(lacks.map { $0.json(role) })]
    }
}

extension MissedGrant.Lack {
    fileprivate func json(_ role: JSONText) -> JSONValue {
        switch self {
        case .role: ["what": "role", "why": .text("the person does not have the role \(role)")]
        case .client(let clients):
            ["what": "client", "why": .text("the role is had through \(Self.list(clients)) alone")]
        case .item(let items): ["what": "item", "why": .text("it is for \(Self.words(items))")]
        case .arguments(let conditions):
            ["what": "arguments", "why": .text(conditions.map(Self.words).joined(separator: "; "))]
        }
    }

    private static func list(_ patterns: [Pattern]) -> String {
        patterns.map { $0.json.text ?? "" }.joined(separator: ", ")
    }

    private static func words(_ items: PolicyRules.Items) -> String {
        let kinds = [("tools", items.tools), ("resources", items.resources), ("prompts", items.prompts)]
        return kinds.compactMap { name, patterns in patterns.map { "\(name) \(list($0))" } }
            .joined(separator: " and ")
    }

    private static func words(_ condition: JudgedCondition) -> String {
        let text = String(decoding: condition.predicate.canonical, as: UTF8.self)
        return condition.truth == .fails ? "\(text) does not hold" : "of \(text) it cannot be told whether it holds"
    }
}
