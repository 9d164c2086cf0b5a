internal import Contract
internal import PolicyFile
internal import StrictJSON

extension Refused {
    static func policyRefused(_ refusal: PolicyRefusal) -> Refused {
        Refused(
            "policy_refused",
            refusal.problems.first?.description ?? "The file cannot be applied.",
            next: "Mend the file, then: doorward admin policy check FILE",
            members: ["problems": .array(refusal.problems.map { FieldProblem($0.place, $0.why).json })]
        )
    }
}
