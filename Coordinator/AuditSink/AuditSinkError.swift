/// An error in the stored data of the sink; an error of a sender is a `Problem` instead.
package struct AuditSinkError: Error, Sendable {
    /// The kind of failure.
    package struct Code: Hashable, Sendable {
        private enum Value { case damaged, foreign, report }
        private let value: Value

        /// What is stored contradicts itself: the file was changed by something else than this program.
        package static let damaged = Code(value: .damaged)
        /// What is stored was signed by another key, or under another name.
        package static let foreign = Code(value: .foreign)
        /// A report that cannot be made as it was asked for.
        package static let report = Code(value: .report)
    }

    package let code: Code
    /// What happened; safe to show.
    package let message: String
    /// What to do next.
    package let hint: String

    package init(_ code: Code, _ message: String, hint: String) {
        self.code = code
        self.message = message
        self.hint = hint
    }

    static func damaged(_ what: String) -> AuditSinkError {
        AuditSinkError(
            .damaged,
            "The stored audit log contradicts itself: \(what).",
            hint: "Stop the coordinator and restore its database from a backup."
        )
    }
}

extension AuditSinkError: Equatable {
    /// Errors are equal when their codes are.
    package static func == (left: AuditSinkError, right: AuditSinkError) -> Bool { left.code == right.code }
}

extension AuditSinkError: CustomStringConvertible {
    package var description: String { message }
}
