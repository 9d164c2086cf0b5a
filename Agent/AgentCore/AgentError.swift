internal import Errors

/// Why the agent does not start, or does not do what it was asked.
struct AgentError: ExplainedError {
    let code: String
    let message: String
    let next: String?
}
