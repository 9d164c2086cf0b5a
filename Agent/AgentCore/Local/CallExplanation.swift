internal import Forwarding
internal import MCP
internal import Policy
internal import StrictJSON

/// Why a call would be let pass or not, for `doorward explain`: what the policy says, and what else stands in its way.
struct CallExplanation {
    let server: JSONText
    let tool: JSONText
    let arguments: JSONValue
    let client: JSONText

    /// Asks the policy in force and the data path.
    func document(_ board: DataPathController, _ forwarding: ForwardingService) async -> JSONValue {
        let (policy, rules, binding) = await board.inForce
        func explain(_ hints: ToolHints) -> Decision {
            policy.explain(client: client, server: server, tool: tool, arguments: arguments, hints: hints)
        }
        let standing = await forwarding.standing(of: tool, at: server) { explain($0).obligations }
        let decision = explain(standing.hints)
        var facts: JSONObject = [
            "decision": decision.isAllowed ? "allow" : "deny", "rules": .array(decision.rules.map(JSONValue.string)),
            "because": .text(decision.reason.rawValue), "policy_version": .int(policy.version),
        ]
        facts["words"] = decision.words.map(JSONValue.string)
        facts["observed"] = decision.observed.map { .text($0.rawValue) }
        if !decision.obligations.isEmpty { facts["require"] = decision.obligations.json }
        let isMissed = decision.reason == .noGrant || decision.reason == .observed
        if isMissed, let rules, let binding { facts["nearest"] = missed(rules, binding).map(\.json) }
        guard decision.isAllowed else { return .object(facts) }
        // In the order in which a call would meet them.
        if let (why, command) = standing.quarantine {
            facts["decision"] = "deny"
            facts["because"] = "quarantined"
            facts["quarantine"] = ["why": .text(why), "command": command.map { JSONValue.text($0) } ?? .null]
        } else if let first = standing.unmet.first {
            facts["decision"] = "deny"
            facts["because"] = .string(first.reason)
        }
        if !standing.unmet.isEmpty {
            facts["unmet"] = .array(
                standing.unmet.map { unmet -> JSONValue in
                    ["what": .string(unmet.reason), "why": .text(unmet.sentence(tool: tool, server: server))]
                }
            )
        }
        return .object(facts)
    }

    private func missed(_ rules: PolicyRules, _ binding: Binding) -> MissedGrant? {
        tool.utf8.withUnsafeBufferPointer { tool in
            arguments.bytes.withUnsafeBufferPointer { arguments in
                rules.missedGrant(
                    binding,
                    client: client,
                    server: server,
                    ask: .tool(tool),
                    arguments: .json(arguments)
                )
            }
        }
    }
}
