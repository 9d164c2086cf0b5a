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
        /// What the server may ask of the client.
        package let serverRequests: Set<ServerRequest>

        /// What the server may ask where a grant says nothing about it.
        package static let usualServerRequests: Set<ServerRequest> = [.elicitation]
    }

    /// What no person may do, or one person, group or client may not, whatever is granted.
    package struct Forbid: Hashable, Sendable {
        /// The one person that it is about; nil: everybody.
        package let person: JSONText?
        package let group: Pattern?
        package let client: Pattern?
        /// Nil: on every server.
        package let server: Pattern?
        package let items: Items
        /// The author's own words.
        package let because: JSONText?
    }

    /// The tools, resources and prompts that a rule is about.
    package struct Items: Hashable, Sendable {
        package let tools: [Pattern]?
        package let resources: [Pattern]?
        package let prompts: [Pattern]?

        /// Whether the rule names no kind at all, and so is about everything on its servers.
        package var isEverything: Bool { tools == nil && resources == nil && prompts == nil }
    }

    package let roles: [Role]
    package let forbids: [Forbid]
    package let limits: [LimitRule]
    package let mode: Mode

    /// Rules of these parts.
    package init(
        roles: [Role] = [],
        forbids: [Forbid] = [],
        limits: [LimitRule] = [],
        mode: Mode = .enforce
    ) {
        self.roles = roles
        self.forbids = forbids
        self.limits = limits
        self.mode = mode
    }

    /// The same rules, enforced.
    package var enforced: PolicyRules { PolicyRules(roles: roles, forbids: forbids, limits: limits) }

    /// No rule, which denies everything.
    package static let empty = PolicyRules()
}
