internal import ServiceKit

/// Why a record was not taken, or the spool cannot be used.
package struct SpoolError: ExplainedError, Sendable {
    /// What kind of thing went wrong, for code to decide on.
    package struct Kind: Hashable, Sendable {
        private enum Name: String {
            case full = "spool_full"
            case failed = "spool_failed"
            case damaged = "spool_damaged"
            case inUse = "spool_in_use"
            case file = "spool_file"
            case gone = "spool_gone"
            case closed = "spool_closed"
        }

        private let name: Name

        /// No room is left for what begins; what ends still fits.
        package static let full = Kind(name: .full)
        /// The disk did not keep what it was given: nothing is taken until the agent was started again.
        package static let failed = Kind(name: .failed)
        /// Records that were written are not there any more, or are others.
        package static let damaged = Kind(name: .damaged)
        /// Another process has it open.
        package static let inUse = Kind(name: .inUse)
        /// A file or folder cannot be made, read or written.
        package static let file = Kind(name: .file)
        /// These records were countersigned and removed, or were never here.
        package static let gone = Kind(name: .gone)
        package static let closed = Kind(name: .closed)

        var text: String { name.rawValue }
    }

    package let kind: Kind
    /// Safe to show: files, numbers and the system's own words.
    package let message: String
    package let next: String?

    package var code: String { kind.text }

    package init(_ kind: Kind, _ message: String, next: String? = nil) {
        self.kind = kind
        self.message = message
        self.next = next
    }

    /// The error of a file, in this target's words.
    init(file error: any Error) {
        let known = error as? any ExplainedError
        self.init(.file, known?.message ?? "\(error)", next: known?.next)
    }
}

extension SpoolError: Equatable {
    /// Errors are equal when their kinds are: a test states the error that it expects, words are for people.
    package static func == (left: SpoolError, right: SpoolError) -> Bool { left.kind == right.kind }
}

extension SpoolError: CustomStringConvertible {
    package var description: String { "\(code): \(message)" }
}
