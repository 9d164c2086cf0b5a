internal import AuditSink
internal import Contract
internal import Database
internal import Errors
internal import Logging
internal import StrictJSON

/// What went wrong inside, as the outside is told, and as the log is.
package enum Failure {
    /// The problem that an error becomes.
    ///
    /// - Parameters:
    ///   - error: What an operation or the edge threw.
    ///   - id: The request's id, by which the log is found.
    ///   - logger: Is told of what an administrator has to look after.
    /// - Returns: A problem that is safe to send.
    static func problem(for error: any Error, request id: String, logger: Logger) -> Problem {
        switch error {
        case let problem as Problem: return problem
        case let refused as Refused: return Problem(refused)
        case let refusal as SignatureRefusal: return .unauthenticated(refusal)
        case let error as JSONError: return .badDocument(error)
        case let error as ShapeError:
            return Problem(.malformed(error, code: "invalid_request"))
        case is ForeignPlace: return .badQuery("needs a cursor of this list for cursor")
        case is CancellationError: return .unavailable("The coordinator is stopping.")
        // Said once when it begins: a line for each refusal would be one more thing that fills the disk.
        case let error as SQLError where error.kind == .noRoom: return Problem(.noRoom)
        case let error as SQLError where error.kind == .full:
            logger.error("There is no room for a change.", metadata: ["cause": "\(error)"])
            return Problem(.noRoom)
        case let error as SQLError where error.kind == .busy:
            logger.error("The database cannot take a change.", metadata: ["cause": "\(error)"])
            return .unavailable(error.message)
        default:
            logger.error("A request failed.", error: error, metadata: ["cause": "\(words(error))"])
            return .failed(request: id)
        }
    }

    /// What a log may say of an error: nothing of one whose message is not known to be harmless.
    package static func words(_ error: any Error) -> String {
        switch error {
        case let error as SQLError: error.description
        case let error as AuditSinkError: [error.message, error.next ?? ""].joined(separator: " ")
        case let error as any ExplainedError: "\(error.code): \(error.message)"
        default: String(describing: type(of: error))
        }
    }
}
