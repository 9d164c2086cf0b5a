import MCP
import Policy
import StrictJSON

/// Policies for tests, for one person, whose clients all have the one role.
enum Policies {
    /// A policy of these grants.
    static func policy(
        _ grants: [JSONValue],
        forbid: [JSONValue] = [],
        limits: [JSONValue] = [],
        conditions: [JSONValue] = [],
        mode: PolicyRules.Mode = .enforce,
        version: Int = 1
    ) throws -> PolicySnapshot {
        let rules = try PolicyRules([
            "version": 1, "roles": [["name": "all", "grant": .array(grants)]], "forbid": .array(forbid),
            "limits": .array(limits), "mode": .text(mode.rawValue), "args": .array(conditions),
        ])
        let binding = Binding(
            sub: "sub-1",
            user: "ann@example.com",
            groups: [],
            roles: [Binding.Membership(role: "all", rule: "bind/0")]
        )
        return PolicySnapshot(rules: rules, binding: binding, version: version, digest: "digest")
    }

    /// Everything on one server, with every request of its own.
    static func open(_ server: JSONValue = "up") throws -> PolicySnapshot {
        try policy([["server": server, "server_requests": ["elicitation", "sampling", "roots"]]])
    }
}
