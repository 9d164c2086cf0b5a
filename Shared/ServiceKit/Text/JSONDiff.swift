internal import StrictJSON

/// What differs between two JSON documents, for people who decide on it.
///
/// One line for each value, a line of its own for each line of a text, and nothing in it that is not seen.
package enum JSONDiff {
    /// The lines of `new`, with `+` those that are not in `old` and with `-` those that only `old` has; all of it where
    /// there is no `old`, and nothing where nothing differs.
    package static func text(from old: [UInt8]?, to new: [UInt8]) -> String {
        LineDiff.text(from: old.map { JSONLines($0).lines } ?? [], to: JSONLines(new).lines)
    }
}

/// A document line by line, with nothing that is not seen.
private struct JSONLines {
    private(set) var lines: [String] = []

    init(_ text: [UInt8]) {
        if let json = try? JSONValue(parsing: text, limits: JSONLimits(maxBytes: text.count, maxDepth: 128)) {
            add(json, name: nil, depth: 0, isLast: true)
        } else {
            // No strict JSON: its bytes as they came.
            lines = LineDiff.lines(of: text)
        }
    }

    private mutating func add(_ value: JSONValue, name: JSONText?, depth: Int, isLast: Bool) {
        let indentation = String(repeating: "  ", count: depth)
        let opening = indentation + (name.map { "\"\(VisibleText.of($0.string))\": " } ?? "")
        let comma = isLast ? "" : ","
        switch value {
        case .object(let object) where !object.isEmpty:
            lines.append("\(opening){")
            for (index, member) in object.members.enumerated() {
                add(member.value, name: member.name, depth: depth + 1, isLast: index == object.count - 1)
            }
            lines.append("\(indentation)}\(comma)")
        case .array(let elements) where !elements.isEmpty:
            lines.append("\(opening)[")
            for (index, element) in elements.enumerated() {
                add(element, name: nil, depth: depth + 1, isLast: index == elements.count - 1)
            }
            lines.append("\(indentation)]\(comma)")
        case .string(let text):
            let parts = LineDiff.lines(of: text.string)
            guard parts.count > 1 else {
                lines.append("\(opening)\"\(parts[0])\"\(comma)")
                return
            }
            lines.append("\(opening)\"\(parts[0])")
            for part in parts.dropFirst().dropLast() { lines.append("\(indentation)  \(part)") }
            lines.append("\(indentation)  \(parts[parts.count - 1])\"\(comma)")
        case .null, .bool, .number, .object, .array:
            lines.append("\(opening)\(value.json)\(comma)")
        }
    }
}
