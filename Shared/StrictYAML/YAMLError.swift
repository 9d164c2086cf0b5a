/// Why a text is not taken, and where: line and column count from 1, the column in characters.
///
/// It never repeats the contents.
package struct YAMLError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was wrong, for code to decide on.
    package enum Reason: Hashable, Sendable {
        /// Malformed YAML; the message is the parser's, which never quotes the text.
        case syntax(String)
        case badUTF8, byteOrderMark, controlCharacter, foreignLineBreak
        case tooLarge, tooDeep
        case anchor, alias, tag, directive, mergeKey, severalDocuments
        case duplicateName, controlInName, nameNotText
    }

    package let reason: Reason
    package let line: Int
    package let column: Int

    init(_ reason: Reason, line: Int, column: Int) {
        self.reason = reason
        self.line = line
        self.column = column
    }

    /// What was wrong, as a message.
    package var why: String {
        switch reason {
        case .syntax(let words): words
        case .badUTF8: "the bytes are not UTF-8"
        case .byteOrderMark: "a byte order mark stands here"
        case .controlCharacter: "a control character stands here"
        case .foreignLineBreak: "a line break stands here that some readers take for one and others do not"
        case .tooLarge: "the file is too large"
        case .tooDeep: "lists and maps are nested too deeply"
        case .anchor: "anchors are not read"
        case .alias: "aliases are not read: write the value out"
        case .tag: "tags are not read"
        case .directive: "directives are not read"
        case .mergeKey: "merge keys are not read: write the members out"
        case .severalDocuments: "a second document begins here, and a file has one"
        case .duplicateName: "this name occurs twice"
        case .controlInName: "a name holds a control character"
        case .nameNotText: "a name must be text: put it into quotes"
        }
    }

    /// `line:column`.
    package var place: String { "\(line):\(column)" }

    package var description: String { "\(place): \(why)" }
}
