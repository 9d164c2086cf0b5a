import MCP
import StrictJSON

@testable import Policy

/// The policy as a reader of the documentation would evaluate it by hand: rule by rule, without anything compiled.
enum Oracle {
    /// What an allowed question has to meet, each demand as a word.
    static func demands(_ question: Question, rules: PolicyRules, binding: Binding) -> Set<String> {
        switch question.subject {
        case .task, .method, .serverRequest: return []
        case .tool, .prompt, .resource: break
        }
        var demands: Set<String> = []
        for rule in rules.requirements where closes(PolicyRules.Forbid(scope: rule.scope), question, binding) {
            if rule.obligations.isAuditStrict { demands.insert("audit") }
            for place in ["keyring", "tpm", "memory"] as [JSONText] {
                if let places = rule.obligations.keyProtection, !places.contains(place) {
                    demands.insert("not \(place)")
                }
            }
            for time in [60, 3600, 86_400] {
                if let most = rule.obligations.onlineWithin, most <= time { demands.insert("online \(time)") }
            }
            for time in [300, 7200] {
                if let most = rule.obligations.recentLogin, most <= time { demands.insert("login \(time)") }
            }
        }
        return demands
    }

    /// The same of obligations that were put together.
    static func demands(_ obligations: Obligations) -> Set<String> {
        var rules = PolicyRules.empty
        if !obligations.isEmpty {
            rules = PolicyRules(requirements: [PolicyRules.Requirement(scope: RuleScope(), obligations: obligations)])
        }
        let question = Question(client: "c", server: "s", subject: .tool("t"))
        return demands(question, rules: rules, binding: Binding(sub: "p", user: "", groups: [], roles: []))
    }

    static func isAllowed(_ question: Question, rules: PolicyRules, binding: Binding) -> Bool {
        if rules.forbids.contains(where: { closes($0, question, binding) }) { return false }
        return binding.roles.contains { membership in
            if let clients = membership.clients, !clients.contains(where: { matches($0, question.client) }) {
                return false
            }
            let role = rules.roles.first { $0.name == membership.role }
            return role?.grants.contains { opens($0, question) } ?? false
        }
    }

    private static func closes(_ forbid: PolicyRules.Forbid, _ question: Question, _ binding: Binding) -> Bool {
        let scope = forbid.scope
        if let person = scope.person, person != binding.sub { return false }
        if let group = scope.group, !binding.groups.contains(where: { matches(group, $0) }) { return false }
        if let clients = scope.clients, !clients.contains(where: { matches($0, question.client) }) { return false }
        if let server = scope.server, !matches(server, question.server) { return false }
        let spared = binding.roles.contains { membership in
            membership.role == scope.unlessRole
                && membership.clients?.contains { matches($0, question.client) } ?? true
        }
        if spared { return false }
        if let annotation = scope.annotation {
            guard case .tool = question.subject, says(question.hints, annotation) else { return false }
        }
        guard conditionsAllow(scope.arguments, question, closing: true) else { return false }
        if scope.items.isEverything { return true }
        if case .resource(let uri) = question.subject, leadsAnywhere(uri) { return scope.items.resources != nil }
        return named(scope.items, question.subject) ?? false
    }

    private static func says(_ hints: ToolHints, _ annotation: RuleScope.Annotation) -> Bool {
        switch annotation {
        case .readOnly: hints.rawValue & 1 != 0
        case .destructive: hints.rawValue & 2 != 0
        case .idempotent: hints.rawValue & 4 != 0
        case .openWorld: hints.rawValue & 8 != 0
        }
    }

    /// Whether a rule with these conditions can matter for a question: a rule that closes counts what is unknown as so, a
    /// grant does not.
    private static func conditionsAllow(_ all: [ArgumentPredicate], _ question: Question, closing: Bool) -> Bool {
        switch question.subject {
        case .tool, .prompt:
            let bad: [Truth] = closing ? [.fails] : [.fails, .unknown]
            return !all.contains { bad.contains(ConditionOracle.truth($0, question.arguments)) }
        case .resource, .task, .method, .serverRequest: return all.isEmpty || !closing
        }
    }

    private static func opens(_ grant: PolicyRules.Grant, _ question: Question) -> Bool {
        guard matches(grant.server, question.server), conditionsAllow(grant.arguments, question, closing: false) else {
            return false
        }
        switch question.subject {
        case .method: return true
        case .task: return grant.items.isEverything || grant.items.tools != nil
        case .serverRequest(let kind): return grant.serverRequests.contains(kind)
        case .resource(let uri) where leadsAnywhere(uri):
            return grant.items.isEverything || (grant.items.resources?.contains(.everything) ?? false)
        case .tool, .resource, .prompt:
            return grant.items.isEverything || (named(grant.items, question.subject) ?? false)
        }
    }

    /// Whether a rule's lists name a thing; nil for what is no single thing.
    private static func named(_ items: PolicyRules.Items, _ subject: Question.Subject) -> Bool? {
        switch subject {
        case .tool(let name): items.tools?.contains { matches($0, name) } ?? false
        case .resource(let name): items.resources?.contains { matches($0, name) } ?? false
        case .prompt(let name): items.prompts?.contains { matches($0, name) } ?? false
        case .task: items.tools?.contains(.everything) ?? false
        case .method, .serverRequest: nil
        }
    }

    /// Whether a URI of those that `RandomPolicy` makes has a segment that a server may resolve.
    private static func leadsAnywhere(_ uri: JSONText) -> Bool {
        let text = uri.string.lowercased().replacing("%2e", with: ".").replacing("%2f", with: "/")
        let path = text.split(separator: "://", maxSplits: 1).last ?? ""
        let segments = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        return path.contains("\\") || segments.contains(".") || segments.contains("..")
            || segments.dropLast().contains("")
    }

    /// The simplest matcher: letter by letter.
    static func matches(_ pattern: Pattern, _ name: JSONText) -> Bool {
        for (index, byte) in pattern.stem.enumerated() {
            guard index < name.utf8.count, name.utf8[index] == byte else { return false }
        }
        return pattern.isPrefix || name.utf8.count == pattern.stem.count
    }
}
