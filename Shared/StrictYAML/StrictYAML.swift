package import StrictJSON

/// The one reader of YAML: files that people write, as the tree that a JSON document would give.
///
/// It reads the part of YAML 1.2 on which all readers agree. Plain `true`, `false`, `null`, `~`, nothing at all and
/// whole numbers in their plain spelling are what they look like; everything else is text, so `no`, `012`, `0x1F`,
/// `1.5`, `1e3` and `2026-01-01` are the characters of the file. Anchors, aliases, tags, directives, merge keys, names
/// that occur twice or are no text, a second document, control characters and the line breaks of YAML 1.1 are refused.
package enum StrictYAML {
    /// Reads one document; an empty one is `null`.
    ///
    /// JSON is YAML, and what is JSON is read by the reader of JSON, which knows escapes that YAML does not.
    ///
    /// - Parameters:
    ///   - bytes: the file.
    ///   - limits: its largest size and depth.
    /// - Returns: the document.
    /// - Throws: the first thing that is wrong, with its place.
    package static func parse(_ bytes: [UInt8], limits: JSONLimits = .message) throws(YAMLError) -> JSONValue {
        if bytes.count > limits.maxBytes { throw YAMLError(.tooLarge, line: 1, column: 1) }
        try CharacterCheck.check(bytes)
        if let value = try json(bytes, limits) { return value }
        try YAMLTokens.refuseForbidden(in: bytes, maxDepth: limits.maxDepth)
        var composer = YAMLComposer(maxDepth: limits.maxDepth)
        return try composer.document(bytes)
    }

    /// The document if it is JSON; an error if it is JSON that could be read in two ways.
    private static func json(_ bytes: [UInt8], _ limits: JSONLimits) throws(YAMLError) -> JSONValue? {
        let blanks = Array(" \t\r\n".utf8)
        guard bytes.first(where: { !blanks.contains($0) }) == UInt8(ascii: "{") else { return nil }
        let failure: JSONError
        do {
            return try JSONValue(parsing: bytes, limits: limits)
        } catch {
            failure = error
        }
        guard case .ambiguous(let ambiguity) = failure.kind else { return nil }
        let reason: YAMLError.Reason =
            switch ambiguity {
            case .duplicateName: .duplicateName
            case .controlInName: .controlInName
            case .tooDeep: .tooDeep
            case .tooLarge: .tooLarge
            case .caseVariant, .loneSurrogate, .numberOutOfRange, .notAnObject, .notCanonical: .syntax(failure.reason)
            }
        let (line, column) = CharacterCheck.place(of: failure.offset, in: bytes)
        throw YAMLError(reason, line: line, column: column)
    }
}
