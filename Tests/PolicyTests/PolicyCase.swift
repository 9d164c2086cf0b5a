import Foundation
import Kits
import MCP
import StrictJSON
import Testing

@testable import Policy

/// One policy, one person and one question, with rules that can be added to them.
struct PolicyCase {
    var rules: PolicyRules
    var binding: Binding
    var question: Question
    var forbid: PolicyRules.Forbid
    var grant: PolicyRules.Grant
    var requirement: PolicyRules.Requirement
    /// For what a property chooses at random: the same for every try of the same case.
    var seed: UInt64

    init(_ random: inout RandomPolicy, rules: PolicyRules, binding: Binding) {
        self.rules = rules
        self.binding = binding
        question = random.question()
        forbid = random.forbid()
        grant = random.grant()
        requirement = random.requirement()
        seed = random.random.next()
    }

    var random: SeededRandom { SeededRandom(seed: seed) }

    /// Decides under the rules of the case, or others, for its person, or another.
    func decide(_ rules: PolicyRules? = nil, _ binding: Binding? = nil) -> Decision {
        question.decide(
            PolicySnapshot(rules: rules ?? self.rules, binding: binding ?? self.binding, version: 1, digest: "")
        )
    }

    var words: String {
        let person = JSONValue.object(binding.members).json
        let arguments = question.arguments?.json ?? "none"
        return
            "rules \(rules.json.json) person \(person) question \(question.client) \(question.server) \(question.subject) "
            + "arguments \(arguments) hints \(question.hints.rawValue) forbid \(forbid.json(.file).json) grant \(grant.json.json) "
            + "requirement \(requirement.json(.file).json) seed \(seed)"
    }
}

extension PolicyRules {
    /// The same rules with other parts.
    func with(
        roles: [Role]? = nil,
        forbids: [Forbid]? = nil,
        requirements: [Requirement]? = nil,
        mode: Mode? = nil
    ) -> PolicyRules {
        PolicyRules(
            roles: roles ?? self.roles,
            forbids: forbids ?? self.forbids,
            requirements: requirements ?? self.requirements,
            limits: limits,
            mode: mode ?? self.mode
        )
    }
}

extension Binding {
    /// The same person with other groups or roles.
    func with(groups: [JSONText]? = nil, roles: [Membership]? = nil) -> Binding {
        Binding(sub: sub, user: user, groups: groups ?? self.groups, roles: roles ?? self.roles, signedIn: signedIn)
    }
}

/// Tries a property on random cases; one that breaks it is made smaller before it is told.
enum Property {
    /// How many policies; a long run sets `DOORWARD_SEEDS`.
    static let policies = ProcessInfo.processInfo.environment["DOORWARD_SEEDS"].flatMap { Int($0) } ?? 400
    private static let questions = 12

    /// Tries a property, with the random numbers of a seed.
    static func check(_ seed: Int, _ holds: (PolicyCase) -> Bool) {
        var random = RandomPolicy(seed: seed)
        for _ in 0..<policies {
            let (rules, binding) = (random.rules(), random.binding())
            for _ in 0..<questions {
                let tried = PolicyCase(&random, rules: rules, binding: binding)
                guard !holds(tried) else { continue }
                Issue.record("it does not hold: \(shrunk(tried, holds).words)")
                return
            }
        }
    }

    /// The smallest case of those that still break the property and that lack one part after the other.
    static func shrunk(_ broken: PolicyCase, _ holds: (PolicyCase) -> Bool) -> PolicyCase {
        var smallest = broken
        while let smaller = smaller(than: smallest).first(where: { !holds($0) }) { smallest = smaller }
        return smallest
    }

    /// Every case that has one part less.
    private static func smaller(than tried: PolicyCase) -> [PolicyCase] {
        var cases: [PolicyCase] = []
        func add(_ change: (inout PolicyCase) -> Void) {
            var smaller = tried
            change(&smaller)
            cases.append(smaller)
        }
        for index in tried.rules.roles.indices {
            var roles = tried.rules.roles
            let role = roles.remove(at: index)
            add { $0.rules = tried.rules.with(roles: roles) }
            for grant in role.grants.indices {
                var grants = role.grants
                grants.remove(at: grant)
                var roles = tried.rules.roles
                roles[index] = PolicyRules.Role(name: role.name, grants: grants)
                add { $0.rules = tried.rules.with(roles: roles) }
            }
        }
        for index in tried.rules.forbids.indices {
            var forbids = tried.rules.forbids
            forbids.remove(at: index)
            add { $0.rules = tried.rules.with(forbids: forbids) }
        }
        for index in tried.rules.requirements.indices {
            var requirements = tried.rules.requirements
            requirements.remove(at: index)
            add { $0.rules = tried.rules.with(requirements: requirements) }
        }
        for index in tried.binding.roles.indices {
            var roles = tried.binding.roles
            roles.remove(at: index)
            add { $0.binding = tried.binding.with(roles: roles) }
        }
        for index in tried.binding.groups.indices {
            var groups = tried.binding.groups
            groups.remove(at: index)
            add { $0.binding = tried.binding.with(groups: groups) }
        }
        if tried.question.arguments != nil { add { $0.question.arguments = nil } }
        return cases
    }
}
