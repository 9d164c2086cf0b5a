/// The value of `Signature-Input`, read strictly: one signature, the fixed components, each parameter once.
struct SignatureInput {
    let label: String
    /// From the components on, exactly as received: this text is part of what is signed.
    let parameters: String
    let created: Int
    let expires: Int
    let nonce: String
    let keyid: String

    init?(_ header: String) {
        guard header.utf8.count <= 1024, header.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else { return nil }
        guard let equals = header.firstIndex(of: "=") else { return nil }
        let label = header[..<equals]
        guard Self.isLabel(label) else { return nil }
        let parameters = header[header.index(after: equals)...]
        guard parameters.hasPrefix(SignatureProfile.components) else { return nil }

        var found: [Substring: Substring] = [:]
        let rest = parameters.dropFirst(SignatureProfile.components.count)
        // No value may hold a semicolon or a comma (checked below for each), so splitting is exact.
        let pieces = rest.split(separator: ";", omittingEmptySubsequences: false)
        guard let first = pieces.first, first.isEmpty else { return nil }
        for piece in pieces.dropFirst() {
            guard let equals = piece.firstIndex(of: "=") else { return nil }
            let name = piece[..<equals]
            guard found.updateValue(piece[piece.index(after: equals)...], forKey: name) == nil else { return nil }
        }
        guard found.count == 6,
            let created = found["created"].flatMap(Self.integer),
            let expires = found["expires"].flatMap(Self.integer),
            expires > created, expires - created <= SignatureProfile.longestLife,
            let nonce = found["nonce"].flatMap(Self.string), (16...128).contains(nonce.utf8.count),
            nonce.utf8.allSatisfy(Self.isURLSafe),
            let keyid = found["keyid"].flatMap(Self.string), keyid.hasPrefix("SHA256:"), keyid.utf8.count == 50,
            keyid.utf8.dropFirst(7).allSatisfy(Self.isURLSafe),
            found["alg"].flatMap(Self.string) == SignatureProfile.algorithm,
            found["tag"].flatMap(Self.string) == SignatureProfile.tag
        else { return nil }
        self.label = String(label)
        self.parameters = String(parameters)
        self.created = created
        self.expires = expires
        self.nonce = nonce
        self.keyid = keyid
    }

    private static func isLabel(_ text: Substring) -> Bool {
        guard let first = text.utf8.first, isLower(first), text.utf8.count <= 32 else { return false }
        return text.utf8.allSatisfy { isLower($0) || isDigit($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
    }

    private static func integer(_ text: Substring) -> Int? {
        // Ten digits last until the year 2286.
        guard (1...10).contains(text.utf8.count), text.utf8.allSatisfy(isDigit), let value = Int(text) else {
            return nil
        }
        return String(value) == text ? value : nil
    }

    private static func string(_ text: Substring) -> String? {
        guard text.utf8.count >= 2, text.hasPrefix("\""), text.hasSuffix("\"") else { return nil }
        let inner = text.dropFirst().dropLast()
        guard !inner.contains("\""), !inner.contains("\\"), !inner.contains(",") else { return nil }
        return String(inner)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
    private static func isLower(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }

    private static func isURLSafe(_ byte: UInt8) -> Bool {
        isDigit(byte) || isLower(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
            || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
    }
}
