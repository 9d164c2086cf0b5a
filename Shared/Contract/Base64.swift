/// Base64 in the two forms that the contract uses, both read strictly: one text for each sequence of bytes.
package enum Base64 {
    /// RFC 4648 section 5 without padding: tokens, keys, digests, fingerprints.
    package static func url(_ bytes: some Sequence<UInt8>) -> String {
        String(decoding: encode(bytes, urlAlphabet), as: UTF8.self)
    }

    /// RFC 4648 section 4 with padding: what RFC 8941 puts between colons.
    package static func padded(_ bytes: some Sequence<UInt8>) -> String {
        var text = encode(bytes, standardAlphabet)
        while !text.count.isMultiple(of: 4) { text.append(UInt8(ascii: "=")) }
        return String(decoding: text, as: UTF8.self)
    }

    /// The bytes of an unpadded text, or nil if it is not exactly what `url` would write.
    package static func bytes(url text: some Sequence<UInt8>) -> [UInt8]? {
        decode(Array(text), urlAlphabet)
    }

    /// The bytes of an unpadded text, or nil if it is not exactly what `url` would write.
    package static func bytes(url text: String) -> [UInt8]? {
        decode(Array(text.utf8), urlAlphabet)
    }

    /// The bytes of a padded text, or nil if it is not exactly what `padded` would write.
    package static func bytes(padded text: String) -> [UInt8]? {
        var symbols = Array(text.utf8)
        guard symbols.count.isMultiple(of: 4) else { return nil }
        var padding = 0
        while padding < 2, symbols.last == UInt8(ascii: "=") {
            symbols.removeLast()
            padding += 1
        }
        guard let bytes = decode(symbols, standardAlphabet), (symbols.count + padding).isMultiple(of: 4) else {
            return nil
        }
        return bytes
    }

    private static let urlAlphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
    private static let standardAlphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    private static func encode(_ bytes: some Sequence<UInt8>, _ alphabet: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        var bits: UInt32 = 0
        var count: UInt32 = 0
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            count += 8
            while count >= 6 {
                count -= 6
                text.append(alphabet[Int(bits >> count & 63)])
            }
        }
        if count > 0 { text.append(alphabet[Int(bits << (6 - count) & 63)]) }
        return text
    }

    private static func decode(_ symbols: [UInt8], _ alphabet: [UInt8]) -> [UInt8]? {
        var bytes: [UInt8] = []
        var bits: UInt32 = 0
        var count: UInt32 = 0
        for symbol in symbols {
            guard let value = alphabet.firstIndex(of: symbol) else { return nil }
            bits = bits << 6 | UInt32(value)
            count += 6
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(bits >> count & 255))
            }
        }
        // Left-over bits would give several texts for the same bytes: they must be zero, and fewer than a symbol.
        guard count < 6, bits & (1 << count - 1) == 0 else { return nil }
        return bytes
    }
}
