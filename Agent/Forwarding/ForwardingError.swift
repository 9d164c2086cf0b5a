internal import ServiceKit

/// Why the agent cannot listen; equality is by `kind`.
package struct ForwardingError: ExplainedError, Equatable, CustomStringConvertible {
    /// What went wrong, for code to decide on.
    package struct Kind: Hashable, Sendable, CustomStringConvertible {
        package let description: String

        /// The address is not one of loopback, or none at all.
        package static let notLoopback = Self(description: "not_loopback")
        /// Somebody else listens there.
        package static let inUse = Self(description: "address_in_use")
        /// The path is longer than a socket's may be.
        package static let pathTooLong = Self(description: "socket_path_too_long")
        /// The folder or the file of the socket is not ours alone.
        package static let badFolder = Self(description: "socket_folder")
        /// The system refuses for another reason.
        package static let system = Self(description: "cannot_listen")
    }

    package let kind: Kind
    package let message: String
    package let next: String?

    package init(_ kind: Kind, _ message: String, next: String? = nil) {
        self.kind = kind
        self.message = message
        self.next = next
    }

    package var code: String { kind.description }
    package var description: String { "\(code): \(message)" }

    package static func == (left: Self, right: Self) -> Bool { left.kind == right.kind }
}
