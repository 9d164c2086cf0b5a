internal import Errors

/// Why a client's credential could not be made or taken away.
package struct ClientError: ExplainedError, Equatable {
    package let code: String
    package let message: String
    package let next: String?

    init(_ code: String, _ message: String, next: String) {
        self.code = code
        self.message = message
        self.next = next
    }

    package static func == (left: Self, right: Self) -> Bool { left.code == right.code }
}
