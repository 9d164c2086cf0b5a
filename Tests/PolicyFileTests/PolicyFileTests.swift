import Policy
import PolicyFile
import StrictJSON
import Testing

/// The example that people are shown.
private let example = """
    version: 1
    roles:
      dev:
        grant:
          - { server: github, tools: ["get_*", "list_*"], resources: ["repo://*"], prompts: ["*"] }
      guest:
        grant: [{ server: docs }]
    bind:
      - { user: Ann@Example.com, role: dev }
      - { group: engineering, role: dev, clients: [claude-code] }
      - { everyone: true, role: guest }
    forbid:
      - { server: github, tools: ["delete_*"], because: "deletions go through review" }
      - { user: bob@example.com, server: docs }
    limits:
      - { per: user, server: github, tools: ["*"], rate: 60/min, burst: 20, concurrent: 4 }
    tests:
      - { user: ann@example.com, groups: [engineering], client: claude-code, call: github/get_issue, expect: allow }
      - { user: ann@example.com, call: github/delete_repo, expect: deny, because: forbidden }
      - { user: eve@example.com, groups: [engineering], client: claude-code, call: github/get_x, expect: allow, because: granted }
      - { user: eve@example.com, groups: [engineering], client: codex, call: github/get_x, expect: deny, because: no_grant }
      - { user: eve@example.com, call: docs/a/b, expect: allow }
      - { user: bob@example.com, call: docs/read, expect: deny, because: forbidden }

    """

private func email(_ text: String) throws -> EmailAddress { try #require(EmailAddress(text)) }

@Suite("Policy files")
struct PolicyFileTests {
    private let file: PolicyFile

    init() throws {
        file = try PolicyFile(parsing: Array(example.utf8))
    }

    @Test("A file is kept byte by byte")
    func bytes() {
        #expect(file.bytes == Array(example.utf8))
        #expect(file.roles.map(\.name) == ["dev", "guest"])
        #expect(file.binds.count == 3)
        #expect(file.tests.count == 6)
    }

    @Test("What is signed holds no people and no tests, and reads back as it was")
    func rules() throws {
        #expect(file.people == [try email("ann@example.com"), try email("bob@example.com")])
        let rules = try file.rules(pseudonyms: [
            try email("ann@example.com"): "p-1", try email("bob@example.com"): "p-2",
        ])
        #expect(rules.forbids.map(\.person) == [nil, "p-2"])
        let bytes = try rules.json.canonicalBytes()
        let text = String(decoding: bytes, as: UTF8.self)
        for word in ["example.com", "ann", "expect", "engineering"] { #expect(!text.contains(word)) }
        #expect(try PolicyRules(JSONValue(canonical: bytes, limits: .bundle)) == rules)
    }

    @Test("A rule about a person without a pseudonym is not signed as one about everybody")
    func missingPseudonym() throws {
        let ann = try email("ann@example.com")
        #expect(throws: PolicyRefusal.self) { try file.rules(pseudonyms: [ann: "p-1"]) }
    }

    @Test("Who has which role is told with the rule and its clients")
    func memberships() throws {
        let dev = Binding.Membership(role: "dev", rule: "bind/0")
        let engineer = Binding.Membership(
            role: "dev",
            rule: "bind/1",
            clients: [Pattern(exactly: "claude-code")]
        )
        let guest = Binding.Membership(role: "guest", rule: "bind/2")
        #expect(file.memberships(of: try email("ANN@example.com"), groups: ["engineering"]) == [dev, engineer, guest])
        #expect(file.memberships(of: try email("bob@example.com"), groups: ["engineers"]) == [guest])
    }

    @Test("The empty file is good and opens nothing")
    func empty() throws {
        #expect(PolicyFile.problems(in: PolicyFile.empty.bytes).isEmpty)
        #expect(try PolicyFile.empty.rules(pseudonyms: [:]) == .empty)
    }

    @Test("A policy that only observes says so, and its tests are about the rules that it will enforce")
    func observing() throws {
        let text = """
            version: 1
            mode: observe
            roles: {r: {grant: [{server: a, tools: [x]}]}}
            bind: [{everyone: true, role: r}]
            tests:
              - {user: a@b, call: a/x, expect: allow}
              - {user: a@b, call: a/y, expect: deny, because: no_grant}

            """
        let file = try PolicyFile(parsing: Array(text.utf8))
        #expect(try file.rules(pseudonyms: [:]).mode == .observe)
        #expect(file.warnings.map(\.place) == ["mode"])
        let enforced = try PolicyFile(parsing: Array(text.replacing("observe", with: "enforce").utf8))
        #expect(try enforced.rules(pseudonyms: [:]) == file.rules(pseudonyms: [:]).enforced)
        #expect(enforced.warnings.isEmpty)
    }

    @Test("A rule that demands something names people as others do, by pseudonyms once it is signed")
    func requirements() throws {
        let text = "version: 1\nrequire: [{user: ANN@example.com, recent_login: 8h}, {audit: strict}]\n"
        let file = try PolicyFile(parsing: Array(text.utf8))
        let ann = try email("ann@example.com")
        #expect(file.people == [ann])
        #expect(try file.rules(pseudonyms: [ann: "p-1"]).requirements.map(\.scope.person) == ["p-1", nil])
        #expect(throws: PolicyRefusal.self) { try file.rules(pseudonyms: [:]) }
    }

    @Test("The same policy in JSON is the same policy")
    func json() throws {
        let text = #"""
            {"version": 1, "roles": {"r": {"grant": [{"server": "a"}]}}, "bind": [{"everyone": true, "role": "r"}],
             "tests": [{"user": "a@b", "call": "a/t", "expect": "allow"}]}
            """#
        let yaml = """
            version: 1
            roles: {r: {grant: [{server: a}]}}
            bind: [{everyone: true, role: r}]
            """
        let (first, second) = (
            try PolicyFile(parsing: Array(text.utf8)), try PolicyFile(parsing: Array(yaml.utf8))
        )
        #expect(try first.rules(pseudonyms: [:]) == second.rules(pseudonyms: [:]))
        #expect(first.binds == second.binds)
    }
}

@Suite("E-mail addresses")
struct EmailAddressTests {
    @Test(
        "One spelling each, in lower case",
        arguments: [("Ann@Example.COM", "ann@example.com"), ("a.b+c@x", "a.b+c@x"), ("owner@host_1", "owner@host_1")]
    )
    func good(text: String, lower: String) throws {
        #expect(try email(text).text == lower)
        #expect(try email(text) == email(lower))
    }

    @Test(
        "What could be taken for another address, or for a pattern, is refused",
        arguments: [
            "", "a", "@", "a@", "@b", "a@b@c", "a b@c", " a@b", "a@b ", "a@b\n", "a@b\u{0}", "*@b", "a*@b", "a@*",
            "a..b@c", ".a@b", "a.@b", "a@b..c", "a@.b", "a@b.", "a@-b", "a@b-", "\"a\"@b", "a(b)@c", "a,b@c",
            "ann@ex\u{E4}mple.com", "\u{430}nn@example.com", "ann@example.\u{212A}om", "a\u{301}@b",
            "ann\u{FF20}example.com", "\u{202E}a@b", String(repeating: "a", count: 65) + "@b",
            "a@" + String(repeating: "b", count: 64), "a@" + String(repeating: "b.", count: 130) + "c",
        ]
    )
    func bad(text: String) {
        #expect(EmailAddress(text) == nil)
    }
}
