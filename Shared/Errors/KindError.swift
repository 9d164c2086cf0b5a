/// An error of one part of the program, which tells code by its kind and people by its message what went wrong.
///
/// Two are equal when their kinds are: a test states the kind that it expects, the message is for people.
package struct KindError<Kind: ErrorKind>: ExplainedError, Equatable {
    package typealias Kind = Kind

    package let kind: Kind
    package let message: String
    package let next: String?

    package init(_ kind: Kind, _ message: String, next: String? = nil) {
        self.kind = kind
        self.message = message
        self.next = next
    }

    package var code: String { kind.rawValue }

    package var needsUser: Bool { kind.needsUser }

    package static func == (left: Self, right: Self) -> Bool { left.kind == right.kind }
}

extension KindError: CustomStringConvertible {
    package var description: String { "\(code): \(message)" }
}
