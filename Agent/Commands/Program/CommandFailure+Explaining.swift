internal import AgentState
internal import Contract
internal import Errors
internal import Fetch
internal import Keyring
internal import LocalControl
internal import StrictJSON

/// The edge where the errors of all parts become a message and an exit status.
extension CommandFailure {
    init(explaining error: any Error) {
        switch error {
        case let failure as CommandFailure: self = failure
        case let failure as ControlFailure:
            self.init(
                failure.code,
                failure.message,
                next: failure.next ?? "doorward status",
                status: failure.needsUser ? .needsUser : .failed
            )
        case let problem as Problem: self.init(problem: problem)
        case let error as FetchError:
            self.init(error.code, "The coordinator could not be reached: \(error.message).", next: error.next)
        case let error as ShapeError: self.init("bad_value", "\(error)", next: "doorward --help")
        case let error as any ExplainedError:
            self.init(
                error.code,
                error.message,
                next: error.next,
                status: error.needsUser ? .needsUser : error.code == "bad_url" ? .badUsage : .failed
            )
        default: self.init("failed", "That did not work: \(error)", next: "doorward --help")
        }
    }

    /// What the coordinator answered; problems of a policy or an entry are listed with their places.
    init(problem: Problem) {
        let fields = FieldProblem.list(problem.members["problems"])
        let detail = problem.message
        let places = fields.map { $0.place.isEmpty ? $0.why : "\($0.place): \($0.why)" }
        self.init(
            problem.code,
            ([detail] + places.filter { !detail.contains($0) }).joined(separator: " "),
            next: problem.needsUser ? "doorward logout" : problem.next ?? Self.nextStep(after: problem.status),
            status: problem.needsUser ? .needsUser : .failed
        )
    }

    private static func nextStep(after status: Int) -> String {
        switch status {
        case 401: "doorward status"
        case 403: "Ask an administrator of your organisation for a role that may do this."
        default: "doorward admin --help"
        }
    }
}
