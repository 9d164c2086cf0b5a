internal import MCP
internal import StrictJSON

/// The rules that concern one person, as flat arrays of integers.
struct RuleTable: Sendable {
    /// What a rule is about.
    struct Items {
        var isEverything = true
        var tools: Range<Int>?
        var resources: Range<Int>?
        var prompts: Range<Int>?
    }

    /// A grant through one membership.
    struct Grant {
        let server: CompiledPattern
        /// Nil: through every client.
        let clients: Range<Int>?
        let items: Items
        let conditions: Range<Int>
        let serverRequests: Set<ServerRequest>
    }

    /// What a rule that forbids is about.
    struct Scope {
        let server: CompiledPattern?
        /// Nil: through every client.
        let clients: Range<Int>?
        let items: Items
        let annotation: ToolHints?
        /// The clients through which the person has the role that the rule spares; nil where there is none.
        let spared: Range<Int>?
        let conditions: Range<Int>
    }

    /// A condition on the value at a place.
    struct Condition {
        let place: Int
        let predicate: ArgumentPredicate
    }

    /// The answers, made once; a decision only points at one.
    struct Decisions {
        /// Where no rule matches.
        var otherwise = Decision(.noGrant)
        /// One for each grant, with the grant and the membership as its rules.
        var grants: [Decision] = []
        var forbids: [Decision] = []
    }

    /// What a rule demands.
    struct Demand {
        let name: JSONText
        let obligations: Obligations
        let words: JSONText?
    }

    private(set) var grants: [Grant] = []
    private(set) var forbids: [Scope] = []
    private(set) var requirements: [Scope] = []
    /// What each of them demands.
    private(set) var demands: [Demand] = []
    private(set) var patterns: [CompiledPattern] = []
    private(set) var pool: [UInt8] = []
    private(set) var conditions: [Condition] = []
    private(set) var places = ArgumentPlaces()
    private(set) var decisions = Decisions()

    /// A table without rules.
    init() {}

    init(rules: PolicyRules, binding: Binding) {
        if rules.mode == .observe { decisions.otherwise = Decision(.observed) }
        for membership in binding.roles {
            guard let role = rules.roles.first(where: { $0.name == membership.role }) else { continue }
            for (index, grant) in role.grants.enumerated() {
                grants.append(
                    Grant(
                        server: CompiledPattern(grant.server, pool: &pool),
                        clients: membership.clients.map { add($0) },
                        items: add(grant.items),
                        conditions: add(grant.arguments),
                        serverRequests: grant.serverRequests
                    )
                )
                let name = JSONText(utf8: "roles/".utf8 + Array(role.name.utf8) + Array("/grant/\(index)".utf8))
                let number = decisions.grants.count
                decisions.grants.append(Decision(.granted, rules: [name, membership.rule], grant: number))
            }
        }
        for (index, forbid) in rules.forbids.enumerated() where forbid.scope.concerns(binding) {
            forbids.append(add(forbid.scope, binding))
            decisions.forbids.append(Decision(.forbidden, rules: [JSONText("forbid/\(index)")], words: forbid.because))
        }
        for (index, requirement) in rules.requirements.enumerated() { add(requirement, index, binding) }
    }

    private mutating func add(_ requirement: PolicyRules.Requirement, _ index: Int, _ binding: Binding) {
        guard requirement.scope.concerns(binding) else { return }
        requirements.append(add(requirement.scope, binding))
        demands.append(
            Demand(
                name: JSONText("require/\(index)"),
                obligations: requirement.obligations,
                words: requirement.because
            )
        )
    }

    private mutating func add(_ list: [Pattern]) -> Range<Int> {
        let start = patterns.count
        for pattern in list {
            patterns.append(CompiledPattern(pattern, pool: &pool))
        }
        return start..<patterns.count
    }

    private mutating func add(_ items: PolicyRules.Items) -> Items {
        Items(
            isEverything: items.isEverything,
            tools: items.tools.map { add($0) },
            resources: items.resources.map { add($0) },
            prompts: items.prompts.map { add($0) }
        )
    }

    private mutating func add(_ arguments: [ArgumentPredicate]) -> Range<Int> {
        let start = conditions.count
        for predicate in arguments {
            conditions.append(Condition(place: places.add(predicate.pointer), predicate: predicate))
        }
        return start..<conditions.count
    }

    private mutating func add(_ scope: RuleScope, _ binding: Binding) -> Scope {
        // Where the person has the role through all clients, the rule is not even here.
        let spared = binding.roles.filter { $0.role == scope.unlessRole }.flatMap { $0.clients ?? [] }
        return Scope(
            server: scope.server.map { CompiledPattern($0, pool: &pool) },
            clients: scope.clients.map { add($0) },
            items: add(scope.items),
            annotation: scope.annotation?.hint,
            spared: spared.isEmpty ? nil : add(spared),
            conditions: add(scope.arguments)
        )
    }

    /// Whether a rule looks at what definitions say of tools.
    var looksAtHints: Bool { (forbids + requirements).contains { $0.annotation != nil } }

    /// Whether what no rule is about is allowed.
    var isOpen: Bool { decisions.otherwise.isAllowed }

    /// Asks about one client and one server.
    func scan<Result>(
        client: JSONText,
        server: JSONText,
        arguments: CallArguments,
        hints: ToolHints = .assumed,
        _ body: (inout Scan) -> Result
    ) -> Result {
        client.utf8.withUnsafeBufferPointer { client in
            server.utf8.withUnsafeBufferPointer { server in
                pool.withUnsafeBufferPointer { pool in
                    var scan = Scan(
                        table: self,
                        pool: pool,
                        client: NameBytes(client),
                        server: NameBytes(server),
                        arguments: arguments,
                        hints: hints
                    )
                    return body(&scan)
                }
            }
        }
    }

    /// Whether any grant is on a server, through whatever client.
    func hasGrant(server: JSONText) -> Bool {
        server.utf8.withUnsafeBufferPointer { server in
            let name = NameBytes(server)
            return pool.withUnsafeBufferPointer { pool in grants.contains { $0.server.matches(name, pool: pool) } }
        }
    }
}

extension RuleScope {
    /// Whether the rule is about a person.
    fileprivate func concerns(_ binding: Binding) -> Bool {
        if let person, person != binding.sub { return false }
        if let group, !binding.groups.contains(where: group.matches) { return false }
        return !binding.roles.contains { $0.role == unlessRole && $0.clients == nil }
    }
}
