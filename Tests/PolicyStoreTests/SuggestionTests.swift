import Kits
import MCP
import Policy
import PolicyFile
import StrictJSON
import Testing

@testable import PolicyStore

@Suite("A policy from what people did")
struct SuggestionTests {
    private func person(_ name: String) throws -> EmailAddress { try #require(EmailAddress("\(name)@example.com")) }

    private func use(_ tools: Set<JSONText> = [], _ prompts: Set<JSONText> = []) -> ServerUse {
        var use = ServerUse()
        use.tools = tools
        use.prompts = prompts
        use.clients = ["claude-code"]
        return use
    }

    private func suggested(
        _ use: [EmailAddress: [JSONText: ServerUse]],
        prefixes: Bool = false,
        present: String = "version: 1\n",
        resources: [ServerUse.ResourceGrant: [Pattern]] = [:]
    ) throws -> (text: String, notes: [String]) {
        let roles = SuggestedRole.roles(of: use, hasPrefixes: prefixes) { resources[$0] ?? [.everything] }
        var policy = SuggestedPolicy(roles: roles, use: use, present: Array(present.utf8), head: ["Seen."])
        let file = try policy.file()
        return (String(decoding: file, as: UTF8.self), policy.notes)
    }

    @Test("People with the same use have one role, and tests say where it ends")
    func roles() throws {
        let (ann, bob, eve) = (try person("ann"), try person("bob"), try person("eve"))
        let (text, notes) = try suggested([
            ann: ["github": use(["list", "get"])], bob: ["github": use(["get", "list"])],
            eve: ["github": use(["delete"]), "docs": use([], ["review"])],
        ])
        #expect(
            text == """
                # Seen.
                version: 1
                roles:
                  use-github:
                    grant:
                      - { server: github, tools: [get, list] }
                  use-docs-github:
                    grant:
                      - { server: docs, prompts: [review] }
                      - { server: github, tools: [delete] }
                bind:
                  - { user: ann@example.com, role: use-github }
                  - { user: bob@example.com, role: use-github }
                  - { user: eve@example.com, role: use-docs-github }
                tests:
                  - { user: ann@example.com, call: github/get, expect: allow }
                  - { user: ann@example.com, call: github/list, expect: allow }
                  - { user: ann@example.com, call: github/delete, expect: deny }
                  - { user: eve@example.com, call: github/delete, expect: allow }
                  - { user: eve@example.com, call: docs/never_used, expect: deny }

                """
        )
        #expect(notes.isEmpty)
    }

    @Test("Beginnings are opened only where they are asked for, and at the end of a word")
    func prefixes() throws {
        let names: Set<JSONText> = ["get_issue", "get_pull", "get_repo", "getter", "put_a", "put_b", "get", "_x", "x_"]
        let ann = try person("ann")
        let exact = try suggested([ann: ["github": use(names)]]).text
        #expect(!exact.contains("*"))
        let wide = try suggested([ann: ["github": use(names)]], prefixes: true).text
        #expect(wide.contains(#"tools: ["_x", get, "get_*", getter, put_a, put_b, x_]"#), "\(wide)")
    }

    @Test("A server that was only listed is opened for its lists")
    func lists() throws {
        let text = try suggested([try person("ann"): ["github": use()]]).text
        #expect(text.contains(#"- { server: github, tools: ["(none)"] }"#))
        #expect(text.contains("opens the lists alone"))
    }

    @Test("Resources are opened by the patterns of the grant that has opened them, else all, with a comment")
    func resources() throws {
        var (told, untold) = (use(), use())
        let grant = ServerUse.ResourceGrant(policy: 3, rule: "roles/dev/grant/0")
        told.resources = [grant]
        untold.resources = [ServerUse.ResourceGrant(policy: 3, rule: nil)]
        let pattern = try Pattern("repo://*", at: "")
        let text = try suggested(
            [try person("ann"): ["a": told], try person("bob"): ["a": untold]],
            resources: [grant: [pattern]]
        ).text
        #expect(text.contains(#"- { server: a, resources: ["repo://*"] }"#))
        #expect(text.contains("# URIs of resources are not recorded"))
        #expect(text.contains(#"- { server: a, resources: ["*"] }"#))
    }

    @Test("What a server has asked of its clients may be asked again")
    func serverRequests() throws {
        var use = use(["t"])
        use.serverRequests = [.elicitation]
        let ann = try person("ann")
        #expect(try !suggested([ann: ["a": use]]).text.contains("server_requests"))
        use.serverRequests = [.sampling]
        #expect(try suggested([ann: ["a": use]]).text.contains("server_requests: [elicitation, sampling]"))
    }

    @Test("The other rules of the policy in force stay, unless they close what was used")
    func kept() throws {
        let present = """
            version: 1
            mode: observe
            roles: { dev: { grant: [ { server: a } ] } }
            forbid:
              - { server: a, tools: ["delete_*"], because: "deletions go through review" }
              - { user: ann@example.com, tools: [get] }
              - { tools: [get], client: cursor }
            limits: [ { per: user, server: a, rate: 60/min } ]
            tests: [ { user: ann@example.com, call: a/x, expect: deny } ]
            """
        let (text, notes) = try suggested([try person("ann"): ["a": use(["get"])]], present: present)
        let policy = try PolicyFile(parsing: Array(text.utf8))
        #expect(policy.mode == .enforce)
        #expect(policy.limits.count == 1)
        #expect(text.contains(#""because":"deletions go through review""#))
        #expect(text.contains(#""client":"cursor""#))
        #expect(notes == ["forbid/1 of the policy in force closes what was used, and is left out."])
        #expect(text.contains("# forbid/1 of the policy in force"))
    }

    @Test("Nothing was used: a policy that opens nothing")
    func nothing() throws {
        let text = try suggested([:]).text
        #expect(text == "# Seen.\nversion: 1\nroles: {}\n")
    }

    @Test("More than a file can hold is refused")
    func tooLarge() async throws {
        var use: [EmailAddress: [JSONText: ServerUse]] = [:]
        for number in 0..<400 {
            let tools = Set((0..<100).map { JSONText("tool_of_a_rather_long_name_\(number)_\($0)") })
            use[try person("p\(number)")] = ["a": self.use(tools)]
        }
        let refused = await code { try suggested(use) }
        #expect(refused == "suggestion_too_large")
    }

    @Test("Whatever names there are, the file is good and opens just them", arguments: UInt64(0)..<60)
    func random(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let names: [JSONText] = [
            "get_issue", "get_log", "get_x", "true", "null", "1", "-", "a/b", "a:b", "x.y", "no", "~", "A", "_", "*",
            "caf\u{E9}", "a b", "#x", "[", "&a", "!t", "%", "@x", "`", "\"", "'",
        ]
        let servers: [JSONText] = ["github", "docs", "a.b-c_d", "sh"]
        var use: [EmailAddress: [JSONText: ServerUse]] = [:]
        for number in 0..<Int.random(in: 0...4, using: &random) {
            for server in servers where Bool.random(using: &random) {
                // A star is a pattern in the language, and no record has one as a name.
                let some = names.filter { _ in Int.random(in: 0..<6, using: &random) == 0 }.filter { $0 != "*" }
                use[try person("p\(number)"), default: [:]][server] = self.use(Set(some), Set(some.prefix(1)))
            }
        }
        let prefixes = Bool.random(using: &random)
        let text = try suggested(use, prefixes: prefixes).text
        let file = try PolicyFile(parsing: Array(text.utf8))
        let rules = try file.rules(pseudonyms: Dictionary(uniqueKeysWithValues: file.people.map { ($0, $0.text) }))
        for (person, seen) in use {
            let binding = Binding(
                sub: JSONText(person.text),
                user: person.text,
                groups: [],
                roles: file.memberships(of: person, groups: [])
            )
            let snapshot = PolicySnapshot(rules: rules, binding: binding, version: 1, digest: "")
            for server in servers {
                for name in names where name != "*" {
                    let isAllowed = snapshot.decide(client: "local", server: server, tool: name).isAllowed
                    let isUsed = seen[server]?.tools.contains(name) ?? false
                    #expect(isUsed ? isAllowed : prefixes || !isAllowed, "\(name) at \(server)\n\(text)")
                }
            }
        }
    }
}
