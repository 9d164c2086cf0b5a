package import StrictJSON

/// The text of a signed note that holds one canonical JSON document: its origin, then the document, a line each.
package enum SignedDocument {
    /// The text to sign; throws `JSONError` if the document has no canonical spelling.
    package static func text(_ json: JSONValue, origin: String) throws(JSONError) -> [UInt8] {
        var text = Array("\(origin)\n".utf8)
        text += try json.canonicalBytes()
        text.append(UInt8(ascii: "\n"))
        return text
    }

    /// The document in a text whose signature was verified, or nil if it is not canonical or of another origin.
    ///
    /// The origin tells apart what one key signs: a binding must never be taken for a bundle.
    package static func json(
        text: some Collection<UInt8>,
        origin: String,
        limits: JSONLimits = .bundle
    ) -> JSONValue? {
        let start = Array("\(origin)\n".utf8)
        guard text.starts(with: start), text.count > start.count + 1 else { return nil }
        let bytes = Array(text.dropFirst(start.count))
        // Canonical JSON has no line feed, so there is one line and nothing behind it.
        guard bytes.last == UInt8(ascii: "\n") else { return nil }
        return try? JSONValue(canonical: Array(bytes.dropLast()), limits: limits)
    }
}
