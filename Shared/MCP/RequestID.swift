package import StrictJSON

/// The id of a JSON-RPC request, for telling whether an answer belongs to it however either spells it.
package enum RequestID: Hashable, Sendable {
    case int(Int)
    case string(JSONText)

    /// The longest literal that is an id: ids are kept for as long as their requests are, and a literal as long as a
    /// document is not an id.
    package static let maxBytes = 1024

    /// The id whose literal is in `bytes`, as found by an envelope; nil for a literal that is not an id.
    package init?(_ literal: JSONSpan, in bytes: UnsafeBufferPointer<UInt8>) {
        self.init(literal: UnsafeBufferPointer(rebasing: bytes[literal.range]))
    }

    /// The id of a literal, with its quotes if it has any.
    package init?(literal: UnsafeBufferPointer<UInt8>) {
        guard literal.count <= Self.maxBytes, let value = try? JSONValue(parsing: literal, topLevel: .anything) else {
            return nil
        }
        switch value {
        case .number(let number):
            guard let int = number.int else { return nil }
            self = .int(int)
        case .string(let text): self = .string(text)
        default: return nil
        }
    }

    /// Whether an answer with this id answers a request with the other: some write a number back as a string of its digits,
    /// or the reverse.
    package func answers(_ request: RequestID) -> Bool {
        switch (self, request) {
        case (.int(let number), .string(let text)), (.string(let text), .int(let number)):
            JSONText(String(number)) == text
        case (.int, .int), (.string, .string):
            self == request
        }
    }
}
