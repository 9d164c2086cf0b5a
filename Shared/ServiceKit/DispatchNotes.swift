internal import Glibc

/// What libdispatch writes into the system's log.
package enum DispatchNotes {
    /// Keeps its notes out of there, unless the user has asked for them (`LIBDISPATCH_LOG`).
    ///
    /// Its event thread wants a higher priority than an ordinary user may give, and so each process would leave a line
    /// that reads like a fault. Call it before anything is asynchronous: it is settled by the first note.
    package static func silence() {
        setenv("LIBDISPATCH_LOG", "NO", 0)
    }
}
