internal import AuditLog
internal import MCP
internal import Policy
internal import StrictJSON

/// Decisions as records contain them, encoded once for each policy and not for each call.
struct DecisionEncoder {
    let version: Int
    let digest: JSONText
    /// What is allowed, by the number of the grant.
    private let granted: [EncodedDecision]
    /// What is allowed because the policy only observes.
    private let observed: EncodedDecision

    init(_ policy: PolicySnapshot) {
        let version = policy.version
        let digest = JSONText(policy.digest)
        granted = policy.grants.map { Self.allowed($0, version, digest) }
        observed = Self.allowed(policy.observed, version, digest)
        self.version = version
        self.digest = digest
    }

    func allowed(_ decision: Decision) -> EncodedDecision {
        guard decision.judged.isEmpty else { return Self.allowed(decision, version, digest) }
        if decision.reason == .observed { return observed }
        return decision.grant.map { granted[$0] } ?? Self.allowed(decision, version, digest)
    }

    private static func allowed(_ decision: Decision, _ version: Int, _ digest: JSONText) -> EncodedDecision {
        EncodedDecision(
            isAllowed: true,
            reason: code(decision.reason),
            rules: decision.rules,
            policy: version,
            digest: digest,
            conditions: conditions(decision.judged),
            observed: decision.observed.map(code)
        )
    }

    func refused(_ refusal: Refusal) -> EncodedDecision {
        EncodedDecision(
            isAllowed: false,
            reason: refusal.reason,
            rules: refusal.rules,
            policy: version,
            digest: digest,
            limiter: refusal.limiter,
            conditions: Self.conditions(refusal.judged)
        )
    }

    private static func conditions(_ judged: [JudgedCondition]) -> [JSONText] {
        judged.map { condition in
            let result: RecordedCondition.Result =
                switch condition.truth {
                case .holds: .holds
                case .fails: .fails
                case .unknown: .unknown
                }
            return RecordedCondition.word(RecordedCondition.name(of: condition.predicate.canonical), result)
        }
    }

    private static let granted = JSONText(Decision.Reason.granted.rawValue)
    private static let observed = JSONText(Decision.Reason.observed.rawValue)
    private static let noGrant = JSONText(Decision.Reason.noGrant.rawValue)
    private static let forbidden = JSONText(Decision.Reason.forbidden.rawValue)
    private static let policyExpired = JSONText(Decision.Reason.policyExpired.rawValue)

    /// The word for a reason.
    static func code(_ reason: Decision.Reason) -> JSONText {
        switch reason {
        case .granted: granted
        case .observed: observed
        case .noGrant: noGrant
        case .forbidden: forbidden
        case .policyExpired: policyExpired
        }
    }
}

/// Names of methods as records have them, made once.
enum MethodNames {
    private static let all: [JSONText] = MCPMethod.allCases.map { method in
        JSONText(utf8: UnsafeBufferPointer(start: method.name.utf8Start, count: method.name.utf8CodeUnitCount))
    }

    static func name(_ method: MCPMethod) -> JSONText { all[Int(method.rawValue)] }
}
