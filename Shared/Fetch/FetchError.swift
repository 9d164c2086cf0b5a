internal import Errors

/// Why no answer was had.
///
/// An answer of any status is no error.
package struct FetchError: ExplainedError, Equatable, CustomStringConvertible {
    /// What went wrong, for code to decide on.
    package struct Kind: Hashable, Sendable, CustomStringConvertible {
        private enum Name: String {
            case badURL = "bad_url"
            case badRequest = "bad_request"
            case refusedAddress = "refused_address"
            case foreignServer = "foreign_server"
            case resolve
            case connect
            case tls
            case timeout
            case tooLarge = "too_large"
            case tooManyRedirects = "too_many_redirects"
            case broken
            case unwritable
            case cancelled
            case stopped
        }

        private let name: Name

        /// The URL cannot be fetched: its form, its scheme, or `http` beyond this machine.
        package static let badURL = Self(name: .badURL)
        /// The request itself cannot be written: a header with a line break.
        package static let badRequest = Self(name: .badRequest)
        /// Every address of the host is one that the rule forbids; nothing was sent.
        package static let refusedAddress = Self(name: .refusedAddress)
        /// On this machine, where the request may go to this user's or root's programs alone, another user's has the port;
        /// nothing was sent.
        package static let foreignServer = Self(name: .foreignServer)
        /// The name has no address.
        package static let resolve = Self(name: .resolve)
        /// No server answers there.
        package static let connect = Self(name: .connect)
        /// No trusted TLS connection came about; nothing was sent.
        package static let tls = Self(name: .tls)
        /// The time was up.
        package static let timeout = Self(name: .timeout)
        /// The answer was longer than the request allows.
        package static let tooLarge = Self(name: .tooLarge)
        package static let tooManyRedirects = Self(name: .tooManyRedirects)
        /// The answer broke off or is no HTTP.
        package static let broken = Self(name: .broken)
        /// The answer could not be written to the request's file.
        package static let unwritable = Self(name: .unwritable)
        /// The task was cancelled.
        package static let cancelled = Self(name: .cancelled)
        /// The fetcher was shut down.
        package static let stopped = Self(name: .stopped)

        package var description: String { name.rawValue }
    }

    /// Whether the request may have reached the other side.
    package enum Sent: Sendable {
        case no, maybe
    }

    package let kind: Kind
    /// Safe to show: names the authority and never path, query, header or body.
    package let message: String
    package let next: String?
    package let sent: Sent

    package init(_ kind: Kind, _ message: String, next: String, sent: Sent = .no) {
        self.kind = kind
        self.message = message
        self.next = next
        self.sent = sent
    }

    package var code: String { kind.description }

    package static func == (left: Self, right: Self) -> Bool {
        left.kind == right.kind
    }

    package var description: String {
        "\(code): \(message)"
    }
}
