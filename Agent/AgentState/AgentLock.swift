internal import Glibc
internal import ServiceKit

/// One agent for each home: a second one would take the port, the socket and the records of the first.
///
/// The kernel lets go of it when the process ends, however it ends.
package struct AgentLock: ~Copyable {
    private let file: Int32

    /// Takes the lock.
    ///
    /// - Throws: `StateError` where another agent has it, or the file cannot be opened.
    package init(_ home: AgentHome) throws {
        let path = home.path(.lock)
        file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else {
            throw StateError(.folder, "\(path) cannot be opened", next: "ls -l \(path)")
        }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            close(file)
            throw StateError(.alreadyRunning, "an agent of this home is running already", next: "doorward status")
        }
    }

    deinit { close(file) }
}
