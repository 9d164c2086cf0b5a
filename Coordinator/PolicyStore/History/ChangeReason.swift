internal import Contract

/// Why somebody changes a policy, in that person's own words: one line, or the message of a commit.
package struct ChangeReason: Sendable, Equatable {
    package let text: String

    /// The longest, in bytes.
    package static let longest = 4096

    /// Reads a reason; blank lines around it are left out.
    ///
    /// - Parameter text: what the author says.
    /// - Throws: `Refused`, `invalid_reason`: for one that is empty, too long, or has control characters.
    package init(_ text: String) throws {
        let blank: (Unicode.Scalar) -> Bool = { $0 == " " || $0 == "\n" || $0 == "\t" || $0 == "\r" }
        let scalars = text.unicodeScalars
        let start = scalars.firstIndex { !blank($0) } ?? scalars.endIndex
        let end = scalars.lastIndex { !blank($0) }.map { scalars.index(after: $0) } ?? start
        let words = String(scalars[start..<end]).replacing("\r\n", with: "\n")
        guard (1...Self.longest).contains(words.utf8.count),
            words.unicodeScalars.allSatisfy({ $0 == "\n" || $0 == "\t" || $0.properties.generalCategory != .control })
        else { throw Refused.badReason }
        self.text = words
    }
}

extension Refused {
    static let badReason = Refused(
        "invalid_reason",
        "A reason is 1 to \(ChangeReason.longest) bytes of text, without control characters.",
        next: "Say why in a few sentences, or leave the reason out."
    )
}
