internal import StrictJSON

/// The forms that text takes in leaves: each member has one, and no leaf holds free text.
package enum LeafText: Sendable {
    /// 1 to 64 of `a-z`, `0-9` and `-`: an agent's id.
    case agent
    /// 1 to 64 of `A-Z`, `a-z`, `0-9`, `_`, `-`, `.`, `:` and `+`: pseudonyms, reasons, versions.
    case word
    /// At most 256 bytes: names of tools, servers, rules, clients, as records of earlier releases have them.
    case name
    /// 1 to 256 of `A-Z`, `a-z`, `0-9`, `_`, `-`, `.`, `/` and `:`: the names that are written.
    case plainName
    /// 32 of `0-9` and `a-f`.
    case id
    /// 16 bytes in base64url.
    case salt
    /// 32 bytes in base64url.
    case hash
    /// `SHA256:` and 32 bytes in base64url.
    case fingerprint

    /// Whether a text of these bytes has the form.
    package func holds(_ text: some BidirectionalCollection<UInt8>) -> Bool {
        switch self {
        case .agent: (1...64).contains(text.count) && Self.isMade(text, of: Self.agentBytes)
        case .word: (1...64).contains(text.count) && Self.isMade(text, of: Self.wordBytes)
        case .name: text.count <= RecordName.maxBytes
        case .plainName: (1...RecordName.maxBytes).contains(text.count) && Self.isMade(text, of: Self.nameBytes)
        case .id: text.count == 32 && Self.isMade(text, of: Self.hexBytes)
        case .salt: Self.isBase64URL(text, length: 22, spareBits: 4)
        case .hash: Self.isBase64URL(text, length: 43, spareBits: 2)
        case .fingerprint:
            text.count == 50 && text.starts(with: Self.fingerprintStart)
                && Self.isBase64URL(text.dropFirst(Self.fingerprintStart.count), length: 43, spareBits: 2)
        }
    }

    private static func isMade(_ text: some Collection<UInt8>, of alphabet: [UInt8]) -> Bool {
        text.allSatisfy { alphabet[Int($0)] < 0xFF }
    }

    /// As `Base64.decodeURL` would take it, without an array for each: the bits left over are zero.
    private static func isBase64URL(
        _ text: some BidirectionalCollection<UInt8>,
        length: Int,
        spareBits: UInt8
    ) -> Bool {
        guard text.count == length, isMade(text, of: base64Bytes), let last = text.last else { return false }
        return base64Bytes[Int(last)] & (1 << spareBits - 1) == 0
    }

    /// The place of each byte in an alphabet, 0xFF for those outside.
    private static func places(in alphabet: String) -> [UInt8] {
        alphabet.utf8.enumerated().reduce(into: Array(repeating: 0xFF, count: 256)) {
            $0[Int($1.element)] = UInt8($1.offset)
        }
    }

    private static let fingerprintStart = Array("SHA256:".utf8)
    private static let agentBytes = places(in: "abcdefghijklmnopqrstuvwxyz0123456789-")
    private static let wordBytes = places(in: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.:+")
    private static let nameBytes = places(in: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./:")
    private static let hexBytes = places(in: "0123456789abcdef")
    private static let base64Bytes = places(in: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
}
