import StrictJSON
import Testing

@testable import Policy

@Suite("Rules with conditions on arguments")
struct ArgumentRuleTests {
    private func snapshot(_ grants: [JSONValue], forbid: [JSONValue] = []) throws -> PolicySnapshot {
        let rules = PolicyRules(
            roles: [
                PolicyRules.Role(name: "all", grants: try grants.map { try PolicyRules.Grant($0, form: .file, at: "") })
            ],
            forbids: try forbid.map { try PolicyRules.Forbid($0, form: .file, at: "") }
        )
        let binding = Binding(
            sub: "sub-1",
            user: "ann@example.com",
            groups: [],
            roles: [Binding.Membership(role: "all", rule: "bind/0")]
        )
        return PolicySnapshot(rules: rules, binding: binding, version: 1, digest: "")
    }

    private func decide(_ policy: PolicySnapshot, _ arguments: JSONValue?, tool: JSONText = "create") -> Decision {
        policy.decide(client: "local", server: "git", tool: tool, arguments: arguments)
    }

    @Test("A grant opens only what is known to meet its conditions, all of them")
    func grants() throws {
        let policy = try snapshot([
            [
                "server": "git", "tools": ["create"],
                "args": ["/owner": ["in": ["acme"]], "/size": ["int_range": [1, 9]]],
            ]
        ])
        #expect(decide(policy, ["owner": "acme", "size": 3]).reason == .granted)
        for arguments in [
            ["owner": "evil", "size": 3], ["owner": "acme", "size": 10], ["owner": "acme"], ["size": 3], [:],
            ["owner": ["acme"], "size": 3], ["owner": "acme", "size": 3, "Owner": "evil"],
        ] as [JSONValue] {
            #expect(decide(policy, arguments).reason == .noGrant, "\(arguments)")
        }
        #expect(decide(policy, nil).reason == .noGrant)
    }

    @Test("A rule that forbids closes all but what is known not to meet its conditions")
    func forbids() throws {
        let policy = try snapshot(
            [["server": "git"]],
            forbid: [["tools": ["create"], "args": ["/path": ["path_under": "/etc"]]]]
        )
        for arguments in [
            ["path": "/etc/passwd"], ["path": "/srv/../etc/passwd"], ["path": 1], ["path": .null], [:],
            ["path": "/srv/x", "Path": "/etc/passwd"], ["path": "%2fetc/passwd"],
        ] as [JSONValue] {
            #expect(decide(policy, arguments).reason == .forbidden, "\(arguments)")
        }
        #expect(decide(policy, nil).reason == .forbidden)
        #expect(decide(policy, ["path": "/srv/x"]).reason == .granted)
        #expect(decide(policy, [:], tool: "other").reason == .granted)
    }

    @Test("What came of each condition is told, also of those that did not decide, and nothing where no rule has one")
    func judged() throws {
        let policy = try snapshot(
            [
                ["server": "git", "tools": ["create"], "args": ["/a": ["eq": 1]]],
                ["server": "git", "tools": ["create"], "args": ["/b": ["eq": 1]]],
                ["server": "git", "tools": ["read"]],
            ],
            forbid: [["tools": ["create"], "args": ["/c": ["eq": 1]]]]
        )
        let decision = decide(policy, ["a": 1, "b": 2, "c": 3])
        #expect(decision.rules == ["roles/all/grant/0", "bind/0"])
        let told = decision.judged.map { "\($0.predicate.pointer.text) \($0.truth)" }
        #expect(told == ["/c fails", "/a holds", "/b fails"])
        #expect(decide(policy, ["a": 1], tool: "read").judged.isEmpty)
        #expect(decide(policy, ["c": 1]).judged.count == 3)
    }

    @Test("Arguments are of calls: other questions about the same tools do not depend on them")
    func otherQuestions() throws {
        let policy = try snapshot(
            [["server": "git", "tools": ["*"], "args": ["/a": ["eq": 1]]]],
            forbid: [["tools": ["*"], "args": ["/b": ["eq": 1]]]]
        )
        #expect(policy.knows(server: "git"))
        #expect(policy.decide(client: "local", server: "git", ask: .method).isAllowed)
        #expect(policy.decide(client: "local", server: "git", ask: .task).isAllowed)
        let listed = Array("x".utf8).withUnsafeBufferPointer {
            policy.decide(client: "local", server: "git", ask: .tool($0), arguments: .any)
        }
        #expect(listed.isAllowed)
        #expect(!decide(policy, ["a": 1, "b": 1]).isAllowed)
    }

    @Test("A bundle has each condition once, and rules by their numbers")
    func signed() throws {
        let rules = PolicyRules(roles: [
            PolicyRules.Role(
                name: "all",
                grants: try [
                    [
                        "server": "a", "tools": ["x"],
                        "args": ["/a": ["eq": 1, "max_len": 3], "/b": ["present": true]],
                    ],
                    ["server": "b", "tools": ["x"], "args": ["/b": ["present": true]]],
                ].map { try PolicyRules.Grant($0, form: .file, at: "") }
            )
        ])
        #expect(
            rules.json["args"] == [
                ["at": "/a", "eq": 1], ["at": "/a", "max_len": 3], ["at": "/b", "present": true],
            ]
        )
        let bytes = try rules.json.canonicalBytes()
        #expect(String(decoding: bytes, as: UTF8.self).contains(#"{"args":[2],"server":"b","tools":["x"]}"#))
        #expect(try PolicyRules(JSONValue(canonical: bytes, limits: .bundle)) == rules)
        #expect(
            rules.roles[0].grants.map(\.json).compactMap { $0["args"]?["/b"] } == [
                ["present": true], ["present": true],
            ]
        )
    }

    @Test(
        "Whatever a caller sends, it is judged in a moment",
        arguments: [
            ("many names", "{" + (0..<100_000).map { "\"k\($0)\":0" }.joined(separator: ",") + "}"),
            ("names that are nearly ours", "{" + (0..<100_000).map { "\"a\($0)\":{}" }.joined(separator: ",") + "}"),
            ("depth", #"{"a":"# + String(repeating: "[", count: 120) + String(repeating: "]", count: 120) + "}"),
            ("a long text", #"{"a":""# + String(repeating: "\\u0041", count: 1_600_000) + #""}"#),
            ("a long path", #"{"a":""# + String(repeating: "/%41", count: 2_500_000) + #""}"#),
            ("a long array", #"{"a":["# + String(repeating: "1,", count: 5_000_000) + "1]}"),
        ]
    )
    func hostile(name: String, arguments: String) throws {
        let conditions: [JSONValue] = [
            ["eq": "A"], ["in": ["A", "B"]], ["max_len": 7], ["url_host_in": ["a.b"]], ["path_under": "/A"],
        ]
        let grants = (0..<250).map { index -> JSONValue in
            let args = JSONObject(unique: [JSONObject.Member(JSONText("/a\(index / 5)"), conditions[index % 5])])
            return ["server": "git", "tools": ["create"], "args": .object(args)]
        }
        let first = conditions.map { ["server": "git", "tools": ["create"], "args": ["/a": $0]] as JSONValue }
        let policy = try snapshot(first + grants)
        let bytes = Array(arguments.utf8)
        let clock = ContinuousClock()
        let time = clock.measure {
            Array("create".utf8).withUnsafeBufferPointer { tool in
                bytes.withUnsafeBufferPointer { arguments in
                    _ = policy.decide(client: "c", server: "git", ask: .tool(tool), arguments: .json(arguments))
                }
            }
        }
        // Ten megabytes, twice what a client can send, in a build that is not optimized and on a machine that is busy.
        #expect(time < .seconds(10), "\(name)")
    }
}
