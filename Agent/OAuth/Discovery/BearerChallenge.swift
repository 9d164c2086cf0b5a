/// The parameters of a `Bearer` challenge in `WWW-Authenticate` (RFC 9110, 11.6.1; RFC 6750, 3; RFC 9728, 5.1).
struct BearerChallenge: Sendable, Equatable {
    /// Where the protected resource's metadata is.
    let resourceMetadata: String?
    let scopes: [String]
    let error: String?

    /// Reads the first `Bearer` challenge among header values; nil without a well-formed one.
    init?(_ values: [String]) {
        for value in values where value.utf8.count <= 8192 {
            guard let parameters = ChallengeReader(value).parameters(of: "bearer") else { continue }
            resourceMetadata = parameters["resource_metadata"]
            scopes = ScopeList(parameters["scope"] ?? "").scopes
            error = parameters["error"]
            return
        }
        return nil
    }
}

/// Reads the challenges of one header value, which may be of several schemes.
private struct ChallengeReader {
    private var rest: ArraySlice<UInt8>

    init(_ value: String) {
        rest = Array(value.utf8)[...]
    }

    /// The parameters of the first challenge of a scheme; nil without such a challenge, or if the header is malformed
    /// before its end.
    consuming func parameters(of scheme: String) -> [String: String]? {
        var found: [String: String]?
        while true {
            rest = rest.drop { Self.isBlank($0) || $0 == UInt8(ascii: ",") }
            let word = takeWord()
            if word.isEmpty { return rest.isEmpty ? found : nil }
            rest = rest.drop(while: Self.isBlank)
            guard rest.first == UInt8(ascii: "=") else {
                // A word without a value begins a challenge.
                if found != nil { return found }
                if word == scheme { found = [:] }
                continue
            }
            rest = rest.dropFirst().drop(while: Self.isBlank)
            guard let value = takeValue() else { return nil }
            if found != nil, found?.updateValue(value, forKey: word) != nil { return nil }
        }
    }

    /// In lower case.
    private mutating func takeWord() -> String {
        let word = rest.prefix { $0 != UInt8(ascii: "=") && $0 != UInt8(ascii: ",") && !Self.isBlank($0) }
        rest = rest[word.endIndex...]
        return String(decoding: word, as: UTF8.self).lowercased()
    }

    /// A token, or a quoted string without its quotes.
    private mutating func takeValue() -> String? {
        guard rest.first == UInt8(ascii: "\"") else {
            let token = rest.prefix { $0 != UInt8(ascii: ",") && !Self.isBlank($0) }
            rest = rest[token.endIndex...]
            return String(decoding: token, as: UTF8.self)
        }
        rest = rest.dropFirst()
        var text: [UInt8] = []
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "\""): return String(validating: text, as: UTF8.self)
            case UInt8(ascii: "\\"):
                guard let next = rest.popFirst() else { return nil }
                text.append(next)
            default: text.append(byte)
            }
        }
        return nil
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
}
