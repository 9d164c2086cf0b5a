internal import StrictJSON

/// A value that whoever sets a server up may have to give, as the official `server.json` describes it.
package struct ServerInput: Sendable, Equatable {
    package let description: String?
    package let isRequired: Bool
    /// Whether it must be kept from whoever may read the registry.
    package let isSecret: Bool
    /// What it is, with `{names}` of variables in it; nil: whoever sets it up says so.
    package let value: String?
    package let standard: String?
    /// What it may be; empty: anything.
    package let choices: [String]
    /// What stands in braces in its value, by name.
    package let variables: [String: ServerInput]

    /// Longest value.
    private static let longest = 4096

    /// Reads the members; `deep` is whether it may have variables itself.
    init(members reader: inout ObjectReader, deep: Bool = true) throws {
        description = try reader.optionalText("description")
        isRequired = try reader.optionalBool("isRequired") ?? false
        isSecret = try reader.optionalBool("isSecret") ?? false
        value = try reader.bounded("value", Self.longest)
        standard = try reader.bounded("default", Self.longest)
        choices = try reader.optionalTexts("choices") ?? []
        for name in ["format", "placeholder"] as [JSONText] { _ = try reader.optionalText(name) }
        variables = deep ? try Self.variables(&reader) : [:]
    }

    /// The member `variables`.
    static func variables(_ reader: inout ObjectReader) throws -> [String: ServerInput] {
        var variables: [String: ServerInput] = [:]
        for (name, element) in try reader.optionalMap("variables") ?? [] {
            variables[name.string] = try ObjectReader.read(element.value, at: element.place) { input in
                try ServerInput(members: &input, deep: false)
            }
        }
        return variables
    }
}

/// One that has a name: a header or an environment variable.
package struct NamedInput: Sendable, Equatable {
    package let name: String
    package let input: ServerInput

    /// The elements of a list.
    static func list(_ name: JSONText, of reader: inout ObjectReader) throws -> [NamedInput] {
        try (try reader.optionalElements(name) ?? []).map { element in
            try ObjectReader.read(element.value, at: element.place) { reader in
                NamedInput(
                    name: try reader.identifier("name").string,
                    input: try ServerInput(members: &reader)
                )
            }
        }
    }
}

/// An argument of a program.
package struct ProgramArgument: Sendable, Equatable {
    /// Its name with the dashes; nil of one that has a place alone.
    package let name: String?
    /// What it is called for whoever has to give it: its name, or what its place is for.
    package let label: String
    package let input: ServerInput

    static func list(_ name: JSONText, of reader: inout ObjectReader) throws -> [ProgramArgument] {
        try (try reader.optionalElements(name) ?? []).map { element in
            try ObjectReader.read(element.value, at: element.place) { reader in
                let isNamed = try reader.word("type", Kind.self) == .named
                let name = isNamed ? try reader.identifier("name").string : nil
                let hint = try reader.optionalText("valueHint")
                _ = try reader.optionalBool("isRepeated")
                let input = try ServerInput(members: &reader)
                guard let label = name ?? hint ?? input.value else {
                    throw ShapeError(reader.path("valueHint"), "is missing, and so is value")
                }
                return ProgramArgument(name: name, label: label, input: input)
            }
        }
    }

    private enum Kind: String, CaseIterable {
        case positional, named
    }
}

extension ObjectReader {
    fileprivate mutating func bounded(_ name: JSONText, _ longest: Int) throws(ShapeError) -> String? {
        guard let text = try optionalText(name) else { return nil }
        guard text.utf8.count <= longest else { throw ShapeError(path(name), "is longer than \(longest) bytes") }
        return text
    }
}
