/// Why bytes were not taken for a document, or a value not written as canonical.
///
/// It names a place and a kind and never repeats the contents, so it is safe to show and to log.
package struct JSONError: Error, Hashable, Sendable {
    /// The two ways to be refused: not JSON at all, or JSON that two parsers could read in two ways.
    package enum Kind: Hashable, Sendable {
        case syntax(Syntax)
        case ambiguous(Ambiguity)
    }

    /// What makes bytes something else than JSON (RFC 8259).
    package enum Syntax: Hashable, Sendable {
        case truncated, unexpectedByte, badEscape, badNumber, badUTF8, byteOrderMark, controlCharacter, trailingBytes
    }

    /// What RFC 8259 allows, or leaves open, and this reader refuses.
    package enum Ambiguity: Hashable, Sendable {
        case duplicateName, caseVariant, controlInName, loneSurrogate, numberOutOfRange
        case tooDeep, tooLarge, notAnObject
        /// Outside the restricted form that records and signed documents have.
        case notCanonical(Restriction)
    }

    /// The rules of the canonical form.
    package enum Restriction: Hashable, Sendable {
        case null, notInteger, integerOutOfRange, badName, spelling
    }

    package let kind: Kind
    /// The byte at which it was noticed; 0 where there are no bytes.
    package let offset: Int

    package init(_ kind: Kind, at offset: Int) {
        self.kind = kind
        self.offset = offset
    }

    static func syntax(_ reason: Syntax, at offset: Int) -> JSONError {
        JSONError(.syntax(reason), at: offset)
    }

    static func ambiguous(_ reason: Ambiguity, at offset: Int) -> JSONError {
        JSONError(.ambiguous(reason), at: offset)
    }

    /// Whether it is JSON, but could be read in more than one way: JSON-RPC's -32600 and not -32700.
    package var isAmbiguous: Bool {
        switch kind {
        case .syntax: false
        case .ambiguous: true
        }
    }
}

extension JSONError: CustomStringConvertible {
    package var description: String {
        "byte \(offset): \(reason)"
    }

    /// The kind as text.
    package var reason: String {
        switch kind {
        case .syntax(let syntax): syntax.reason
        case .ambiguous(let ambiguity): ambiguity.reason
        }
    }
}

extension JSONError.Syntax {
    fileprivate var reason: String {
        switch self {
        case .truncated: "the document ends too early"
        case .unexpectedByte: "this is not JSON"
        case .badEscape: "an escape is not one of JSON's"
        case .badNumber: "a number is not spelled as JSON wants it"
        case .badUTF8: "the bytes are not UTF-8"
        case .byteOrderMark: "a byte order mark stands before the document"
        case .controlCharacter: "a control character stands in a string"
        case .trailingBytes: "something follows the document"
        }
    }
}

extension JSONError.Ambiguity {
    fileprivate var reason: String {
        switch self {
        case .duplicateName: "a name occurs twice in one object"
        case .caseVariant: "a name differs from a known one by case alone"
        case .controlInName: "a name holds a control character"
        case .loneSurrogate: "half of a surrogate pair stands alone"
        case .numberOutOfRange: "a number is larger than a double can hold"
        case .tooDeep: "objects and arrays are nested too deeply"
        case .tooLarge: "the document is too large"
        case .notAnObject: "the document is not one object"
        case .notCanonical(let restriction): restriction.reason
        }
    }
}

extension JSONError.Restriction {
    fileprivate var reason: String {
        switch self {
        case .null: "null has no place in the canonical form"
        case .notInteger: "the canonical form has integers only"
        case .integerOutOfRange: "an integer is beyond 2^53 - 1"
        case .badName: "a name is not 1 to 32 of a-z, 0-9 and _"
        case .spelling: "the bytes are not the canonical spelling of their value"
        }
    }
}
