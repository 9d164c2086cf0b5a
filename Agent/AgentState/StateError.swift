package import Errors

/// Why what the agent keeps on disk cannot be used.
package typealias StateError = KindError<StateFault>

/// What can be wrong with it; the raw values are the codes that are shown.
package enum StateFault: String, ErrorKind {
    /// The environment names no folder to work in, or one in which no socket can be.
    case badHome = "bad_home"
    /// The file that says which coordinator this machine belongs to is damaged.
    case damaged = "membership_damaged"
    /// Another agent works in this home.
    case alreadyRunning = "already_running"
    /// A file of the state folder cannot be opened.
    case folder = "state_folder"
}
