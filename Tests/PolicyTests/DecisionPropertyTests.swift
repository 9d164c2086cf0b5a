import StrictJSON
import Testing

@testable import Policy

/// What must hold for every policy, after the theorems that Cedar proves of its authorizer, on random policies.
@Suite("Properties of decisions")
struct DecisionPropertyTests {
    private static let rounds = 1_500
    private static let questions = 12

    private func forRandomPolicies(
        _ seed: Int,
        _ body: (inout RandomPolicy, PolicyRules, Binding, Question) throws -> Void
    ) rethrows {
        var random = RandomPolicy(seed: seed)
        for _ in 0..<Self.rounds {
            let rules = random.rules()
            let binding = random.binding()
            for _ in 0..<Self.questions { try body(&random, rules, binding, random.question()) }
        }
    }

    private func decision(_ question: Question, _ rules: PolicyRules, _ binding: Binding) -> Decision {
        let snapshot = PolicySnapshot(rules: rules, binding: binding, version: 1, digest: "")
        return question.decide(snapshot)
    }

    @Test("The compiled policy decides as the rules read", arguments: 0..<4)
    func oracle(seed: Int) {
        var random = RandomPolicy(seed: 100 + seed)
        var allowed = 0
        for _ in 0..<Self.rounds {
            let rules = random.rules()
            let binding = random.binding()
            let snapshot = PolicySnapshot(rules: rules, binding: binding, version: 1, digest: "")
            for _ in 0..<Self.questions {
                let question = random.question()
                let decided = question.decide(snapshot)
                let explained = question.explain(snapshot)
                #expect(decided.isAllowed == Oracle.isAllowed(question, rules: rules, binding: binding))
                #expect(explained.reason == decided.reason)
                #expect(Set(decided.rules).isSubset(of: explained.rules))
                #expect(explained.obligations == decided.obligations)
                if decided.isAllowed {
                    let demands = Oracle.demands(question, rules: rules, binding: binding)
                    #expect(Oracle.demands(decided.obligations) == demands)
                }
                if decided.isAllowed { allowed += 1 }
            }
        }
        // Neither everything nor nothing: else the test would say little.
        #expect((1_000..<17_000).contains(allowed))
    }

    @Test("Without rules, or without a role, everything is denied")
    func defaultDeny() {
        forRandomPolicies(1) { _, rules, binding, question in
            #expect(decision(question, .empty, binding).reason == .noGrant)
            let nobody = Binding(sub: binding.sub, user: "", groups: binding.groups, roles: [])
            #expect(!decision(question, rules, nobody).isAllowed)
            #expect(!question.decide(.none).isAllowed)
        }
    }

    @Test("One more rule that forbids never opens, one more grant never closes")
    func monotony() {
        forRandomPolicies(2) { random, rules, binding, question in
            let before = decision(question, rules, binding).isAllowed
            let stricter = PolicyRules(roles: rules.roles, forbids: rules.forbids + [random.forbid()])
            #expect(!(decision(question, stricter, binding).isAllowed && !before))
            let wider = rules.roles.map { PolicyRules.Role(name: $0.name, grants: $0.grants + [random.grant()]) }
            let more = PolicyRules(roles: wider, forbids: rules.forbids)
            #expect(!(before && !decision(question, more, binding).isAllowed))
        }
    }

    @Test("One more rule that demands something opens nothing, closes nothing, and takes no demand away")
    func demands() {
        forRandomPolicies(9) { random, rules, binding, question in
            let before = decision(question, rules, binding)
            let more = PolicyRules(
                roles: rules.roles,
                forbids: rules.forbids,
                requirements: rules.requirements + [random.requirement()]
            )
            let after = decision(question, more, binding)
            #expect(after.isAllowed == before.isAllowed && after.reason == before.reason)
            #expect(after.obligations.covers(before.obligations))
            #expect(before.isAllowed || before.obligations.isEmpty)
        }
    }

    @Test("A policy that only observes lets pass what no grant opens, and nothing that a rule forbids")
    func observing() {
        forRandomPolicies(8) { _, rules, binding, question in
            let enforced = decision(question, rules, binding)
            let observing = PolicyRules(
                roles: rules.roles,
                forbids: rules.forbids,
                requirements: rules.requirements,
                mode: .observe
            )
            let observed = decision(question, observing, binding)
            #expect(observed.isAllowed == (enforced.reason != .forbidden))
            #expect(observed.observed == (enforced.reason == .noGrant ? .noGrant : nil))
            if enforced.reason != .noGrant { #expect(observed == enforced) }
            let snapshot = PolicySnapshot(rules: observing, binding: binding, version: 1, digest: "")
            #expect(snapshot.knows(server: question.server))
            #expect(!snapshot.expired().knows(server: question.server))
            #expect(decision(question, observing.enforced, binding) == enforced)
        }
    }

    @Test("Neither order nor repetition of rules matters")
    func order() {
        forRandomPolicies(3) { random, rules, binding, question in
            let before = decision(question, rules, binding)
            let roles = rules.roles.map { role in
                PolicyRules.Role(name: role.name, grants: (role.grants + role.grants).shuffled(using: &random.random))
            }
            let shuffled = PolicyRules(
                roles: roles.shuffled(using: &random.random),
                forbids: (rules.forbids + rules.forbids).shuffled(using: &random.random),
                requirements: (rules.requirements + rules.requirements).shuffled(using: &random.random)
            )
            let person = Binding(
                sub: binding.sub,
                user: binding.user,
                groups: binding.groups.shuffled(using: &random.random),
                roles: (binding.roles + binding.roles).shuffled(using: &random.random)
            )
            let after = decision(question, shuffled, person)
            #expect(after.reason == before.reason && after.obligations == before.obligations)
        }
    }

    @Test("A person who loses a role gains nothing")
    func fewerRoles() {
        forRandomPolicies(4) { random, rules, binding, question in
            guard !binding.roles.isEmpty else { return }
            var roles = binding.roles
            roles.remove(at: Int.random(in: 0..<roles.count, using: &random.random))
            let less = Binding(sub: binding.sub, user: binding.user, groups: binding.groups, roles: roles)
            let opened = decision(question, rules, less).isAllowed && !decision(question, rules, binding).isAllowed
            #expect(!opened)
        }
    }

    @Test("Without the rules that an explanation names, it would be decided otherwise")
    func explanation() {
        forRandomPolicies(5) { _, rules, binding, question in
            let snapshot = PolicySnapshot(rules: rules, binding: binding, version: 1, digest: "")
            let explained = question.explain(snapshot)
            switch explained.reason {
            case .granted:
                let roles = rules.roles.map { role in
                    let kept = role.grants.enumerated().filter { index, _ in
                        !explained.rules.contains(JSONText("roles/\(role.name)/grant/\(index)"))
                    }
                    return PolicyRules.Role(name: role.name, grants: kept.map(\.element))
                }
                #expect(!decision(question, PolicyRules(roles: roles, forbids: rules.forbids), binding).isAllowed)
            case .forbidden:
                let kept = rules.forbids.enumerated().filter {
                    !explained.rules.contains(JSONText("forbid/\($0.offset)"))
                }
                let without = PolicyRules(roles: rules.roles, forbids: kept.map(\.element))
                #expect(decision(question, without, binding).reason != .forbidden)
            case .noGrant, .policyExpired, .observed:
                #expect(explained.rules.isEmpty)
            }
        }
    }

    @Test("A policy after its time closes everything, and knows no server")
    func expiry() {
        forRandomPolicies(6) { _, rules, binding, question in
            let expired = PolicySnapshot(rules: rules, binding: binding, version: 3, digest: "d").expired()
            #expect(question.decide(expired).reason == .policyExpired)
            #expect(!expired.knows(server: question.server))
            #expect(expired.version == 3)
        }
    }

    @Test("Rules come back from their signed form as they were, and decide alike")
    func signedForm() throws {
        var random = RandomPolicy(seed: 7)
        for _ in 0..<300 {
            let rules = random.rules()
            let binding = random.binding()
            #expect(try PolicyRules(JSONValue(canonical: try rules.json.canonicalBytes(), limits: .bundle)) == rules)
            #expect(try Binding(binding.members) == binding)
        }
    }
}
