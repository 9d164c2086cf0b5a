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
        let serverRequests: Set<ServerRequest>
    }

    struct Forbid {
        let server: CompiledPattern?
        let client: CompiledPattern?
        let items: Items
    }

    /// The answers, made once; a decision only points at one.
    struct Decisions {
        /// Where no rule matches.
        var otherwise = Decision(.noGrant)
        /// One for each grant, with the grant and the membership as its rules.
        var grants: [Decision] = []
        var forbids: [Decision] = []
    }

    private(set) var grants: [Grant] = []
    private(set) var forbids: [Forbid] = []
    private(set) var patterns: [CompiledPattern] = []
    private(set) var pool: [UInt8] = []
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
                        serverRequests: grant.serverRequests
                    )
                )
                let name = JSONText(utf8: "roles/".utf8 + Array(role.name.utf8) + Array("/grant/\(index)".utf8))
                let number = decisions.grants.count
                decisions.grants.append(Decision(.granted, rules: [name, membership.rule], grant: number))
            }
        }
        for (index, forbid) in rules.forbids.enumerated() {
            if let person = forbid.person, person != binding.sub { continue }
            if let group = forbid.group, !binding.groups.contains(where: group.matches) { continue }
            forbids.append(
                Forbid(
                    server: forbid.server.map { CompiledPattern($0, pool: &pool) },
                    client: forbid.client.map { CompiledPattern($0, pool: &pool) },
                    items: add(forbid.items)
                )
            )
            decisions.forbids.append(Decision(.forbidden, rules: [JSONText("forbid/\(index)")], words: forbid.because))
        }
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

    /// Whether what no rule is about is allowed.
    var isOpen: Bool { decisions.otherwise.isAllowed }

    /// Asks about one client and one server.
    func scan<Result>(client: JSONText, server: JSONText, _ body: (Scan) -> Result) -> Result {
        client.utf8.withUnsafeBufferPointer { client in
            server.utf8.withUnsafeBufferPointer { server in
                pool.withUnsafeBufferPointer { pool in
                    body(Scan(table: self, pool: pool, client: NameBytes(client), server: NameBytes(server)))
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
