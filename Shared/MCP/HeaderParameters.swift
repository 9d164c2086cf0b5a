package import StrictJSON

/// Which arguments of a tool its server wants to see in the head of a call too (`x-mcp-header` in its input schema).
package struct HeaderParameters: Equatable, Sendable {
    /// Why the schema of a tool is not allowed to say what it says; such a tool is not shown to clients.
    package struct Invalid: Error, Equatable {}

    private struct Parameter: Equatable, Sendable {
        let header: String
        let path: [JSONText]
    }

    private let parameters: [Parameter]

    /// Reads the input schema of a tool; throws `Invalid`.
    package init(schema: JSONValue) throws(Invalid) {
        var found: [Parameter] = []
        try Self.collect(schema, path: [], into: &found, depth: 0)
        // What is nowhere to be found through `properties` alone must not be annotated at all.
        guard Self.count(schema, depth: 0) == found.count else { throw Invalid() }
        let names = found.map { $0.header.lowercased() }
        guard Set(names).count == names.count else { throw Invalid() }
        parameters = found
    }

    package var isEmpty: Bool { parameters.isEmpty }

    private static let deepest = 16
    private static let annotation: JSONText = "x-mcp-header"

    private static func collect(
        _ schema: JSONValue,
        path: [JSONText],
        into found: inout [Parameter],
        depth: Int
    ) throws(Invalid) {
        guard depth < deepest, let object = schema.object else { return }
        if let name = object[annotation] {
            guard !path.isEmpty, let text = name.text, isToken(text),
                ["string", "integer", "boolean"].contains(object["type"]?.text)
            else { throw Invalid() }
            found.append(Parameter(header: text, path: path))
        }
        for member in object["properties"]?.object?.members ?? [] {
            try collect(member.value, path: path + [member.name], into: &found, depth: depth + 1)
        }
    }

    /// How many annotations there are anywhere; a property of that name is none.
    private static func count(_ schema: JSONValue, depth: Int) -> Int {
        guard depth < 64 else { return 0 }
        switch schema {
        case .array(let elements): return elements.reduce(0) { $0 + count($1, depth: depth + 1) }
        case .object(let object):
            return object.members.reduce(0) { sum, member in
                if member.name == annotation { return sum + 1 }
                if member.name == "properties", let properties = member.value.object {
                    return sum + properties.members.reduce(0) { $0 + count($1.value, depth: depth + 2) }
                }
                return sum + count(member.value, depth: depth + 1)
            }
        default: return 0
        }
    }

    private static func isToken(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 128
            && text.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
                default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
    }

    // MARK: Values

    /// The headers for these arguments; nil for an argument that no header can repeat.
    package func headers(for arguments: JSONValue) -> [HeaderParameter]? {
        var headers: [HeaderParameter] = []
        for parameter in parameters {
            switch Self.text(of: parameter, in: arguments) {
            case .absent: continue
            case .unfit: return nil
            case .value(let value): headers.append(HeaderParameter(name: parameter.header, value: value))
            }
        }
        return headers
    }

    /// Whether the headers of a request say what its arguments say.
    ///
    /// - Parameters:
    ///   - arguments: those of the call.
    ///   - given: the names behind `Mcp-Param-`, in lower case, with the values as they came.
    /// - Returns: whether they do.
    package func agree(with arguments: JSONValue, given: [String: String]) -> Bool {
        parameters.allSatisfy { parameter in
            let header = given[parameter.header.lowercased()]
            switch Self.text(of: parameter, in: arguments) {
            case .absent: return header == nil
            case .unfit: return true
            case .value(let value):
                guard let header else { return false }
                return header == value || Self.isSameNumber(header, value)
            }
        }
    }

    private enum Text {
        case absent, unfit
        case value(String)
    }

    private static func text(of parameter: Parameter, in arguments: JSONValue) -> Text {
        var value = arguments
        for name in parameter.path {
            guard let next = value[name] else { return .absent }
            value = next
        }
        switch value {
        case .null: return .absent
        case .string(let text): return .value(MCPHeaders.encoded(text.string))
        case .bool(let bool): return .value(bool ? "true" : "false")
        case .number(let number):
            guard let int = number.int ?? number.double.exactInt else { return .unfit }
            return .value(String(int))
        case .array, .object: return .unfit
        }
    }

    private static func isSameNumber(_ one: String, _ other: String) -> Bool {
        guard let one = Double(one), let other = Double(other) else { return false }
        return one == other
    }
}

extension Double {
    /// The integer that it is, within what every reader of JSON keeps exactly.
    fileprivate var exactInt: Int? {
        guard self == rounded(), abs(self) <= 9_007_199_254_740_991 else { return nil }
        return Int(self)
    }
}

/// One argument of a tool as a header repeats it.
package struct HeaderParameter: Hashable, Sendable {
    /// What stands behind `Mcp-Param-`.
    package let name: String
    /// The value of the header.
    package let value: String

    package init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}
