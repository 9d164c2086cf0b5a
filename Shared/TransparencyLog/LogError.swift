package import Errors

/// Why something of a transparency log was not taken.
package typealias LogError = KindError<LogFault>

/// What kind of thing was wrong.
package enum LogFault: String, ErrorKind {
    /// Bytes that do not have the form of what they should be.
    case malformed = "audit_log"
    /// A proof that cannot be made, or does not lead to the root.
    case proof = "audit_log_proof"
}
