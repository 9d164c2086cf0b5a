import MCP
import StrictJSON
import Testing

@testable import Policy

@Suite("Whether lists have changed for a client")
struct ListedNamesTests {
    private func snapshot(_ grants: [JSONValue], forbid: [JSONValue] = []) throws -> PolicySnapshot {
        let rules = try PolicyRules([
            "version": 1, "roles": [["name": "all", "grant": .array(grants)]], "forbid": .array(forbid),
            "limits": [],
        ])
        let binding = Binding(
            sub: "sub-1",
            user: "ann@example.com",
            groups: [],
            roles: [Binding.Membership(role: "all", rule: "bind/0")]
        )
        return PolicySnapshot(rules: rules, binding: binding, version: 1, digest: "")
    }

    private func changed(_ one: PolicySnapshot, _ other: PolicySnapshot, client: JSONText = "a") -> ListKinds {
        let there = other.listsChanged(since: one, client: client, server: "up")
        #expect(one.listsChanged(since: other, client: client, server: "up") == there)
        return there
    }

    @Test("Only the kinds that a rule is about, at its servers, for its clients")
    func kinds() throws {
        let open = try snapshot([["server": "up"]])
        #expect(changed(open, .none) == .all)
        #expect(changed(open, open.expired()) == .all)
        #expect(changed(.none, open.expired()) == [])
        #expect(changed(open, try snapshot([["server": "up", "tools": ["a"]]])) == .all)
        #expect(changed(open, try snapshot([["server": "up"]], forbid: [["tools": ["a*"]]])) == .tools)
        #expect(changed(open, try snapshot([["server": "up"]], forbid: [["prompts": ["a"]]])) == .prompts)
        #expect(changed(open, try snapshot([["server": "up"]], forbid: [["resources": ["a:*"]]])) == .resources)
        #expect(changed(open, try snapshot([["server": "up"]], forbid: [["server": "other"]])) == [])
        let forClient = try snapshot([["server": "up"]], forbid: [["client": "a", "tools": ["x"]]])
        #expect(changed(open, forClient) == .tools)
        #expect(changed(open, forClient, client: "b") == [])
    }

    @Test("What may be called with some arguments is listed, whatever is forbidden with others")
    func conditions() throws {
        let some = try PolicyRules([
            "version": 1, "args": [["at": "/a", "eq": 1]], "limits": [],
            "roles": [["name": "all", "grant": [["server": "up", "tools": ["a*"], "args": [0]]]]],
            "forbid": [["tools": ["ab"], "args": [0]]],
        ])
        let binding = Binding(
            sub: "sub-1",
            user: "ann@example.com",
            groups: [],
            roles: [Binding.Membership(role: "all", rule: "bind/0")]
        )
        let snapshot = PolicySnapshot(rules: some, binding: binding, version: 1, digest: "")
        #expect(changed(snapshot, try self.snapshot([["server": "up", "tools": ["a*"]]])) == [])
    }

    @Test("Where the policy only observes, everything is listed that no rule forbids")
    func observing() throws {
        func observing(_ forbid: [JSONValue]) throws -> PolicySnapshot {
            let rules = try PolicyRules([
                "version": 1, "roles": [], "forbid": .array(forbid), "limits": [], "mode": "observe",
            ])
            let binding = Binding(sub: "sub-1", user: "ann@example.com", groups: [], roles: [])
            return PolicySnapshot(rules: rules, binding: binding, version: 1, digest: "")
        }
        #expect(changed(try snapshot([["server": "up"]]), try observing([])) == [])
        #expect(changed(try observing([]), try observing([["tools": ["a*"]]])) == .tools)
        #expect(changed(try observing([]), try snapshot([])) == .all)
    }

    @Test("Other words for the same rules change nothing")
    func meaning() throws {
        let plain = try snapshot([["server": "up", "tools": ["get*", "delete_repo_of_somebody"]]])
        for (grants, forbids) in [
            ([["server": "u*", "tools": ["delete_repo_of_somebody", "get_it", "get*", "get"]]], []),
            ([["server": "up", "tools": ["get*"]], ["server": "up", "tools": ["delete_repo_of_somebody"]]], []),
            ([["server": "up", "tools": ["get*", "delete_repo_of_somebody", "put"]]], [["tools": ["put*"]]]),
            ([["server": "up", "tools": ["get*", "delete_repo_of_somebody"]]], [["tools": ["list*"]]]),
        ] as [([JSONValue], [JSONValue])] {
            #expect(changed(plain, try snapshot(grants, forbid: forbids)) == [])
        }
        #expect(
            changed(plain, try snapshot([["server": "up", "tools": ["get*", "delete_repo_of_someone"]]])) == .tools
        )
        #expect(
            changed(plain, try snapshot([["server": "up", "tools": ["get", "delete_repo_of_somebody"]]])) == .tools
        )
    }

    @Test("Where nothing is told, every name is decided as before", arguments: 0..<3)
    func property(seed: Int) {
        var random = RandomPolicy(seed: 700 + seed)
        var same = 0
        for _ in 0..<2_000 {
            let (one, other) = (random.rules(), random.rules())
            let binding = random.binding()
            // Half of one policy is often the other: else hardly two of them would say the same.
            let mixed = PolicyRules(
                roles: one.roles,
                forbids: Bool.random(using: &random.random) ? one.forbids : other.forbids
            )
            let before = PolicySnapshot(rules: one, binding: binding, version: 1, digest: "")
            let after = PolicySnapshot(rules: mixed, binding: binding, version: 2, digest: "")
            for _ in 0..<6 {
                let question = random.question()
                let kind: ListKinds
                switch question.subject {
                case .tool: kind = .tools
                case .resource: kind = .resources
                case .prompt: kind = .prompts
                default: continue
                }
                let told = after.listsChanged(since: before, client: question.client, server: question.server)
                guard !told.contains(kind) else { continue }
                same += 1
                func isListed(_ policy: PolicySnapshot) -> Bool {
                    question.ask {
                        policy.decide(
                            client: question.client,
                            server: question.server,
                            ask: $0,
                            arguments: .any,
                            hints: question.hints
                        )
                        .isAllowed
                    }
                }
                #expect(isListed(before) == isListed(after))
            }
        }
        #expect(same > 1_000)
    }
}
