internal import StrictJSON

/// What differs between two definitions of a tool, for people who decide on it.
///
/// One line for each value, a line of its own for each line of a text, and nothing in it that is not seen.
enum DefinitionDiff {
    /// How many lines around a change stay.
    private static let context = 3
    /// Beyond so many lines that differ, which ones belong together is not looked for.
    private static let mostCompared = 2_000

    /// The lines of `new`, with `+` those that are not in `old` and with `-` those that only `old` has.
    static func text(from old: [UInt8]?, to new: [UInt8]) -> String {
        let (old, new) = (old.map { DefinitionLines($0).lines } ?? [], DefinitionLines(new).lines)
        return cut(edits(from: old, to: new)).joined(separator: "\n")
    }

    private enum Edit {
        case same(String), gone(String), new(String)

        var line: String {
            switch self {
            case .same(let line): "  \(line)"
            case .gone(let line): "- \(line)"
            case .new(let line): "+ \(line)"
            }
        }

        var isSame: Bool {
            if case .same = self { true } else { false }
        }
    }

    private static func isSame(_ left: String, _ right: String) -> Bool { left.utf8.elementsEqual(right.utf8) }

    private static func edits(from old: [String], to new: [String]) -> [Edit] {
        var start = 0
        while start < min(old.count, new.count), isSame(old[start], new[start]) { start += 1 }
        var end = 0
        while end < min(old.count, new.count) - start, isSame(old[old.count - 1 - end], new[new.count - 1 - end]) {
            end += 1
        }
        let (left, right) = (Array(old[start..<(old.count - end)]), Array(new[start..<(new.count - end)]))
        return new[..<start].map(Edit.same) + middle(left, right) + new[(new.count - end)...].map(Edit.same)
    }

    private static func middle(_ old: [String], _ new: [String]) -> [Edit] {
        guard old.count <= mostCompared, new.count <= mostCompared else {
            return old.map(Edit.gone) + new.map(Edit.new)
        }
        var (gone, come): (Set<Int>, Set<Int>) = ([], [])
        for change in new.difference(from: old, by: isSame) {
            switch change {
            case .remove(let offset, _, _): gone.insert(offset)
            case .insert(let offset, _, _): come.insert(offset)
            }
        }
        var edits: [Edit] = []
        var (left, right) = (0, 0)
        while left < old.count || right < new.count {
            if gone.contains(left) {
                edits.append(.gone(old[left]))
                left += 1
            } else if come.contains(right) {
                edits.append(.new(new[right]))
                right += 1
            } else {
                edits.append(.same(new[right]))
                (left, right) = (left + 1, right + 1)
            }
        }
        return edits
    }

    /// The changes with what is around them.
    private static func cut(_ edits: [Edit]) -> [String] {
        var isKept = edits.map { !$0.isSame }
        for index in edits.indices where !edits[index].isSame {
            for near in max(0, index - context)...min(edits.count - 1, index + context) { isKept[near] = true }
        }
        var lines: [String] = []
        var isCut = false
        for (index, edit) in edits.enumerated() {
            guard isKept[index] else {
                if !isCut { lines.append("  ...") }
                isCut = true
                continue
            }
            isCut = false
            lines.append(edit.line)
        }
        return lines
    }
}

/// A definition line by line, with nothing that is not seen.
private struct DefinitionLines {
    private(set) var lines: [String] = []

    init(_ text: [UInt8]) {
        if let json = try? JSONValue(parsing: text, limits: JSONLimits(maxBytes: text.count, maxDepth: 128)) {
            add(json, name: nil, depth: 0, isLast: true)
        } else {
            // No strict JSON: its bytes as they came.
            lines = Self.split(String(decoding: text, as: UTF8.self)).map(VisibleText.of)
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
            let parts = Self.split(text.string).map(VisibleText.of)
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

    /// The lines of a text: a line feed ends one, and nothing else does.
    private static func split(_ text: String) -> [String] {
        text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map { String($0) }
    }
}
