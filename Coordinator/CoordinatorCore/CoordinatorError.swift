package import Errors

/// Why the coordinator was not made, or does not start.
package typealias CoordinatorError = KindError<CoordinatorFault>

/// What can go wrong there; the raw values are the codes that are shown.
package enum CoordinatorFault: String, ErrorKind {
    /// The command line asks for something that cannot be: exit status 2.
    case usage = "bad_usage"
    /// The folder holds a coordinator, or something else.
    case folderTaken = "folder_taken"
    /// The folder holds no coordinator.
    case noCoordinator = "no_coordinator"
    /// What the folder holds is not as `init` made it.
    case folderDamaged = "folder_damaged"
    /// Another process serves this folder.
    case running = "already_running"
    /// Certificate and key cannot be used.
    case certificate = "bad_certificate"
    /// Nothing can listen at the address.
    case listen = "cannot_listen"
    case failed
}
