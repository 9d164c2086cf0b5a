internal import Contract
internal import StrictJSON

/// The values that an administrator gives for what a `server.json` asks for.
struct InputValues {
    private let given: [String: String]
    /// Those that were given for an earlier version.
    private let former: [String: String]
    private var used: Set<String> = []

    init(_ given: [String: String], former: [String: String] = [:]) {
        self.given = given
        self.former = former
    }

    /// The value of an input; nil where nothing is said and nothing is needed.
    ///
    /// - Parameters:
    ///   - input: what is asked for.
    ///   - name: how it is called for whoever gives it.
    ///   - place: where it stands.
    /// - Returns: the text, with its variables filled in.
    /// - Throws: `ShapeError` for a secret, and where a value is missing or is none of the choices.
    mutating func value(of input: ServerInput, named name: String, at place: String) throws(ShapeError) -> String? {
        guard !input.isSecret else {
            throw ShapeError(place, "is a secret, which no entry of the registry may hold")
        }
        // A value of the document is no matter of choice.
        guard let text = input.value ?? take(name) ?? input.standard else {
            guard !input.isRequired else { throw ShapeError(place, "needs a value for \(name)") }
            return nil
        }
        guard input.choices.isEmpty || input.choices.contains(where: { $0.utf8.elementsEqual(text.utf8) }) else {
            throw ShapeError(place, "needs one of \(input.choices.joined(separator: ", ")) for \(name)")
        }
        return try filled(text, input.variables, at: place)
    }

    /// A text with the `{names}` of its variables replaced; what is in braces and no variable stays.
    mutating func filled(
        _ text: String,
        _ variables: [String: ServerInput],
        at place: String
    ) throws(ShapeError) -> String {
        var rest = text[...]
        var filled = ""
        while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
            let name = String(rest[rest.index(after: open)..<close])
            filled += rest[..<open]
            if let variable = variables[name] {
                guard let value = try value(of: variable, named: name, at: "\(place)/variables/\(name)") else {
                    throw ShapeError(place, "needs a value for \(name)")
                }
                filled += value
            } else {
                filled += rest[open...close]
            }
            rest = rest[rest.index(after: close)...]
        }
        return filled + rest
    }

    /// Refuses values that nothing has asked for: they were meant for something.
    func refuseUnused() throws(ShapeError) {
        guard let name = given.keys.sorted().first(where: { !used.contains($0) }) else { return }
        throw ShapeError("values/\(name)", "is not asked for")
    }

    private mutating func take(_ name: String) -> String? {
        guard let value = given[name] ?? former[name] else { return nil }
        used.insert(name)
        return value
    }
}
