package import MCP
package import StrictJSON

/// What is asked of the policy.
package enum Ask {
    /// A call of the tool of this name.
    case tool(UnsafeBufferPointer<UInt8>)
    /// Reading or subscribing to the resource of this URI, or completing for the template of this one.
    case resource(UnsafeBufferPointer<UInt8>)
    /// Getting the prompt of this name, or completing for it.
    case prompt(UnsafeBufferPointer<UInt8>)
    /// A task: the rest of a call of a tool, which may have been another client's.
    case task
    /// A method about no single item: `initialize`, a list, `ping`.
    case method
    /// A request of the server to the client.
    case serverRequest(ServerRequest)
}

/// Whether something may be done, and why.
package struct Decision: Hashable, Sendable {
    /// Why; its raw value is the code that errors, records and tests carry.
    package enum Reason: String, CaseIterable, Hashable, Sendable {
        case granted
        /// No grant opens it, and the policy only observes.
        case observed
        case noGrant = "no_grant"
        case forbidden
        case policyExpired = "policy_expired"
    }

    package let reason: Reason
    /// Names of the rules that decided, by their places in the file.
    package private(set) var rules: [JSONText]
    /// What the author of the rule that forbids says about it.
    package let words: JSONText?
    /// Which of the snapshot's grants it is, if it is one of those alone.
    package private(set) var grant: Int?
    /// What the call has to meet, where it is allowed.
    package private(set) var obligations = Obligations.none
    /// What came of the conditions on arguments of all rules for what was asked, also of those that did not decide; empty
    /// where no rule looks at arguments.
    package internal(set) var judged: [JudgedCondition] = []

    package var isAllowed: Bool { reason == .granted || reason == .observed }

    /// Why it would be denied if the policy were enforced; nil where it is decided as it would be then.
    package var observed: Reason? { reason == .observed ? .noGrant : nil }

    /// A rule demands something of the call.
    mutating func demand(_ demand: RuleTable.Demand) {
        obligations.formUnion(demand.obligations)
        rules.append(demand.name)
        // No longer what is decided of every call through this grant.
        grant = nil
    }

    init(_ reason: Reason, rules: [JSONText] = [], words: JSONText? = nil, grant: Int? = nil) {
        self.grant = grant
        self.reason = reason
        self.rules = rules
        self.words = words
    }
}
