internal import MCP
internal import Policy
internal import StrictJSON

/// Writes a policy file as people write one: YAML, with comments.
struct PolicyWriting {
    private(set) var text = ""

    /// Lines of a comment.
    mutating func comment(_ words: String, indentation: Int = 0) {
        let indent = String(repeating: " ", count: indentation)
        for line in words.split(separator: "\n") { text += "\(indent)# \(line)\n" }
    }

    mutating func line(_ words: String = "") { text += "\(words)\n" }

    mutating func role(_ role: SuggestedRole, resourceNote: String) {
        line("  \(Self.scalar(JSONText(role.name))):")
        line("    grant:")
        for grant in role.grants {
            if grant.opensListsOnly { comment("nothing of it was called: this opens the lists alone", indentation: 6) }
            if grant.resources.contains(.everything) { comment(resourceNote, indentation: 6) }
            write(grant)
        }
    }

    private mutating func write(_ grant: SuggestedRole.Grant) {
        let lists: [(String, [String])] = [
            ("tools", grant.tools.map(Self.pattern)), ("resources", grant.resources.map(Self.pattern)),
            ("prompts", grant.prompts.map(Self.pattern)), ("server_requests", grant.serverRequests.map(\.rawValue)),
        ].filter { !$0.1.isEmpty }
        let server = Self.scalar(grant.server)
        let short = lists.map { "\($0.0): [\($0.1.joined(separator: ", "))]" }.joined(separator: ", ")
        guard short.utf8.count > 100 else {
            line("      - { server: \(server), \(short) }")
            return
        }
        line("      - server: \(server)")
        for (name, values) in lists {
            line("        \(name):")
            for value in values { line("          - \(value)") }
        }
    }

    /// A pattern: with a star it is quoted, since a star can begin an alias of YAML.
    private static func pattern(_ pattern: Pattern) -> String {
        guard let text = pattern.json.text else { return "\"\"" }
        return pattern.isPrefix ? quoted(text) : scalar(JSONText(text))
    }

    /// A text that every reader of YAML takes for a text.
    static func scalar(_ text: JSONText) -> String {
        let isLetter: (UInt8) -> Bool = { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0 | 0x20) }
        let isDigit: (UInt8) -> Bool = { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        let marks = Array("_-./@".utf8)
        // Words for truth and nothing in any version of YAML.
        let words = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"]
        guard let first = text.utf8.first, isLetter(first), text.utf8.count <= 128,
            text.utf8.allSatisfy({ isLetter($0) || isDigit($0) || marks.contains($0) }),
            !words.contains(text.string.lowercased())
        else { return quoted(text.string) }
        return text.string
    }

    private static func quoted(_ text: String) -> String { JSONValue.text(text).json }
}
