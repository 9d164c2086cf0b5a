/// Why something of an audit log was not taken.
package struct AuditLogError: Error, Sendable {
    /// What kind of thing was wrong.
    package struct Code: Hashable, Sendable {
        private enum Value { case malformed, proof, signature, report, file }
        private let value: Value

        /// Bytes that do not have the form of what they should be.
        package static let malformed = Code(value: .malformed)
        /// A proof that does not lead to the root.
        package static let proof = Code(value: .proof)
        /// A signature that is missing or does not fit.
        package static let signature = Code(value: .signature)
        /// A report that cannot be put together from what was given.
        package static let report = Code(value: .report)
        /// A file or folder that cannot be read or written.
        package static let file = Code(value: .file)
    }

    package let code: Code
    /// What went wrong, as a message that is safe to show.
    package let message: String
    /// What to do next, where there is something to do.
    package let hint: String?

    package init(_ code: Code, _ message: String, hint: String? = nil) {
        self.code = code
        self.message = message
        self.hint = hint
    }
}

extension AuditLogError: Equatable {
    /// Errors are equal when their codes are: a test states the error that it expects, the message is for people.
    package static func == (left: AuditLogError, right: AuditLogError) -> Bool {
        left.code == right.code
    }
}

extension AuditLogError: CustomStringConvertible {
    package var description: String { message }
}
