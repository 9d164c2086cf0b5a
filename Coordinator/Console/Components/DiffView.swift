/// What differs between two texts, line by line; characters that are not seen are marked.
struct DiffView {
    struct Line {
        /// `new`, `gone`, `cut` or `same`.
        let kind: String
        let parts: [Part]
    }

    struct Part {
        let text: String
        /// Whether it stands for a character that is not seen.
        let isHidden: Bool
    }

    let name: String
    let lines: [Line]

    /// Reads a diff whose lines begin with `+ `, `- ` or two blanks, and in which what is not seen is spelled `\u{200b}`.
    init(_ name: String, _ text: String) {
        self.name = name
        lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            let kind = line.hasPrefix("+ ") ? "new" : line.hasPrefix("- ") ? "gone" : line == "  ..." ? "cut" : "same"
            return Line(kind: kind, parts: Self.parts(line))
        }
    }

    private static func parts(_ line: Substring) -> [Part] {
        var parts: [Part] = []
        var rest = line
        while let found = rest.firstRange(of: /\\u\{[0-9a-f]{1,6}\}/) {
            if found.lowerBound > rest.startIndex {
                parts.append(Part(text: String(rest[..<found.lowerBound]), isHidden: false))
            }
            parts.append(Part(text: String(rest[found]), isHidden: true))
            rest = rest[found.upperBound...]
        }
        if !rest.isEmpty || parts.isEmpty { parts.append(Part(text: String(rest), isHidden: false)) }
        return parts
    }
}
