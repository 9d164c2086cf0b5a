package import StrictJSON

/// One condition on the arguments of a call.
package struct ArgumentPredicate: Hashable, Sendable {
    /// What must be so of the value.
    package enum Condition: Hashable, Sendable {
        case equals(ArgumentScalar)
        case oneOf([ArgumentScalar])
        /// An integer within these bounds.
        case within(ClosedRange<Int>)
        /// A string of at most so many bytes of UTF-8, or an array of at most so many elements.
        case atMost(Int)
        case present
        case absent
        /// A URL of the web whose host is one of these.
        case hostIn([HostPattern])
        /// A path in this folder, or the folder itself.
        case under(FolderPath)
    }

    package let pointer: ArgumentPointer
    package let condition: Condition

    package init(pointer: ArgumentPointer, condition: Condition) {
        self.pointer = pointer
        self.condition = condition
    }

    /// How many different conditions a policy may have: all of them are looked for in one pass over the arguments.
    package static let most = 256
    /// How many values a condition may list.
    static let mostValues = 1000
}

/// Whether a condition holds.
package enum Truth: Hashable, Sendable, CaseIterable {
    case holds, fails
    /// The value is missing, of another type, or could be read in more than one way: then no grant opens for it, and
    /// every rule that forbids or demands something does.
    case unknown
}

/// A value that arguments are compared with.
package enum ArgumentScalar: Hashable, Sendable {
    case string(JSONText)
    case int(Int)
    case bool(Bool)

    /// The longest string in bytes.
    static let longest = 1024
    /// Integers beyond these are other numbers for readers who have doubles alone.
    static let integers = -(1 << 53 - 1)...(1 << 53 - 1)

    init(_ json: JSONValue, at place: String) throws(ShapeError) {
        switch json {
        case .string:
            let text = try ObjectReader.text(json, at: place)
            guard text.utf8.count <= Self.longest else {
                throw ShapeError(place, "must not be longer than \(Self.longest) bytes")
            }
            self = .string(text)
        case .bool(let value):
            self = .bool(value)
        default:
            guard let value = json.int, Self.integers.contains(value) else {
                throw ShapeError(place, "must be a string, true, false or a whole number up to 2^53 - 1")
            }
            self = .int(value)
        }
    }

    var json: JSONValue {
        switch self {
        case .string(let text): .string(text)
        case .int(let value): .int(value)
        case .bool(let value): .bool(value)
        }
    }
}
