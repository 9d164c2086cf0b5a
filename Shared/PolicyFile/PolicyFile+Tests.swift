internal import Policy
internal import StrictJSON

extension PolicyFile {
    /// What the tests of a file may cost, in comparisons of names: two seconds at the very most, since the rules for
    /// each person whom a test is about cost half a microsecond a name.
    static let mostWork = 4_000_000
    /// What may be compared for one person, everybody's rules and the person's own together: agents do that with every
    /// call.
    static let mostForOne = 100_000

    /// The tests that fail, and rules that cannot be sent or cost too much.
    var failures: [PolicyProblem] {
        let weights = Weights(self)
        if let problem = weights.excess(in: self) { return [problem] }
        // In a test a person's address serves as the pseudonym.
        let rules: PolicyRules
        do {
            rules = try self.rules(pseudonyms: Dictionary(uniqueKeysWithValues: people.map { ($0, $0.text) }))
        } catch {
            return error.problems
        }
        var work = 0
        var failures: [(index: Int, why: String)] = []
        // One person after the other: the rules for a person are made once, and never those for many at a time.
        for (subject, indices) in subjects {
            let tooMuch = PolicyProblem(
                "tests/\(indices[0])",
                "is too much: all tests together may compare \(Self.mostWork) names, so have fewer tests or rules"
            )
            work += indices.count * weights.shared * (1 + subject.groups.count)
            guard work <= Self.mostWork else { return [tooMuch] }
            let binding = binding(of: subject)
            work += indices.count * binding.roles.reduce(0) { $0 + weights.of($1.role, clients: $1.clients) }
            guard work <= Self.mostWork else { return [tooMuch] }
            // What an author wants of the rules does not change while they are only observed.
            let snapshot = PolicySnapshot(rules: rules.enforced, binding: binding, version: 0, digest: "")
            for index in indices {
                if let why = tests[index].failure(snapshot) { failures.append((index, why)) }
            }
        }
        return failures.sorted { $0.index < $1.index }.map { PolicyProblem("tests/\($0.index)", $0.why) }
    }

    private struct Subject: Hashable {
        let user: EmailAddress
        let groups: [JSONText]
    }

    /// All people whom tests are about, in the order of the first test of each, with the places of all of a person's
    /// tests.
    private var subjects: [(Subject, [Int])] {
        Dictionary(grouping: tests.indices) { Subject(user: tests[$0].user, groups: tests[$0].groups) }
            .sorted { $0.value[0] < $1.value[0] }
            .map { ($0.key, $0.value) }
    }

    private func binding(of subject: Subject) -> Binding {
        Binding(
            sub: JSONText(subject.user.text),
            user: subject.user.text,
            groups: subject.groups,
            roles: memberships(of: subject.user, groups: subject.groups)
        )
    }
}

/// What the parts of a policy cost, in comparisons of names.
private struct Weights {
    /// The comparisons for each person and for each of a person's groups: as many for every person.
    let shared: Int
    private let roles: [JSONText: (own: Int, grants: Int)]
    /// Finding a role among all of them.
    private let search: Int

    init(_ file: PolicyFile) {
        let groupRules = file.index.others.count
        let scopes = file.forbids.map(\.scope) + file.requirements.map(\.scope)
        shared = groupRules + scopes.reduce(1) { $0 + Self.of($1) }
        search = file.roles.count / 16
        roles = Dictionary(
            uniqueKeysWithValues: file.roles.map { role in
                (role.name, (own: role.grants.reduce(0) { $0 + Self.of($1) }, grants: role.grants.count))
            }
        )
    }

    /// What it costs to have a role through these clients.
    func of(_ role: JSONText, clients: [Pattern]?) -> Int {
        guard let role = roles[role] else { return 0 }
        return 1 + search + role.own + role.grants * (clients?.count ?? 0)
    }

    private static func of(_ grant: PolicyRules.Grant) -> Int {
        of(grant.items) + grant.arguments.reduce(0) { $0 + $1.weight }
    }

    private static func of(_ scope: RuleScope) -> Int {
        of(scope.items) + (scope.clients?.count ?? 0) + scope.arguments.reduce(0) { $0 + $1.weight }
    }

    private static func of(_ items: PolicyRules.Items) -> Int {
        1 + (items.tools?.count ?? 0) + (items.resources?.count ?? 0) + (items.prompts?.count ?? 0)
    }

    /// What makes the rules for one person too many.
    func excess(in file: PolicyFile) -> PolicyProblem? {
        func weight(_ places: [Int]) -> Int {
            places.reduce(0) { $0 + of(file.binds[$1].role, clients: file.binds[$1].clients) }
        }
        let everybody = weight(file.index.others.filter { file.binds[$0].who == .everyone })
        let most = file.index.byUser.values.map { (weight($0), $0[0]) }.max { $0.0 < $1.0 }
        guard everybody + (most?.0 ?? 0) > PolicyFile.mostForOne else { return nil }
        let place = if let most, most.0 > everybody { "bind/\(most.1)" } else { "bind" }
        return PolicyProblem(
            place,
            "gives one person more than \(PolicyFile.mostForOne) grants, tools and other names to compare"
        )
    }
}
