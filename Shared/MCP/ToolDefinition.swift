package import StrictJSON

/// What a model and a person are told of a tool, in the one spelling that is compared, hashed and reviewed.
///
/// The name, the title, the description, both schemas and the annotations, with the members of every object sorted by
/// their bytes, strings in their shortest spelling and numbers as they were written. So the order in which a server
/// writes, and white space, make no difference, and one letter does.
package struct ToolDefinition: Hashable, Sendable {
    /// The name, where the definition has one that is a string.
    package let name: JSONText?
    /// The spelling that is hashed: canonical JSON, or the bytes as they came for what strict JSON cannot tell.
    package let text: [UInt8]
    /// What the server says that the tool does.
    package let hints: ToolHints

    /// The members that a definition consists of.
    package static let members: [StaticString] = [
        "annotations", "description", "inputSchema", "name", "outputSchema", "title",
    ]

    /// Reads one entry of a list of tools.
    ///
    /// An entry that has no single reading (a name twice, half a surrogate pair) is compared byte by byte: that keeps no
    /// tool from anybody, and hides no change.
    package init(_ entry: UnsafeBufferPointer<UInt8>) {
        let limits = JSONLimits(maxBytes: JSONLimits.reply.maxBytes, maxDepth: 128)
        guard let json = try? JSONValue(parsing: entry, limits: limits), case .object(let object) = json else {
            self.init(name: nil, text: Array(entry), hints: .assumed)
            return
        }
        var text: [UInt8] = []
        Self.write(object.sortedMembers.filter { Self.isPinned($0.name) }, to: &text)
        self.init(name: json["name"]?.string, text: text, hints: ToolHints(object))
    }

    package init(_ entry: [UInt8]) {
        self = entry.withUnsafeBufferPointer { ToolDefinition($0) }
    }

    private init(name: JSONText?, text: [UInt8], hints: ToolHints) {
        self.name = name
        self.text = text
        self.hints = hints
    }

    /// Whether a member belongs to the definition; one that differs by case alone does for a careless client.
    private static func isPinned(_ name: JSONText) -> Bool {
        members.contains { known in
            name.utf8.elementsEqual(UnsafeBufferPointer(start: known.utf8Start, count: known.utf8CodeUnitCount))
                || NameCase.isVariant(name.utf8, of: known)
        }
    }

    private static func write(_ members: [JSONObject.Member], to text: inout [UInt8]) {
        text.append(UInt8(ascii: "{"))
        for (index, member) in members.enumerated() {
            if index > 0 { text.append(UInt8(ascii: ",")) }
            JSONWriting.string(member.name.utf8, to: &text)
            text.append(UInt8(ascii: ":"))
            write(member.value, to: &text)
        }
        text.append(UInt8(ascii: "}"))
    }

    private static func write(_ value: JSONValue, to text: inout [UInt8]) {
        switch value {
        case .object(let object):
            write(object.sortedMembers, to: &text)
        case .array(let elements):
            text.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { text.append(UInt8(ascii: ",")) }
                write(element, to: &text)
            }
            text.append(UInt8(ascii: "]"))
        case .null, .bool, .number, .string:
            value.write(to: &text)
        }
    }
}
