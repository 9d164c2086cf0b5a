internal import CoordinatorLink
internal import Glibc
internal import ServiceKit

/// One agent for each home: a second one would take the port, the socket and the records of the first.
///
/// The kernel lets go of it when the process ends, however it ends.
struct AgentLock: ~Copyable {
    private let file: Int32

    init(_ home: AgentHome) throws {
        let path = "\(home.state)/agent.lock"
        file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else {
            throw AgentError(code: "state_folder", message: "\(path) cannot be opened.", next: "See that it is yours.")
        }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            close(file)
            throw AgentError(
                code: "already_running",
                message: "An agent of this home is running already.",
                next: "doorward status"
            )
        }
    }

    deinit { close(file) }
}

/// Why the agent does not start, or does not do what it was asked.
struct AgentError: ExplainedError {
    let code: String
    let message: String
    let next: String?
}
