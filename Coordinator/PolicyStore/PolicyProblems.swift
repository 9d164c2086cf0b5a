internal import Contract
internal import PolicyFile
internal import StrictJSON

extension Refused {
    static let preconditionRequired = Refused(
        "precondition_required",
        "A policy is replaced only by whoever has seen the one in force.",
        next: "Get it with GET /v1/policy and send its ETag as If-Match."
    )

    static let preconditionFailed = Refused(
        "precondition_failed",
        "The policy in force is not the one that this was to replace: somebody has changed it.",
        next: "Get it again, look at what has changed, and send yours with its ETag, quotation marks included."
    )

    static func policyRefused(_ refusal: PolicyRefusal) -> Refused {
        Refused(
            "policy_refused",
            refusal.problems.first?.description ?? "The file cannot be applied.",
            next: "Mend the file, then: doorward admin policy check FILE",
            members: ["problems": .array(refusal.problems.map { FieldProblem($0.place, $0.why).json })]
        )
    }
}
