/// The parameters of a `Bearer` challenge in `WWW-Authenticate` (RFC 9110, 11.6.1; RFC 6750, 3; RFC 9728, 5.1).
struct BearerChallenge: Sendable, Equatable {
    /// Where the protected resource's metadata is.
    let resourceMetadata: String?
    let scopes: [String]
    let error: String?

    /// Reads the first `Bearer` challenge among header values; nil where there is none that is well-formed.
    init?(_ values: [String]) {
        for value in values where value.utf8.count <= 8192 {
            if let parameters = Self.parameters(of: Array(value.utf8)[...]) {
                resourceMetadata = parameters["resource_metadata"]
                scopes = (parameters["scope"] ?? "").split(separator: " ").map(String.init)
                error = parameters["error"]
                return
            }
        }
        return nil
    }

    private static func parameters(of value: ArraySlice<UInt8>) -> [String: String]? {
        var rest = value.drop(while: isBlank)
        guard String(decoding: rest.prefix(6), as: UTF8.self).lowercased() == "bearer" else { return nil }
        rest = rest.dropFirst(6)
        guard rest.isEmpty || rest.first.map(isBlank) == true else { return nil }
        var found: [String: String] = [:]
        while true {
            rest = rest.drop { isBlank($0) || $0 == UInt8(ascii: ",") }
            let name = rest.prefix { $0 != UInt8(ascii: "=") && $0 != UInt8(ascii: ",") && !isBlank($0) }
            rest = rest[name.endIndex...].drop(while: isBlank)
            // A word without a value begins the next challenge.
            guard !name.isEmpty, rest.first == UInt8(ascii: "=") else { return found }
            rest = rest.dropFirst().drop(while: isBlank)
            guard let text = takeValue(&rest) else { return nil }
            let key = String(decoding: name, as: UTF8.self).lowercased()
            guard found.updateValue(text, forKey: key) == nil else { return nil }
        }
    }

    /// A token, or a quoted string without its quotes.
    private static func takeValue(_ rest: inout ArraySlice<UInt8>) -> String? {
        guard rest.first == UInt8(ascii: "\"") else {
            let token = rest.prefix { $0 != UInt8(ascii: ",") && !isBlank($0) }
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
