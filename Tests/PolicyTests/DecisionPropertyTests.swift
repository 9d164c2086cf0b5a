import Kits
import StrictJSON
import Testing

@testable import Policy

/// What must hold for every policy, after the theorems that Cedar proves of its authorizer, on random policies.
@Suite("Properties of decisions")
struct DecisionPropertyTests {
    @Test("The compiled policy decides as the rules read", arguments: 0..<4)
    func oracle(seed: Int) {
        var (allowed, tried) = (0, 0)
        Property.check(100 + seed) { each in
            let snapshot = PolicySnapshot(rules: each.rules, binding: each.binding, version: 1, digest: "")
            let decided = each.question.decide(snapshot)
            let explained = each.question.explain(snapshot)
            tried += 1
            if decided.isAllowed { allowed += 1 }
            let demands = Oracle.demands(each.question, rules: each.rules, binding: each.binding)
            return decided.isAllowed == Oracle.isAllowed(each.question, rules: each.rules, binding: each.binding)
                && explained.reason == decided.reason && Set(decided.rules).isSubset(of: explained.rules)
                && explained.obligations == decided.obligations
                && (!decided.isAllowed || Oracle.demands(decided.obligations) == demands)
        }
        // Neither everything nor nothing: else the test would say little.
        #expect(allowed * 18 > tried && allowed < tried)
    }

    @Test("Without rules, or without a role, everything is denied")
    func defaultDeny() {
        Property.check(1) { tried in
            tried.decide(.empty).reason == .noGrant && !tried.decide(nil, tried.binding.with(roles: [])).isAllowed
                && !tried.question.decide(.none).isAllowed
        }
    }

    @Test("One more rule that forbids never opens")
    func moreForbids() {
        Property.check(2) { tried in
            let stricter = tried.rules.with(forbids: tried.rules.forbids + [tried.forbid])
            return tried.decide().isAllowed || !tried.decide(stricter).isAllowed
        }
    }

    @Test("One more grant never closes")
    func moreGrants() {
        Property.check(3) { tried in
            let wider = tried.rules.roles.map { role in
                PolicyRules.Role(name: role.name, grants: role.grants + [tried.grant])
            }
            return !tried.decide().isAllowed || tried.decide(tried.rules.with(roles: wider)).isAllowed
        }
    }

    @Test("One more rule that demands something opens nothing, closes nothing, and takes no demand away")
    func moreDemands() {
        Property.check(4) { tried in
            let before = tried.decide()
            let more = tried.rules.with(requirements: tried.rules.requirements + [tried.requirement])
            let after = tried.decide(more)
            return after.isAllowed == before.isAllowed && after.reason == before.reason
                && after.obligations.covers(before.obligations) && (before.isAllowed || before.obligations.isEmpty)
        }
    }

    @Test("Neither order nor repetition of rules matters")
    func order() {
        Property.check(5) { tried in
            var random = tried.random
            let rules = tried.rules
            let roles = rules.roles.map { role in
                PolicyRules.Role(name: role.name, grants: (role.grants + role.grants).shuffled(using: &random))
            }
            let shuffled = rules.with(
                roles: roles.shuffled(using: &random),
                forbids: (rules.forbids + rules.forbids).shuffled(using: &random),
                requirements: (rules.requirements + rules.requirements).shuffled(using: &random)
            )
            let person = tried.binding.with(
                groups: tried.binding.groups.shuffled(using: &random),
                roles: (tried.binding.roles + tried.binding.roles).shuffled(using: &random)
            )
            let (before, after) = (tried.decide(), tried.decide(shuffled, person))
            return after.reason == before.reason && after.obligations == before.obligations
        }
    }

    @Test("A person who loses a role gains nothing, and neither is less demanded of one whom a role no longer spares")
    func fewerRoles() {
        Property.check(6) { tried in
            var random = tried.random
            var roles = tried.binding.roles
            guard let lost = roles.indices.randomElement(using: &random) else { return true }
            roles.remove(at: lost)
            let (before, after) = (tried.decide(), tried.decide(nil, tried.binding.with(roles: roles)))
            return !after.isAllowed || before.isAllowed && after.obligations.covers(before.obligations)
        }
    }

    @Test("A person who leaves a group gains nothing but what rules have forbidden to that group, or demanded of it")
    func fewerGroups() {
        Property.check(7) { tried in
            var random = tried.random
            var groups = tried.binding.groups
            guard let left = groups.indices.randomElement(using: &random) else { return true }
            groups.remove(at: left)
            let rules = tried.rules.with(forbids: tried.rules.forbids.filter { $0.scope.group == nil })
            let less = tried.binding.with(groups: groups)
            return !tried.decide(rules, less).isAllowed || tried.decide(rules).isAllowed
        }
    }

    @Test("Without the rules that an explanation names, it would be decided otherwise")
    func explanation() {
        Property.check(8) { tried in
            let rules = tried.rules
            let snapshot = PolicySnapshot(rules: rules, binding: tried.binding, version: 1, digest: "")
            let explained = tried.question.explain(snapshot)
            func isNamed(_ rule: String) -> Bool { explained.rules.contains(JSONText(rule)) }
            switch explained.reason {
            case .granted:
                let roles = rules.roles.map { role in
                    let kept = role.grants.enumerated().filter { !isNamed("roles/\(role.name)/grant/\($0.offset)") }
                    return PolicyRules.Role(name: role.name, grants: kept.map(\.element))
                }
                let kept = rules.requirements.enumerated().filter { !isNamed("require/\($0.offset)") }.map(\.element)
                return !tried.decide(rules.with(roles: roles)).isAllowed
                    && tried.decide(rules.with(requirements: kept)).obligations.isEmpty
            case .forbidden:
                let kept = rules.forbids.enumerated().filter { !isNamed("forbid/\($0.offset)") }.map(\.element)
                return tried.decide(rules.with(forbids: kept)).reason != .forbidden
            case .noGrant, .policyExpired, .observed:
                return explained.rules.isEmpty
            }
        }
    }

    @Test("A policy that only observes lets pass what no grant opens, and nothing that a rule forbids")
    func observing() {
        Property.check(9) { tried in
            let enforced = tried.decide()
            let observing = tried.rules.with(mode: .observe)
            let observed = tried.decide(observing)
            let snapshot = PolicySnapshot(rules: observing, binding: tried.binding, version: 1, digest: "")
            return observed.isAllowed == (enforced.reason != .forbidden)
                && observed.observed == (enforced.reason == .noGrant ? .noGrant : nil)
                && (enforced.reason == .noGrant || observed == enforced)
                && snapshot.knows(server: tried.question.server)
                && !snapshot.expired().knows(server: tried.question.server)
                && tried.decide(observing.enforced) == enforced
        }
    }

    @Test("A policy after its time closes everything, and knows no server")
    func expiry() {
        Property.check(10) { tried in
            let snapshot = PolicySnapshot(rules: tried.rules, binding: tried.binding, version: 3, digest: "d")
            let expired = snapshot.expired()
            return tried.question.decide(expired).reason == .policyExpired
                && !expired.knows(server: tried.question.server) && expired.version == 3
        }
    }

    @Test("What a machine reads of signed rules and a signed binding decides as what the coordinator has signed")
    func signedForm() {
        Property.check(11) { tried in
            guard let bytes = try? tried.rules.json.canonicalBytes(),
                let rules = try? PolicyRules(JSONValue(canonical: bytes, limits: .bundle)),
                let members = try? JSONValue(canonical: JSONValue.object(tried.binding.members).canonicalBytes()),
                let binding = try? Binding(members.object ?? JSONObject())
            else { return false }
            return rules == tried.rules && binding == tried.binding && tried.decide(rules, binding) == tried.decide()
        }
    }

    @Test("Signed rules with one member that is not known, anywhere, or of a later version, are refused as a whole")
    func unknown() {
        Property.check(12) { tried in
            var later = tried.rules.json.object ?? JSONObject()
            later["version"] = 2
            guard (try? PolicyRules(.object(later))) == nil else { return false }
            return Self.withUnknown(tried.rules.json).allSatisfy { (try? PolicyRules($0)) == nil }
        }
    }

    /// The value with one unknown member, once for each object in it.
    private static func withUnknown(_ value: JSONValue) -> [JSONValue] {
        switch value {
        case .object(let object):
            var more = object
            more["not_known"] = 1
            let inner = object.members.flatMap { member in
                withUnknown(member.value).map { changed -> JSONValue in
                    var copy = object
                    copy[member.name] = changed
                    return .object(copy)
                }
            }
            return [.object(more)] + inner
        case .array(let elements):
            return elements.indices.flatMap { index in
                withUnknown(elements[index]).map { changed -> JSONValue in
                    var copy = elements
                    copy[index] = changed
                    return .array(copy)
                }
            }
        case .null, .bool, .number, .string: return []
        }
    }

    @Test("A case that breaks a property is told without what does not matter")
    func shrinking() throws {
        var random = RandomPolicy(seed: 13)
        var broken: PolicyCase?
        for _ in 0..<10_000 where broken == nil {
            let tried = PolicyCase(&random, rules: random.rules(), binding: random.binding())
            if tried.decide().reason == .forbidden { broken = tried }
        }
        let smallest = Property.shrunk(try #require(broken)) { $0.decide().reason != .forbidden }
        #expect(smallest.rules.forbids.count == 1)
        #expect(smallest.rules.roles.isEmpty && smallest.rules.requirements.isEmpty && smallest.binding.roles.isEmpty)
    }
}
