package import Errors

/// Why a record was not taken, or the spool cannot be used.
///
/// Its message is safe to show: files, numbers and the system's own text.
package typealias SpoolError = KindError<SpoolFault>

/// What can go wrong there; the raw values are the codes that are shown.
package enum SpoolFault: String, ErrorKind {
    /// No room is left for the beginning of a call; the end of one still fits.
    case full = "spool_full"
    /// Refusals have used their share of the room: calls still fit.
    case denialsFull = "spool_denials_full"
    /// So many calls have begun and not ended that no more may begin before some end.
    case callsOpen = "spool_calls_open"
    /// The disk did not keep what it was given: nothing is taken until the agent was started again.
    case failed = "spool_failed"
    /// Records that were written are not there any more, or are others.
    case damaged = "spool_damaged"
    /// Another process has it open.
    case inUse = "spool_in_use"
    /// A file or folder cannot be made, read or written.
    case file = "spool_file"
    /// These records were countersigned and removed, or were never here.
    case gone = "spool_gone"
    case closed = "spool_closed"
}

extension SpoolError {
    /// The error of a file, as this target's error.
    init(file error: any Error) {
        let known = error as? any ExplainedError
        self.init(.file, known?.message ?? "\(error)", next: known?.next)
    }
}
