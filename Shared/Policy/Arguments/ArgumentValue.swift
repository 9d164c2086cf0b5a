internal import StrictJSON

/// What is at one place of the arguments of a call.
enum ArgumentValue {
    case missing
    /// It depends on who reads: a name stands there in several cases, or what should have members has none.
    case unclear
    case null
    case bool(Bool)
    case int(Int)
    /// A number that is no integer in its plain spelling, or too large for doubles.
    case number
    /// With the length of its text in bytes.
    case string(JSONStringSpan, length: Int)
    case array(count: Int)
    case object
}

extension ArgumentPredicate.Condition {
    /// Whether the condition holds of a value, which was found in `arguments`.
    func truth(of value: ArgumentValue, in arguments: UnsafeBufferPointer<UInt8>) -> Truth {
        switch (self, value) {
        case (.present, .missing), (.absent, .bool), (.absent, .int), (.absent, .number), (.absent, .string),
            (.absent, .array), (.absent, .object):
            .fails
        case (.absent, .missing): .holds
        // A null is a member that is not set, to some servers.
        case (_, .missing), (_, .unclear), (_, .null): .unknown
        case (.present, _): .holds
        case (.equals(let scalar), _): Self.truth([scalar], value, arguments)
        case (.oneOf(let scalars), _): Self.truth(scalars, value, arguments)
        case (.within(let range), .int(let number)): range.contains(number) ? .holds : .fails
        case (.atMost(let most), .string(_, let length)): length <= most ? .holds : .fails
        case (.atMost(let most), .array(let count)): count <= most ? .holds : .fails
        // What is longer is not even decoded, however many rules look at it.
        case (.hostIn, .string(_, let length)) where length > URLHost.longest: .unknown
        case (.hostIn(let hosts), .string(let text, _)): text.withText(in: arguments) { Self.truth(hosts, $0) }
        case (.under, .string(_, let length)) where length > FolderPath.longestPath: .unknown
        case (.under(let folder), .string(let text, _)): text.withText(in: arguments, folder.holds)
        default: .unknown
        }
    }

    private static func truth(
        _ scalars: [ArgumentScalar],
        _ value: ArgumentValue,
        _ arguments: UnsafeBufferPointer<UInt8>
    ) -> Truth {
        var isOfType = false
        switch value {
        case .string(let text, let length):
            for case .string(let wanted) in scalars {
                isOfType = true
                // Of an escaped text only one of the right length is decoded.
                guard wanted.utf8.count == length else { continue }
                if text.withText(in: arguments, { $0.elementsEqual(wanted.utf8) }) { return .holds }
            }
        case .int(let number):
            for case .int(let wanted) in scalars {
                isOfType = true
                if wanted == number { return .holds }
            }
        case .bool(let bool):
            for case .bool(let wanted) in scalars {
                isOfType = true
                if wanted == bool { return .holds }
            }
        default: break
        }
        return isOfType ? .fails : .unknown
    }

    private static func truth(_ hosts: [HostPattern], _ url: UnsafeBufferPointer<UInt8>) -> Truth {
        guard let host = URLHost(url: url) else { return .unknown }
        if hosts.contains(where: { $0.matches(host) }) { return .holds }
        return host.hasManySpellings ? .unknown : .fails
    }
}
