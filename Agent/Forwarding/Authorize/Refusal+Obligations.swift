internal import MCP
internal import Policy
internal import StrictJSON

extension Refusal {
    /// A call that is allowed and does not meet what a rule demands of it.
    static func unmet(_ obligation: UnmetObligation, _ decision: Decision) -> Refusal {
        var refusal = Refusal(
            code: .denied,
            reason: obligation.reason,
            message: obligation.words,
            rules: decision.rules,
            judged: decision.judged
        )
        if case .recentLogin(_, _, let url) = obligation {
            refusal = Refusal(
                code: .userMustAct,
                reason: obligation.reason,
                message: obligation.words,
                rules: decision.rules,
                judged: decision.judged,
                url: url
            )
        }
        return refusal
    }

    /// The coordinator has not countersigned the record of the beginning in time.
    static let notCountersigned = Refusal(
        code: .notRecorded,
        reason: "not_countersigned",
        message:
            "The policy wants the coordinator to have the record of this before {server} is asked, and it has not confirmed "
            + "it in time, so nothing was asked: `doorward status` shows what keeps it."
    )
}
