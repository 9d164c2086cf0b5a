/// An error in the stored policies; an error of a sender is a `Problem` instead.
package struct PolicyStoreError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kind of failure.
    package struct Code: Hashable, Sendable {
        private enum Value { case damaged, unreadable }
        private let value: Value

        /// What is stored contradicts itself.
        package static let damaged = Code(value: .damaged)
        /// This release cannot take the stored file as a policy.
        package static let unreadable = Code(value: .unreadable)
    }

    package let code: Code
    /// What happened; safe to show.
    package let message: String
    /// What to do next.
    package let hint: String

    init(_ code: Code, _ message: String, hint: String) {
        self.code = code
        self.message = message
        self.hint = hint
    }

    static func damaged(_ what: String) -> PolicyStoreError {
        PolicyStoreError(
            .damaged,
            "The stored policy contradicts itself: \(what).",
            hint: "Stop the coordinator and restore its database from a backup."
        )
    }

    /// Errors are equal when their codes are.
    package static func == (left: PolicyStoreError, right: PolicyStoreError) -> Bool { left.code == right.code }

    package var description: String { message }
}
