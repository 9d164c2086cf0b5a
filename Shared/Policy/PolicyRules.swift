package import MCP
package import StrictJSON

/// The rules of an organisation: sets without order or priority.
///
/// A call is denied if any `forbid` matches it, else if no grant of the caller's roles does. People are named here by
/// their `sub` alone; who has which role comes in a `Binding`.
package struct PolicyRules: Hashable, Sendable {
    /// What becomes of a call that no grant opens.
    package enum Mode: String, CaseIterable, Hashable, Sendable {
        /// It is denied.
        case enforce
        /// It passes, and its record says why it would be denied: for the days in which grants are still written.
        ///
        /// Nothing else is let pass: whatever a rule forbids stays closed, as somebody has thought of it.
        case observe
    }

    /// A named set of grants.
    package struct Role: Hashable, Sendable {
        package let name: JSONText
        package let grants: [Grant]

        /// A role of these grants.
        package init(name: JSONText, grants: [Grant]) {
            self.name = name
            self.grants = grants
        }
    }

    /// What a role opens on a server.
    package struct Grant: Hashable, Sendable {
        package let server: Pattern
        package let items: Items
        /// What must hold of the arguments of a call.
        package let arguments: [ArgumentPredicate]
        /// What the server may ask of the client.
        package let serverRequests: Set<ServerRequest>

        /// What the server may ask where a grant says nothing about it.
        package static let usualServerRequests: Set<ServerRequest> = [.elicitation]

        package init(
            server: Pattern,
            items: Items = .everything,
            arguments: [ArgumentPredicate] = [],
            serverRequests: Set<ServerRequest> = Self.usualServerRequests
        ) {
            self.server = server
            self.items = items
            self.arguments = arguments
            self.serverRequests = serverRequests
        }
    }

    /// What no person may do, or one person, group or client may not, whatever is granted.
    package struct Forbid: Hashable, Sendable {
        package var scope: RuleScope
        /// The author's own words.
        package let because: JSONText?

        /// The one person that it is about; nil: everybody.
        package var person: JSONText? { scope.person }

        package init(scope: RuleScope, because: JSONText? = nil) {
            self.scope = scope
            self.because = because
        }
    }

    /// What has to be so beside a grant.
    package struct Requirement: Hashable, Sendable {
        package var scope: RuleScope
        package let obligations: Obligations
        /// The author's own words.
        package let because: JSONText?

        package init(scope: RuleScope, obligations: Obligations, because: JSONText? = nil) {
            self.scope = scope
            self.obligations = obligations
            self.because = because
        }
    }

    /// The tools, resources and prompts that a rule is about.
    package struct Items: Hashable, Sendable {
        package let tools: [Pattern]?
        package let resources: [Pattern]?
        package let prompts: [Pattern]?

        package init(tools: [Pattern]? = nil, resources: [Pattern]? = nil, prompts: [Pattern]? = nil) {
            self.tools = tools
            self.resources = resources
            self.prompts = prompts
        }

        /// Whether the rule names no kind at all, and so is about everything on its servers.
        package var isEverything: Bool { tools == nil && resources == nil && prompts == nil }
    }

    package let roles: [Role]
    package let forbids: [Forbid]
    package let requirements: [Requirement]
    package let limits: [LimitRule]
    package let mode: Mode

    /// Rules of these parts.
    package init(
        roles: [Role] = [],
        forbids: [Forbid] = [],
        requirements: [Requirement] = [],
        limits: [LimitRule] = [],
        mode: Mode = .enforce
    ) {
        self.roles = roles
        self.forbids = forbids
        self.requirements = requirements
        self.limits = limits
        self.mode = mode
    }

    /// The same rules, enforced.
    package var enforced: PolicyRules {
        PolicyRules(roles: roles, forbids: forbids, requirements: requirements, limits: limits)
    }

    /// No rule, which denies everything.
    package static let empty = PolicyRules()
}
