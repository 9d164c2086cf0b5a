import StrictJSON
import Testing

@testable import Policy

@Suite("Rules that demand something")
struct RequirementTests {
    private func snapshot(_ require: [JSONValue], forbid: [JSONValue] = []) throws -> PolicySnapshot {
        let rules = PolicyRules(
            roles: [PolicyRules.Role(name: "all", grants: [PolicyRules.Grant(server: Pattern(exactly: "git"))])],
            forbids: try forbid.map { try PolicyRules.Forbid($0, form: .file, at: "") },
            requirements: try require.map { try PolicyRules.Requirement($0, form: .file, at: "") }
        )
        let binding = Binding(
            sub: "sub-1",
            user: "ann@example.com",
            groups: [],
            roles: [Binding.Membership(role: "all", rule: "bind/0")]
        )
        return PolicySnapshot(rules: rules, binding: binding, version: 1, digest: "")
    }

    @Test("What all matching rules demand comes together, with their names")
    func union() throws {
        let policy = try snapshot([
            ["tools": ["push*"], "audit": "strict", "online_within": "1h", "key_protection": ["keyring", "tpm"]],
            ["online_within": "30m", "recent_login": "7d", "key_protection": "keyring"],
            ["tools": ["pull"], "recent_login": "1h"],
        ])
        let push = policy.decide(client: "c", server: "git", tool: "push_it")
        #expect(push.rules == ["roles/all/grant/0", "bind/0", "require/0", "require/1"])
        #expect(push.obligations.isAuditStrict)
        #expect(push.obligations.onlineWithin == 1800)
        #expect(push.obligations.recentLogin == 7 * 86_400)
        #expect(push.obligations.keyProtection == ["keyring"])
        let pull = policy.decide(client: "c", server: "git", tool: "pull")
        #expect(!pull.obligations.isAuditStrict && pull.obligations.recentLogin == 3600)
        #expect(policy.decide(client: "c", server: "git", ask: .method).obligations.isEmpty)
    }

    @Test("Nothing is demanded of what is denied, and nothing is opened by a demand")
    func denied() throws {
        let policy = try snapshot([["audit": "strict"]], forbid: [["tools": ["drop"]]])
        #expect(policy.decide(client: "c", server: "git", tool: "drop").obligations.isEmpty)
        let elsewhere = policy.decide(client: "c", server: "other", tool: "x")
        #expect(elsewhere.reason == .noGrant && elsewhere.obligations.isEmpty)
    }

    @Test("A demand counts too where it is unknown whether its conditions hold")
    func conditions() throws {
        let policy = try snapshot([["tools": ["*"], "args": ["/size": ["int_range": [100, 1000]]], "audit": "strict"]])
        func isStrict(_ arguments: JSONValue?) -> Bool {
            policy.decide(client: "c", server: "git", tool: "x", arguments: arguments).obligations.isAuditStrict
        }
        #expect(isStrict(["size": 500]) && isStrict(["size": "500"]) && isStrict([:]) && isStrict(nil))
        #expect(!isStrict(["size": 5]))
    }

    @Test(
        "A rule that demands nothing, or what nobody knows, is refused",
        arguments: [
            ["tools": ["x"]], ["audit": "best_effort"], ["audit": true], ["online_within": "1s"],
            ["online_within": "59s"],
            ["online_within": "1"], ["online_within": "0h"], ["online_within": "01h"], ["online_within": "31d"],
            ["online_within": 3600], ["recent_login": "1.5h"], ["key_protection": []], ["key_protection": "Key Ring"],
            ["key_protection": ["keyring", 1]], ["approval": "user"], ["audit": "strict", "reason": "x"],
            ["audit": "strict", "because": ""],
        ] as [JSONValue]
    )
    func refused(rule: JSONValue) {
        #expect(throws: ShapeError.self) { try PolicyRules.Requirement(rule, form: .file, at: "") }
    }

    @Test("Rules come back from their signed form, and a policy without any has no such member")
    func signed() throws {
        let rule = try PolicyRules.Requirement(
            [
                "user": "ann@example.com", "tools": ["x"], "args": ["/a": ["eq": 1]], "audit": "strict",
                "key_protection": ["tpm", "keyring"], "online_within": "90m", "recent_login": "2d",
                "because": "it is costly",
            ],
            form: .file,
            at: ""
        )
        let rules = PolicyRules(requirements: [rule])
        let bytes = try rules.json.canonicalBytes()
        #expect(try PolicyRules(JSONValue(canonical: bytes, limits: .bundle)) == rules)
        #expect(
            rules.json["require"] == [
                [
                    "sub": "ann@example.com", "tools": ["x"], "args": [0], "audit": "strict",
                    "key_protection": ["keyring", "tpm"], "online_within": "90m", "recent_login": "2d",
                    "because": "it is costly",
                ]
            ]
        )
        #expect(PolicyRules.empty.json["require"] == nil)
    }
}
