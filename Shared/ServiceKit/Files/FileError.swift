/// Why a file could not be read or written.
package struct FileError: ExplainedError, Equatable, CustomStringConvertible {
    /// What went wrong, for code to decide on.
    package struct Code: Hashable, Sendable, CustomStringConvertible {
        package let description: String

        /// The system refuses to open, read or list it.
        package static let unreadable = Self(description: "file_unreadable")
        /// The system refuses to write it, or the disk is full.
        package static let unwritable = Self(description: "file_unwritable")
        package static let tooLarge = Self(description: "file_too_large")
        /// It is read, and is not what it should be.
        package static let malformed = Self(description: "file_malformed")
    }

    /// What went wrong.
    package let kind: Code
    package let message: String
    package let next: String?

    /// An error with the given words.
    package init(_ kind: Code, _ message: String, next: String?) {
        self.kind = kind
        self.message = message
        self.next = next
    }

    package var code: String { kind.description }
    package var description: String { "\(code): \(message)" }

    package static func == (left: Self, right: Self) -> Bool {
        left.kind == right.kind
    }
}
