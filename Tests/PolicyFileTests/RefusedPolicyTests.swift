import Policy
import PolicyFile
import StrictJSON
import Testing

@Suite("Policy files that are refused")
struct RefusedPolicyTests {
    private func places(_ text: String) -> [String] {
        let problems = PolicyFile.problems(in: Array(text.utf8))
        for problem in problems { #expect(!problem.why.isEmpty) }
        return problems.map(\.place)
    }

    private static let roles = "version: 1\nroles: {dev: {grant: [{server: a}]}}\n"

    @Test(
        "Each is refused at its place",
        arguments: [
            ("", ""), ("version: 1\n---\n", "2:1"), ("[]", ""), ("{}", "version"), ("roles: {}\n", "version"),
            ("version: 2\n", "version"), ("version: '1'\n", "version"), ("version: 1.0\n", "version"),
            ("version: true\n", "version"), ("Version: 1\n", "version"),
            ("version: 1\nroles: {}\nrole: {}\n", "role"),
            ("version: 1\nrequire: [{tools: [a]}]\n", "require/0"),
            ("version: 1\nrequire: [{audit: strict, user: ann}]\n", "require/0/user"),
            ("version: 1\nrequire: [{audit: strict, unless_role: dev}]\n", "require/0/unless_role"),
            ("version: 1\nforbid: [{unless_role: dev}]\n", "forbid/0/unless_role"),
            ("version: 1\nlimits: [{per: user, role: dev, rate: 1/s}]\n", "limits/0/role"),
            ("version: 1\nmode: sometimes\n", "mode"), ("version: 1\nmode: true\n", "mode"),
            ("version: 1\nroles: []\n", "roles"),
            ("version: 1\nroles: {dev: {}}\n", "roles/dev/grant"),
            ("version: 1\nroles: {dev: {grant: []}, dev: {grant: []}}\n", "2:27"),
            ("version: 1\nroles: {'a/b': {grant: []}}\n", "roles/a/b"),
            ("version: 1\nroles:\n  dev:\n    grant:\n      - { tools: [a] }\n", "roles/dev/grant/0/server"),
            ("version: 1\nroles: {dev: {grant: [{server: a, args: {}}]}}\n", "roles/dev/grant/0/args"),
            ("version: 1\nroles: {dev: {grant: [{server: a, tools: []}]}}\n", "roles/dev/grant/0/tools"),
            ("version: 1\nroles: {dev: {grant: [{server: a, tools: x}]}}\n", "roles/dev/grant/0/tools"),
            ("version: 1\nroles: {dev: {grant: [{server: a, tools: ['a*b']}]}}\n", "roles/dev/grant/0/tools/0"),
            (
                "version: 1\nroles: {dev: {grant: [{server: a, server_requests: [roots, all]}]}}\n",
                "roles/dev/grant/0/server_requests/1"
            ),
            ("version: 1\nbind:\n  - { user: a@example.com, role: nobody }\n", "bind/0/role"),
            (roles + "bind: [{role: dev}]\n", "bind/0"),
            (roles + "bind: [{user: a@b, group: c, role: dev}]\n", "bind/0"),
            (roles + "bind: [{everyone: false, role: dev}]\n", "bind/0/everyone"),
            (roles + "bind: [{everyone: yes, role: dev}]\n", "bind/0/everyone"),
            (roles + "bind: [{user: '*@example.com', role: dev}]\n", "bind/0/user"),
            (roles + "bind: [{user: ann, role: dev}]\n", "bind/0/user"),
            (roles + "bind: [{user: \"\u{430}nn@example.com\", role: dev}]\n", "bind/0/user"),
            (roles + "bind: [{everyone: true, role: dev, clients: []}]\n", "bind/0/clients"),
            (roles + "bind: [{everyone: true, role: dev, client: a}]\n", "bind/0/client"),
            (roles + "bind: {user: a@b, role: dev}\n", "bind"),
            ("version: 1\nforbid:\n  - { server: a, tools: ['*x'] }\n", "forbid/0/tools/0"),
            ("version: 1\nforbid: [{sub: p-1}]\n", "forbid/0/sub"),
            ("version: 1\nforbid: [{user: nobody}]\n", "forbid/0/user"),
            ("version: 1\nforbid: [{because: ''}]\n", "forbid/0/because"),
            ("version: 1\nforbid: [{because: \"a\\x7fb\"}]\n", "forbid/0/because"),
            ("version: 1\nlimits: [{per: org, rate: 1/s}]\n", "limits/0/per"),
            ("version: 1\nlimits: [{per: user}]\n", "limits/0"),
            ("version: 1\nlimits: [{per: user, rate: 1/day}]\n", "limits/0/rate"),
            ("version: 1\nlimits: [{per: user, rate: 0/s}]\n", "limits/0/rate"),
            ("version: 1\nlimits: [{per: user, burst: 2}]\n", "limits/0/burst"),
            ("version: 1\ntests: [{user: a@b, call: a/b}]\n", "tests/0/expect"),
            ("version: 1\ntests: [{call: a/b, expect: deny}]\n", "tests/0/user"),
            ("version: 1\ntests: [{user: a@b, call: a, expect: deny}]\n", "tests/0/call"),
            ("version: 1\ntests: [{user: a@b, call: /b, expect: deny}]\n", "tests/0/call"),
            ("version: 1\ntests: [{user: a@b, call: a/b, expect: Deny}]\n", "tests/0/expect"),
            ("version: 1\ntests: [{user: a@b, call: a/b, expect: deny, because: granted}]\n", "tests/0/because"),
            ("version: 1\ntests: [{user: a@b, call: a/b, expect: deny, because: 'no grant'}]\n", "tests/0/because"),
            ("version: 1\ntests: [{user: a@b, call: a/b, expect: deny, because: policy_expired}]\n", "tests/0/because"),
            ("version: 1\ntests: [{user: a@b, args: [], call: a/b, expect: deny}]\n", "tests/0/args"),
            ("version: 1\nroles: &a {}\nbind: *a\n", "2:8"), ("version: 1\nversion: 1\n", "2:1"),
            ("{\"version\": 1, \"version\": 1}", "1:17"),
        ]
    )
    func place(text: String, place: String) {
        #expect(places(text) == [place])
    }

    @Test("A test that fails names what decided instead")
    func tests() {
        let text =
            Self.roles + "bind: [{everyone: true, role: dev}]\n"
                + """
                forbid: [{tools: [x]}]
                tests:
                  - { user: a@b, call: a/t, expect: deny }
                  - { user: a@b, call: a/t, expect: allow }
                  - { user: a@b, call: a/x, expect: deny, because: no_grant }
                  - { user: a@b, call: b/x, expect: allow }
                """
        let problems = PolicyFile.problems(in: Array(text.utf8))
        #expect(problems.map(\.place) == ["tests/0", "tests/2", "tests/3"])
        #expect(problems[0].why.contains("roles/dev/grant/0, bind/0"))
        #expect(problems[1].why.contains("forbidden, by forbid/0"))
    }

    @Test("Everything that is wrong is told at once, up to what anybody reads")
    func several() {
        let text = """
            version: 1
            roles: {dev: {grant: [{tools: [a]}]}}
            bind: [{user: a@b, role: dev}, {user: a, role: dev}, {user: a@b, role: x}]
            forbid: [{tool: a}]
            extra: 1
            """
        #expect(places(text) == ["roles/dev/grant/0/server", "bind/1/user", "bind/2/role", "forbid/0/tool", "extra"])
        let many = "version: 1\nforbid:\n" + String(repeating: "- {x: 1}\n", count: 500)
        #expect(places(many).count == 50)
    }

    @Test("What is too large or too deep is refused, and costs little")
    func bounds() {
        let large = "version: 1\n# " + String(repeating: "a", count: PolicyFile.largest)
        #expect(places(large) == ["1:1"])
        #expect(PolicyFile.problems(in: Array("version: 1\nroles: [[[[[[[[[[[[[[]]]]]]]]]]]]]]".utf8)).count == 1)
        let test = "- {user: a@b, call: a/b, expect: deny}\n"
        let tests = "version: 1\ntests:\n" + String(repeating: test, count: 2001)
        #expect(places(tests) == ["tests/2000"])
        // Small as a file, and too large as it would be signed.
        let word = String(repeating: "\"", count: 2000)
        let forbid = "- {tools: ['\(word)']}\n"
        let rules = "version: 1\nforbid:\n" + String(repeating: forbid, count: 400)
        #expect(places(rules) == [""])
    }

    @Test("Rules and tests that would take long to compare are refused, and a file of many people is not")
    func work() throws {
        func lines(_ count: Int, _ line: (Int) -> String) -> String { (0..<count).map { line($0) + "\n" }.joined() }
        let forbids = "forbid:\n" + lines(6000) { _ in "- {tools: [a]}" }
        let sameUser = "tests:\n" + lines(1000) { _ in "- {user: a@b, call: a/b, expect: deny}" }
        #expect(places(Self.roles + forbids + sameUser) == ["tests/0"])
        let groups = lines(1500) { "g\($0)" }.split(separator: "\n").joined(separator: ", ")
        let grouped = "tests: [{user: a@b, groups: [\(groups)], call: a/b, expect: deny}]\n"
        #expect(places(Self.roles + forbids + grouped) == ["tests/0"])

        let many = "version: 1\nroles:\n  dev:\n    grant:\n" + lines(400) { "    - {server: s\($0)}" }
        #expect(places(many + "bind:\n" + lines(300) { _ in "- {everyone: true, role: dev}" }) == ["bind"])
        let own = "bind:\n- {everyone: true, role: dev}\n" + lines(300) { _ in "- {user: a@b, role: dev}" }
        #expect(places(many + own) == ["bind/1"])

        // Each of so many people has a rule of their own, and each test is about another of them.
        let binds = "bind:\n" + lines(5000) { "- {user: u\($0)@b, role: dev}" }
        let allowed = "tests:\n" + lines(1000) { "- {user: u\($0 * 5)@b, call: a/b, expect: allow}" }
        let file = try PolicyFile(parsing: Array((Self.roles + binds + allowed).utf8))
        let last = try #require(EmailAddress("u4999@b"))
        #expect(file.memberships(of: last, groups: []).map(\.rule) == ["bind/4999"])
    }

    @Test("A stored file is read without its tests, and still as strictly")
    func stored() throws {
        let failing = Array((Self.roles + "tests: [{user: a@b, call: a/b, expect: allow}]\n").utf8)
        #expect(throws: PolicyRefusal.self) { try PolicyFile(parsing: failing) }
        #expect(try PolicyFile(stored: failing).tests.count == 1)
        #expect(throws: PolicyRefusal.self) { try PolicyFile(stored: Array("version: 1\nfrob: 1\n".utf8)) }
    }
}

extension PolicyFile {
    /// Everything that is wrong with a file; empty if it can be applied.
    static func problems(in bytes: [UInt8]) -> [PolicyProblem] {
        do {
            _ = try PolicyFile(parsing: bytes)
            return []
        } catch {
            return error.problems
        }
    }
}
