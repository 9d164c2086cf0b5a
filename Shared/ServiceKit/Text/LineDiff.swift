/// What differs between two texts, line by line, for people who decide on it.
package enum LineDiff {
    /// How many lines around a change stay.
    private static let context = 3
    /// Beyond so many lines that differ, which ones belong together is not looked for.
    private static let mostCompared = 2_000

    /// The lines of `new`, with `+` those that are not in `old` and with `-` those that only `old` has.
    ///
    /// What is far from any change is left out. Empty where nothing differs.
    package static func text(from old: [String], to new: [String]) -> String {
        let edits = edits(from: old, to: new)
        return edits.allSatisfy(\.isSame) ? "" : cut(edits).joined(separator: "\n")
    }

    /// The same of two files, in which every character is seen for what it is.
    package static func text(from old: [UInt8], to new: [UInt8]) -> String {
        text(from: lines(ofFile: old), to: lines(ofFile: new))
    }

    /// The lines of a text, in which every character is seen: a line feed ends one, and nothing else does.
    package static func lines(of text: String) -> [String] {
        text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map { VisibleText.of(String($0)) }
    }

    /// The lines of a text; what is no UTF-8 in it is replaced.
    package static func lines(of text: [UInt8]) -> [String] { lines(of: String(decoding: text, as: UTF8.self)) }

    /// The lines of a file, whose last one ends like the others.
    private static func lines(ofFile file: [UInt8]) -> [String] {
        lines(of: file.last == UInt8(ascii: "\n") ? file.dropLast() : file)
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
