internal import Errors
internal import Glibc
internal import ServiceKit

/// One agent for each home: a second one would take the port, the socket and the records of the first.
///
/// The kernel lets go of it when the process ends, however it ends.
package struct AgentLock: Sendable {
    private let file: FileLock

    /// Takes the lock.
    ///
    /// - Throws: `StateError` where another agent has it, or the file cannot be opened.
    package init(_ home: AgentHome) throws {
        let path = home.path(.lock)
        do {
            file = try FileLock(path)
        } catch .failed {
            throw StateError(.folder, "\(path) cannot be opened", next: "ls -l \(path)")
        } catch .taken {
            throw StateError(.alreadyRunning, "an agent of this home is running already", next: "doorward status")
        }
    }

    /// Lets go of it: another agent may begin.
    package func release() { file.release() }
}
