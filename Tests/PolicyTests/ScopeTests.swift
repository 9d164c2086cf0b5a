import MCP
import StrictJSON
import Testing

@testable import Policy

@Suite("Whom and what rules that forbid are about")
struct ScopeTests {
    private func snapshot(_ forbid: [JSONValue], roles: [Binding.Membership] = []) throws -> PolicySnapshot {
        let rules = PolicyRules(
            roles: [PolicyRules.Role(name: "all", grants: [PolicyRules.Grant(server: .everything)])],
            forbids: try forbid.map { try PolicyRules.Forbid($0, form: .file, at: "") }
        )
        let binding = Binding(
            sub: "sub-1",
            user: "ann@example.com",
            groups: [],
            roles: [Binding.Membership(role: "all", rule: "bind/0")] + roles
        )
        return PolicySnapshot(rules: rules, binding: binding, version: 1, digest: "")
    }

    private func isAllowed(_ policy: PolicySnapshot, _ hints: ToolHints = .assumed, client: JSONText = "codex") -> Bool
    {
        policy.decide(client: client, server: "git", tool: "push", hints: hints).isAllowed
    }

    @Test("A rule about an annotation closes the tools that are said to be so, and those of which nothing is believed")
    func annotations() throws {
        let destructive = try snapshot([["annotation": "destructive"]])
        #expect(!isAllowed(destructive))
        #expect(!isAllowed(destructive, [.destructive]))
        #expect(isAllowed(destructive, [.readOnly]))
        #expect(isAllowed(destructive, [.idempotent]))
        #expect(!isAllowed(try snapshot([["annotation": "open_world", "tools": ["p*"]]])))
        #expect(isAllowed(try snapshot([["annotation": "open_world", "tools": ["x*"]]])))
        #expect(isAllowed(try snapshot([["annotation": "read_only"]])))
        #expect(!isAllowed(try snapshot([["annotation": "read_only"]]), [.readOnly]))
        #expect(destructive.looksAtHints)
        #expect(try !snapshot([["tools": ["x"]]]).looksAtHints)
    }

    @Test("It is about tools alone")
    func toolsAlone() throws {
        let policy = try snapshot([["annotation": "destructive"]])
        #expect(policy.decide(client: "codex", server: "git", ask: .method).isAllowed)
        #expect(policy.decide(client: "codex", server: "git", ask: .task).isAllowed)
        let prompt = Array("x".utf8).withUnsafeBufferPointer {
            policy.decide(client: "codex", server: "git", ask: .prompt($0))
        }
        #expect(prompt.isAllowed)
        for rule in [
            ["annotation": "destructive", "resources": ["*"]], ["annotation": "destructive", "prompts": ["*"]],
            ["annotation": "dangerous"],
        ] as [JSONValue] {
            #expect(throws: ShapeError.self) { try PolicyRules.Forbid(rule, form: .file, at: "") }
        }
    }

    @Test("A rule spares those who have its role, through the clients through which they have it")
    func unlessRole() throws {
        let rule: JSONValue = ["tools": ["push"], "unless_role": "admin"]
        #expect(!isAllowed(try snapshot([rule])))
        #expect(isAllowed(try snapshot([rule], roles: [Binding.Membership(role: "admin", rule: "bind/1")])))
        let some = Binding.Membership(role: "admin", rule: "bind/1", clients: [Pattern(exactly: "codex")])
        #expect(isAllowed(try snapshot([rule], roles: [some])))
        #expect(!isAllowed(try snapshot([rule], roles: [some]), client: "claude-code"))
        #expect(!isAllowed(try snapshot([rule, ["tools": ["push"]]], roles: [some])))
    }

    @Test("A rule is about one client or several")
    func clients() throws {
        for (rule, codex, cursor) in [
            (["client": "codex"], false, true), (["clients": ["codex", "cur*"]], false, false),
            (["clients": ["x"]], true, true),
        ] as [(JSONValue, Bool, Bool)] {
            let policy = try snapshot([rule])
            #expect(isAllowed(policy, client: "codex") == codex)
            #expect(isAllowed(policy, client: "cursor") == cursor)
        }
        for rule in [["client": "a", "clients": ["b"]], ["clients": []]] as [JSONValue] {
            #expect(throws: ShapeError.self) { try PolicyRules.Forbid(rule, form: .file, at: "") }
        }
    }

    @Test("A limit of a role is in force for those who have it")
    func limits() throws {
        let rules = try PolicyRules([
            "version": 1, "roles": [], "forbid": [],
            "limits": [
                ["per": "user", "concurrent": 1], ["per": "user", "role": "guest", "concurrent": 2],
                ["per": "user", "role": "dev", "concurrent": 3],
            ],
        ])
        func limits(_ roles: [JSONText]) -> [JSONText] {
            let binding = Binding(
                sub: "sub-1",
                user: "ann@example.com",
                groups: [],
                roles: roles.map { Binding.Membership(role: $0, rule: "bind/0") }
            )
            return PolicySnapshot(rules: rules, binding: binding, version: 1, digest: "").limits.map(\.name)
        }
        #expect(limits([]) == ["limits/0"])
        #expect(limits(["guest"]) == ["limits/0", "limits/1"])
        #expect(limits(["dev", "guest"]) == ["limits/0", "limits/1", "limits/2"])
        let entry: JSONValue = ["per": "user", "role": "guest", "concurrent": 2]
        #expect(throws: ShapeError.self) { try LimitRule(entry, server: "git", index: 0, at: "") }
    }
}
