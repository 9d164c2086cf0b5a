package import StrictJSON

extension MissedGrant {
    /// As explanations have it: `rule`, `role` and `lacks[]` of `what` and `why`.
    package var json: JSONValue {
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
