package import Errors

/// An error in the stored data of the sink; an error of a sender is a `Refused` instead.
package typealias AuditSinkError = KindError<AuditSinkFault>

/// What went wrong in the sink.
package enum AuditSinkFault: String, ErrorKind {
    /// What is stored contradicts itself: the file was changed by something else than this program.
    case damaged = "audit_log"
    /// What is stored was signed by another key, or under another name.
    case foreign = "audit_log_foreign"
    /// A report that cannot be made as it was asked for.
    case report = "report_not_possible"
}

extension KindError where Kind == AuditSinkFault {
    static func damaged(_ what: String) -> AuditSinkError {
        AuditSinkError(
            .damaged,
            "The stored audit log contradicts itself: \(what).",
            next: "Stop the coordinator and restore its database from a backup."
        )
    }
}
