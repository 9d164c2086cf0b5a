internal import Policy
internal import StrictJSON

/// What a record does not tell of a call.
///
/// The arguments of a call are never recorded, so what a rule says of them is unknown of every call.
struct Untold: OptionSet, Hashable {
    let rawValue: Int

    /// The name of the tool or prompt, or the URI of the resource: there is a hash of it.
    static let item = Untold(rawValue: 1)
    /// The name of the client: there is a hash of it.
    static let client = Untold(rawValue: 2)

    /// What is asked about in place of a name that is not known: of all patterns only `*` matches the empty name.
    static let name: [UInt8] = []
}

/// The rules of a policy for calls of which not everything is known: once so that every doubt closes, once so that every doubt
/// opens. Where both decide alike, the policy decides so, whatever it is that is not known.
///
/// Made of the rules as they are signed, so that a condition which this code does not know is a doubt like any other.
struct RulesInHindsight {
    /// Which way a doubt goes.
    enum Bias: Hashable {
        case closes, opens
    }

    private let rules: PolicyRules
    private let document: JSONObject
    /// Whether any rule depends on what no record tells.
    private let hasConditions: Bool
    private var made: [Key: PolicyRules] = [:]

    private struct Key: Hashable {
        let untold: Untold
        let bias: Bias
    }

    init(_ rules: PolicyRules) {
        self.rules = rules
        let document = rules.json.object ?? JSONObject()
        let grants = (document["roles"]?.array ?? []).flatMap { $0["grant"]?.array ?? [] }
        hasConditions = (grants + (document["forbid"]?.array ?? [])).contains { !Self.conditions(of: $0).isEmpty }
        self.document = document
    }

    /// The rules for calls of which this is not known.
    mutating func rules(_ untold: Untold, _ bias: Bias) throws -> PolicyRules {
        let key = Key(untold: untold, bias: bias)
        if let rules = made[key] { return rules }
        let rules = try make(untold, bias)
        made[key] = rules
        return rules
    }

    private func make(_ untold: Untold, _ bias: Bias) throws -> PolicyRules {
        guard hasConditions || !untold.isEmpty else { return rules }
        var document = document
        document["roles"] = .array(
            (document["roles"]?.array ?? []).map { role in
                var role = role.object ?? JSONObject()
                let grants = role["grant"]?.array ?? []
                role["grant"] = .array(grants.compactMap { Self.rule($0, isWidened: bias == .opens, untold) })
                return .object(role)
            }
        )
        let forbids = document["forbid"]?.array ?? []
        document["forbid"] = .array(forbids.compactMap { Self.rule($0, isWidened: bias == .closes, untold) })
        return try PolicyRules(.object(document))
    }

    /// A rule that is about more than it says, by all that may be; or about less, and then nil where a condition may fail.
    private static func rule(_ rule: JSONValue, isWidened: Bool, _ untold: Untold) -> JSONValue? {
        let conditions = conditions(of: rule)
        guard isWidened else { return conditions.isEmpty ? rule : nil }
        guard var object = rule.object else { return rule }
        for condition in conditions { object[condition] = nil }
        if untold.contains(.client) { object["client"] = nil }
        if untold.contains(.item) {
            for kind in items where object[kind] != nil { object[kind] = ["*"] }
        }
        return .object(object)
    }

    private static let items: [JSONText] = ["tools", "resources", "prompts"]
    /// What a record tells, or what only says what the rule is about.
    private static let told: Set<JSONText> = [
        "server", "tools", "resources", "prompts", "server_requests", "sub", "group", "client", "because",
    ]

    private static func conditions(of rule: JSONValue) -> [JSONText] {
        (rule.object?.names ?? []).filter { !told.contains($0) }
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
