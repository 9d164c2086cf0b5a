internal import Errors
internal import GRDB

/// What went wrong in the database, as a message that is safe to show.
package struct SQLError: ExplainedError, Equatable, CustomStringConvertible {
    /// The kind of failure.
    package struct Kind: Hashable, Sendable {
        private let name: String
        private init(_ name: String) { self.name = name }

        /// A rule of the schema forbids it: a duplicate, a missing parent, a value outside of the allowed ones.
        package static let constraint = Kind("constraint")
        /// The file system has no room left.
        package static let full = Kind("full")
        /// The file system has less free than is to be kept, and so this change is not taken.
        package static let noRoom = Kind("no_room")
        /// Another process holds the database.
        package static let busy = Kind("busy")
        /// The file is not a database, or is damaged.
        package static let corrupt = Kind("corrupt")
        /// The file was written by a later release.
        package static let newerSchema = Kind("newer_schema")
        /// A row is not what the schema promises.
        package static let schema = Kind("schema")
        /// Reading or writing failed.
        package static let failed = Kind("failed")
    }

    /// The kind of failure.
    package let kind: Kind
    package let message: String
    package let next: String?
    /// SQLite's own message, for logs.
    ///
    /// It can name tables and columns, never values.
    package let cause: String?

    init(_ kind: Kind, _ message: String, next: String, cause: String? = nil) {
        self.kind = kind
        self.message = message
        self.next = next
        self.cause = cause
    }

    package static func == (left: SQLError, right: SQLError) -> Bool { left.kind == right.kind }

    package var code: String { "database" }

    package var description: String {
        guard let cause else { return message }
        return "\(message) (\(cause))"
    }

    /// What is said of a change that is not taken while room is short.
    static let noRoom = SQLError(
        .noRoom,
        "The coordinator's disk has too little room for this.",
        next: "Make room on the disk of the data folder."
    )

    package static func schema(column: String) -> SQLError {
        SQLError(
            .schema,
            "A row of the database is not as its schema promises.",
            next: "Restore the database from a backup.",
            cause: "column \(column)"
        )
    }

    /// Classifies an error of GRDB; any other error passes through.
    static func classified(_ error: any Error) -> any Error {
        guard let error = error as? DatabaseError else { return error }
        // Only the result code and SQLite's message: GRDB's description would add the arguments.
        let cause = "SQLite \(error.extendedResultCode.rawValue): \(error.message ?? "no message")"
        switch error.resultCode {
        case .SQLITE_CONSTRAINT:
            return SQLError(
                .constraint,
                "The change contradicts what is stored.",
                next: "Look at what is there.",
                cause: cause
            )
        case .SQLITE_FULL:
            return SQLError(.full, "The disk of the database is full.", next: "Make room and try again.", cause: cause)
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            return SQLError(
                .busy,
                "Another process holds the database.",
                next: "End the other process that uses this data folder.",
                cause: cause
            )
        case .SQLITE_CORRUPT, .SQLITE_NOTADB:
            return SQLError(.corrupt, "The database file is damaged.", next: "Restore it from a backup.", cause: cause)
        default:
            return SQLError(
                .failed,
                "The database could not be read or written.",
                next: "Look at the log and at the disk of the data folder.",
                cause: cause
            )
        }
    }
}
