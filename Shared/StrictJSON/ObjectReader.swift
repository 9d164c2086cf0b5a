/// What is wrong with the shape of a document, and where: `roles/dev/grant/0/server`, "must be a string".
package struct ShapeError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The path of names and indices, joined by slashes; empty for the document itself.
    package let place: String
    /// What is wrong, without repeating the contents.
    package let why: String

    package init(_ place: String, _ why: String) {
        self.place = place
        self.why = why
    }

    package var description: String {
        place.isEmpty ? why : "\(place): \(why)"
    }
}

/// Reads a closed object: each member is asked for by name, and one that nobody asked for is an error.
///
/// ```swift
/// let limit = try ObjectReader.read(value, at: "limits/0") { reader in
///     Limit(per: try reader.word("per", Per.self), burst: try reader.optionalInt("burst", in: 1...10_000) ?? 1)
/// }
/// ```
package struct ObjectReader {
    /// The path of this object.
    package let place: String
    private let object: JSONObject
    private var isRead: [Bool]

    /// Reads all of an object.
    ///
    /// - Parameters:
    ///   - value: what should be an object.
    ///   - place: its path, for errors.
    ///   - body: asks for the members.
    /// - Returns: what `body` returns.
    /// - Throws: `ShapeError` if it is no object or has a member that `body` did not ask for; whatever `body` throws.
    package static func read<Result>(
        _ value: JSONValue,
        at place: String = "",
        _ body: (inout ObjectReader) throws -> Result
    ) throws -> Result {
        guard case .object(let object) = value else { throw ShapeError(place, "must be an object") }
        var reader = ObjectReader(object, at: place)
        let result = try body(&reader)
        try reader.finish()
        return result
    }

    /// A reader whose caller calls `finish` itself.
    package init(_ object: JSONObject, at place: String) {
        self.object = object
        self.place = place
        isRead = Array(repeating: false, count: object.count)
    }

    /// Refuses members that were not asked for.
    package func finish() throws(ShapeError) {
        for (member, isRead) in zip(object.members, isRead) where !isRead {
            throw ShapeError(path(member.name), "is not a member that may stand here")
        }
    }

    /// The path of a member.
    package func path(_ name: JSONText) -> String {
        place.isEmpty ? name.string : "\(place)/\(name)"
    }

    // MARK: Any value

    /// The value of a member, or nil if it is absent.
    ///
    /// A `null` is a value.
    package mutating func optional(_ name: JSONText) -> JSONValue? {
        guard let index = object.members.firstIndex(where: { $0.name == name }) else { return nil }
        isRead[index] = true
        return object.members[index].value
    }

    /// The value of a member that must be there.
    package mutating func required(_ name: JSONText) throws(ShapeError) -> JSONValue {
        guard let value = optional(name) else { throw ShapeError(path(name), "is missing") }
        return value
    }

    /// Takes every member that was not asked for, for documents whose rest belongs to others.
    package mutating func ignoreOthers() {
        isRead = Array(repeating: true, count: isRead.count)
    }

    // MARK: Strings

    /// A string without NUL.
    package mutating func text(_ name: JSONText) throws(ShapeError) -> String {
        try Self.text(try required(name), at: path(name)).string
    }

    package mutating func optionalText(_ name: JSONText) throws(ShapeError) -> String? {
        guard let value = optional(name) else { return nil }
        return try Self.text(value, at: path(name)).string
    }

    /// A name or pattern that is compared as bytes: not empty, no control character.
    package mutating func identifier(_ name: JSONText) throws(ShapeError) -> JSONText {
        try Self.identifier(try required(name), at: path(name))
    }

    package mutating func optionalIdentifier(_ name: JSONText) throws(ShapeError) -> JSONText? {
        guard let value = optional(name) else { return nil }
        return try Self.identifier(value, at: path(name))
    }

    /// A list of identifiers.
    package mutating func identifiers(_ name: JSONText) throws(ShapeError) -> [JSONText] {
        try elements(name).map { element throws(ShapeError) in try Self.identifier(element.value, at: element.place) }
    }

    package mutating func optionalIdentifiers(_ name: JSONText) throws(ShapeError) -> [JSONText]? {
        guard let elements = try optionalElements(name) else { return nil }
        return try elements.map { element throws(ShapeError) in try Self.identifier(element.value, at: element.place) }
    }

    /// A list of strings.
    package mutating func texts(_ name: JSONText) throws(ShapeError) -> [String] {
        try elements(name).map { element throws(ShapeError) in try Self.text(element.value, at: element.place).string }
    }

    package mutating func optionalTexts(_ name: JSONText) throws(ShapeError) -> [String]? {
        guard let elements = try optionalElements(name) else { return nil }
        return try elements.map { element throws(ShapeError) in try Self.text(element.value, at: element.place).string }
    }

    /// One word of a closed list.
    package mutating func word<Word: RawRepresentable & CaseIterable>(
        _ name: JSONText,
        _ type: Word.Type = Word.self
    ) throws(ShapeError) -> Word where Word.RawValue == String {
        try Self.word(try required(name), at: path(name))
    }

    package mutating func optionalWord<Word: RawRepresentable & CaseIterable>(
        _ name: JSONText,
        _ type: Word.Type = Word.self
    ) throws(ShapeError) -> Word? where Word.RawValue == String {
        guard let value = optional(name) else { return nil }
        return try Self.word(value, at: path(name))
    }

    // MARK: Numbers and booleans

    package mutating func int(_ name: JSONText, in range: ClosedRange<Int> = 0...Int.max) throws(ShapeError) -> Int {
        try Self.int(try required(name), in: range, at: path(name))
    }

    package mutating func optionalInt(
        _ name: JSONText,
        in range: ClosedRange<Int> = 0...Int.max
    ) throws(ShapeError) -> Int? {
        guard let value = optional(name) else { return nil }
        return try Self.int(value, in: range, at: path(name))
    }

    package mutating func bool(_ name: JSONText) throws(ShapeError) -> Bool {
        guard let bool = try required(name).bool else { throw ShapeError(path(name), "must be true or false") }
        return bool
    }

    package mutating func optionalBool(_ name: JSONText) throws(ShapeError) -> Bool? {
        optional(name) == nil ? nil : try bool(name)
    }

    // MARK: Inner values

    /// One element of a list or one member of a map, with its path.
    package struct Element: Sendable {
        package let place: String
        package let value: JSONValue
    }

    /// The elements of a list.
    package mutating func elements(_ name: JSONText) throws(ShapeError) -> [Element] {
        guard let elements = try optionalElements(name) else { throw ShapeError(path(name), "is missing") }
        return elements
    }

    package mutating func optionalElements(_ name: JSONText) throws(ShapeError) -> [Element]? {
        guard let value = optional(name) else { return nil }
        let place = path(name)
        guard case .array(let values) = value else { throw ShapeError(place, "must be a list") }
        return values.enumerated().map { Element(place: "\(place)/\($0.offset)", value: $0.element) }
    }

    /// The members of an object whose names are the document's own, such as the names of roles.
    package mutating func map(_ name: JSONText) throws(ShapeError) -> [(name: JSONText, element: Element)] {
        guard let map = try optionalMap(name) else { throw ShapeError(path(name), "is missing") }
        return map
    }

    package mutating func optionalMap(_ name: JSONText) throws(ShapeError) -> [(name: JSONText, element: Element)]? {
        guard let value = optional(name) else { return nil }
        let place = path(name)
        guard case .object(let object) = value else { throw ShapeError(place, "must be an object") }
        return object.members.map { ($0.name, Element(place: "\(place)/\($0.name)", value: $0.value)) }
    }

    /// Reads an inner closed object.
    package mutating func object<Result>(
        _ name: JSONText,
        _ body: (inout ObjectReader) throws -> Result
    ) throws -> Result {
        try Self.read(try required(name), at: path(name), body)
    }

    package mutating func optionalObject<Result>(
        _ name: JSONText,
        _ body: (inout ObjectReader) throws -> Result
    ) throws -> Result? {
        guard let value = optional(name) else { return nil }
        return try Self.read(value, at: path(name), body)
    }
}
