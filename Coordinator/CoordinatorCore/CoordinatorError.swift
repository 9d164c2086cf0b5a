internal import ServiceKit

/// Why the coordinator was not made, or does not start.
package struct CoordinatorError: ExplainedError, Equatable, CustomStringConvertible {
    /// What went wrong, for code to decide on.
    package struct Code: Hashable, Sendable, CustomStringConvertible {
        package let description: String

        /// The command line asks for something that cannot be: exit status 2.
        package static let usage = Self(description: "bad_usage")
        /// The folder holds a coordinator, or something else.
        package static let folderTaken = Self(description: "folder_taken")
        /// The folder holds no coordinator.
        package static let noCoordinator = Self(description: "no_coordinator")
        /// What the folder holds is not as `init` made it.
        package static let folderDamaged = Self(description: "folder_damaged")
        /// Another process serves this folder.
        package static let running = Self(description: "already_running")
        /// Certificate and key cannot be used.
        package static let certificate = Self(description: "bad_certificate")
        /// Nothing can listen at the address.
        package static let listen = Self(description: "cannot_listen")
        package static let failed = Self(description: "failed")
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

    package static func == (left: Self, right: Self) -> Bool { left.kind == right.kind }
}
