package import MCP
package import StrictJSON

/// The policy for one person, compiled: immutable, read by every call, replaced as a whole.
///
/// A question costs one pass over the rules that concern this person, a comparison of integers for each, and no
/// allocation.
package final class PolicySnapshot: Sendable {
    /// The version of the bundle, 0 if none was ever applied.
    package let version: Int
    package let digest: String
    /// The pseudonym that records carry.
    package let sub: JSONText?
    /// When the person has signed in last, in seconds since 1970; nil where it is not known.
    package let signedIn: Int?
    package let limits: [LimitRule]
    package let mode: PolicyRules.Mode

    let table: RuleTable
    /// Set where everything is denied for one reason.
    let closed: Decision?

    /// The policy of these rules for this person.
    package init(rules: PolicyRules, binding: Binding, version: Int, digest: String) {
        self.version = version
        self.digest = digest
        sub = binding.sub
        signedIn = binding.signedIn
        limits = rules.limits.filter { limit in
            limit.role.map { role in binding.roles.contains { $0.role == role } } ?? true
        }
        mode = rules.mode
        table = RuleTable(rules: rules, binding: binding)
        looksAtHints = table.looksAtHints
        closed = nil
    }

    private init(closed reason: Decision.Reason, like other: PolicySnapshot?) {
        version = other?.version ?? 0
        digest = other?.digest ?? ""
        sub = other?.sub
        signedIn = other?.signedIn
        limits = other?.limits ?? []
        mode = other?.mode ?? .enforce
        table = RuleTable()
        looksAtHints = false
        closed = Decision(reason)
    }

    /// The policy before any was applied: no person may do anything.
    package static let none = PolicySnapshot(closed: .noGrant, like: nil)

    /// The same policy after its time: no person may do anything.
    package func expired() -> PolicySnapshot { PolicySnapshot(closed: .policyExpired, like: self) }

    /// What `decide` answers where a grant opens what is asked, by the number that the decision has.
    package var grants: [Decision] { table.decisions.grants }

    /// What `decide` answers where no rule matches and the policy only observes.
    package var observed: Decision { Decision(.observed) }

    /// Decides, and names the first rule that suffices.
    ///
    /// - Parameters:
    ///   - client: the name of the client that asks; `local` on the socket without a credential.
    ///   - server: the alias of the server.
    ///   - ask: what is asked.
    ///   - arguments: of the call, the very bytes that go to the server.
    ///   - hints: what the definition of the tool says of it, where it is approved and its server trusted with it.
    /// - Returns: the decision; it shares its parts with the snapshot.
    package func decide(
        client: JSONText,
        server: JSONText,
        ask: Ask,
        arguments: CallArguments = .none,
        hints: ToolHints? = nil
    ) -> Decision {
        if let closed { return closed }
        return table.scan(client: client, server: server, arguments: arguments, hints: hints ?? .assumed) { scan in
            let item = RuleTable.Item(ask)
            var decision = table.decisions.otherwise
            if let forbid = scan.firstForbid(item) {
                decision = table.decisions.forbids[forbid]
            } else if let grant = scan.firstGrant(item) {
                decision = table.decisions.grants[grant]
            }
            if decision.isAllowed { scan.demand(item, of: &decision) }
            if scan.hasReadArguments { decision.judged = scan.judged(item) }
            return decision
        }
    }

    /// Decides, and names every rule without which it would be decided otherwise.
    package func explain(
        client: JSONText,
        server: JSONText,
        ask: Ask,
        arguments: CallArguments = .none,
        hints: ToolHints? = nil
    ) -> Decision {
        if let closed { return closed }
        return table.scan(client: client, server: server, arguments: arguments, hints: hints ?? .assumed) { scan in
            let item = RuleTable.Item(ask)
            var decision = explained(item, &scan)
            if decision.isAllowed { scan.demand(item, of: &decision) }
            if scan.hasReadArguments { decision.judged = scan.judged(item) }
            return decision
        }
    }

    private func explained(_ item: RuleTable.Item, _ scan: inout RuleTable.Scan) -> Decision {
        let forbids = scan.allForbids(item).map { table.decisions.forbids[$0] }
        if let first = forbids.first {
            return Decision(.forbidden, rules: forbids.flatMap(\.rules), words: first.words)
        }
        let grants = scan.allGrants(item).map { table.decisions.grants[$0] }
        if grants.isEmpty { return table.decisions.otherwise }
        var rules: [JSONText] = []
        for rule in grants.lazy.flatMap(\.rules) where !rules.contains(rule) { rules.append(rule) }
        return Decision(.granted, rules: rules)
    }

    /// Whether a rule looks at what definitions say of tools; else nobody need look them up.
    package let looksAtHints: Bool

    /// Whether everything is denied for one reason: none was applied yet, or its time is over.
    package var isClosed: Bool { closed != nil }

    /// Whether the person has any grant on a server, through any client: otherwise the server does not exist for this
    /// person.
    ///
    /// Where the policy only observes every server exists for everybody.
    /// What a rule forbids is still there, and a call to it is denied with the reason.
    package func knows(server: JSONText) -> Bool {
        closed == nil && (table.isOpen || table.hasGrant(server: server))
    }

    /// Decides about a tool, for callers that have its name as a text.
    package func decide(
        client: JSONText,
        server: JSONText,
        tool: JSONText,
        arguments: JSONValue? = nil,
        hints: ToolHints? = nil
    ) -> Decision {
        Self.lend(tool, arguments) { decide(client: client, server: server, ask: $0, arguments: $1, hints: hints) }
    }

    /// Explains a decision about a tool.
    package func explain(
        client: JSONText,
        server: JSONText,
        tool: JSONText,
        arguments: JSONValue? = nil,
        hints: ToolHints? = nil
    ) -> Decision {
        Self.lend(tool, arguments) { explain(client: client, server: server, ask: $0, arguments: $1, hints: hints) }
    }

    private static func lend<Answer>(
        _ tool: JSONText,
        _ arguments: JSONValue?,
        _ body: (Ask, CallArguments) -> Answer
    ) -> Answer {
        tool.utf8.withUnsafeBufferPointer { tool in
            guard let arguments else { return body(.tool(tool), .none) }
            return arguments.bytes.withUnsafeBufferPointer { body(.tool(tool), .json($0)) }
        }
    }
}
