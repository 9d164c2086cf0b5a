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
        if !decision.obligations.isEmpty { object["require"] = decision.obligations.json }
        return .object(object)
    }
}
