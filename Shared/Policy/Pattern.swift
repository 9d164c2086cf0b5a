package import StrictJSON

/// How a rule names a server, a tool, a resource, a prompt, a client or a group: exactly, or by a beginning.
///
/// Names are compared as bytes. There is nothing else in the language of names, so a pattern costs at most one
/// comparison of its own length.
package struct Pattern: Hashable, Sendable {
    /// What a name must be, or begin with.
    package let stem: [UInt8]
    /// Whether anything may follow the stem: the pattern ends with `*`.
    package let isPrefix: Bool

    /// The longest pattern in bytes; URIs of resources are the longest names there are.
    package static let longest = 2048

    /// The pattern that every name matches.
    package static let everything = Pattern(stem: [], isPrefix: true)

    /// A pattern that one name alone matches.
    package init(exactly name: JSONText) {
        self.init(stem: name.utf8, isPrefix: false)
    }

    init(stem: [UInt8], isPrefix: Bool) {
        self.stem = stem
        self.isPrefix = isPrefix
    }

    /// Reads a pattern; throws where `*` is anywhere but at the end.
    package init(_ json: JSONValue, at place: String) throws(ShapeError) {
        let text = try ObjectReader.identifier(json, at: place).utf8
        if text.count > Self.longest { throw ShapeError(place, "must not be longer than \(Self.longest) bytes") }
        let isPrefix = text.last == Self.star
        let stem = isPrefix ? Array(text.dropLast()) : text
        if stem.contains(Self.star) { throw ShapeError(place, "may have one * only, and only at its end") }
        self.init(stem: stem, isPrefix: isPrefix)
    }

    /// The pattern as it is written.
    package var json: JSONValue { .string(JSONText(utf8: isPrefix ? stem + [Self.star] : stem)) }

    /// Whether the bytes of a name match.
    package func matches(_ name: some Collection<UInt8>) -> Bool {
        isPrefix ? name.starts(with: stem) : name.elementsEqual(stem)
    }

    /// Whether a name matches.
    package func matches(_ name: JSONText) -> Bool { matches(name.utf8) }

    /// Whether every name that matches the other pattern matches this one too.
    package func covers(_ other: Pattern) -> Bool {
        isPrefix ? other.stem.starts(with: stem) : !other.isPrefix && other.stem == stem
    }

    /// Whether any name matches both patterns.
    package func overlaps(_ other: Pattern) -> Bool { covers(other) || other.covers(self) }

    /// Whether a grant can open a resource by this pattern: URIs that may lead elsewhere are opened by `*` alone.
    package var canOpenResource: Bool {
        if stem.isEmpty { return true }
        // What follows the last slash of a beginning may go on in any way.
        let certain = isPrefix ? stem[...(stem.lastIndex(of: UInt8(ascii: "/")) ?? -1)] : stem[...]
        return !certain.withUnsafeBufferPointer(ResourceURI.isAmbiguous)
    }

    private static let star = UInt8(ascii: "*")
}

extension ObjectReader {
    /// A pattern that must be there.
    mutating func pattern(_ name: JSONText) throws(ShapeError) -> Pattern {
        try Pattern(try required(name), at: path(name))
    }

    /// A pattern that may be absent.
    mutating func optionalPattern(_ name: JSONText) throws(ShapeError) -> Pattern? {
        guard let value = optional(name) else { return nil }
        return try Pattern(value, at: path(name))
    }

    /// A list of patterns that may be absent, but not empty: an empty one reads like "none" to one and like "all"
    /// to another.
    mutating func optionalPatterns(_ name: JSONText) throws(ShapeError) -> [Pattern]? {
        guard let elements = try optionalElements(name) else { return nil }
        guard !elements.isEmpty else {
            throw ShapeError(path(name), "must not be empty: leave it out, or name something")
        }
        return try elements.map { element throws(ShapeError) in try Pattern(element.value, at: element.place) }
    }
}
