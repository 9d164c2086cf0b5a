internal import Bytes
internal import Errors

/// A signed note (c2sp.org/signed-note): lines of text, an empty line, and lines of signatures.
///
/// The first line says what the note is for, its origin; the name of a signature says in which role its key signed, so
/// that one key can sign several kinds of notes and none can pass for another.
package struct Note: Sendable, Equatable {
    /// The signed bytes: UTF-8 without control characters but line feeds, the last byte being one.
    package let text: [UInt8]
    package private(set) var signatures: [Signature]

    /// One signature line.
    package struct Signature: Sendable, Equatable {
        package let name: String
        package let keyID: UInt32
        package let bytes: [UInt8]

        /// The line, with its line feed.
        package var line: String {
            let id = (0..<4).map { UInt8(truncatingIfNeeded: keyID >> (24 - 8 * $0)) }
            return "\u{2014} \(name) \(Base64.standard(id + bytes))\n"
        }
    }

    private init(text: [UInt8], signatures: [Signature]) {
        self.text = text
        self.signatures = signatures
    }

    /// The whole file.
    package var bytes: [UInt8] {
        text + [UInt8(ascii: "\n")] + signatures.flatMap { Array($0.line.utf8) }
    }

    /// The first line.
    package var origin: String {
        String(decoding: text.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }

    /// What follows the first line.
    package var body: [UInt8] {
        Array(text.drop { $0 != UInt8(ascii: "\n") }.dropFirst())
    }
}

// MARK: - Signing

extension Note {
    /// Signs text; a missing last line feed is an error.
    package static func sign(_ text: [UInt8], name: String, key: SigningKey) throws -> Note {
        guard isText(text), isName(name.utf8) else {
            throw LogError(.malformed, "this text or name cannot stand in a note")
        }
        let signature = Signature(
            name: name,
            keyID: key.publicKey.keyID(name: name, .ed25519),
            bytes: try key.signature(for: text)
        )
        return Note(text: text, signatures: [signature])
    }

    /// Signs a document under its origin: the origin's line, the body, a line feed.
    package static func sign(origin: String, body: [UInt8], key: SigningKey) throws -> Note {
        try sign(Array(origin.utf8) + [UInt8(ascii: "\n")] + body + [UInt8(ascii: "\n")], name: origin, key: key)
    }

    /// A witness's signature over the text and the time at which it was seen, in seconds since 1970.
    package func cosignature(name: String, key: SigningKey, time: UInt64) throws -> Signature {
        let stamp = (0..<8).map { UInt8(truncatingIfNeeded: time >> (56 - 8 * $0)) }
        return Signature(
            name: name,
            keyID: key.publicKey.keyID(name: name, .cosignature),
            bytes: stamp + (try key.signature(for: Self.cosigned(text, time: time)))
        )
    }

    /// The note with one more signature line.
    package func adding(_ signature: Signature) -> Note {
        Note(text: text, signatures: signatures + [signature])
    }

    private static func cosigned(_ text: [UInt8], time: UInt64) -> [UInt8] {
        Array("cosignature/v1\ntime \(time)\n".utf8) + text
    }
}

// MARK: - Checking

extension Note {
    /// Whether the text has a signature by this key in this role, and every line that claims to be such a signature is
    /// valid.
    package func isSigned(name: String, key: VerifyingKey) -> Bool {
        let id = key.keyID(name: name, .ed25519)
        let claims = signatures.filter { $0.keyID == id && $0.name.utf8.elementsEqual(name.utf8) }
        return !claims.isEmpty && claims.allSatisfy { key.isSignature($0.bytes, of: text) }
    }

    /// The time of a witness's signature, in seconds since 1970; nil without such a signature, or if one does not fit.
    package func cosignatureTime(name: String, key: VerifyingKey) -> UInt64? {
        let id = key.keyID(name: name, .cosignature)
        var time: UInt64?
        for claim in signatures where claim.keyID == id && claim.name.utf8.elementsEqual(name.utf8) {
            guard claim.bytes.count == 72 else { return nil }
            let stamp = claim.bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
            guard stamp <= UInt64(Int64.max),
                key.isSignature(claim.bytes.dropFirst(8), of: Self.cosigned(text, time: stamp))
            else { return nil }
            time = max(time ?? 0, stamp)
        }
        return time
    }
}

// MARK: - Reading

extension Note {
    /// How large a note may be: a bundle of 1 MiB and its frame.
    package static let maxBytes = 1 << 21
    private static let maxSignatures = 100
    private static let dash = Array("\u{2014} ".utf8)

    /// Reads a note, which must be spelled exactly as `bytes` writes it.
    package init(parsing bytes: some Collection<UInt8>, atMost maxBytes: Int = maxBytes) throws(LogError) {
        let bytes = Array(bytes)
        let malformed = LogError(.malformed, "this is not a signed note")
        guard bytes.count <= maxBytes, let end = Self.endOfText(bytes) else { throw malformed }
        let text = Array(bytes[..<end])
        var signatures: [Signature] = []
        for line in bytes[(end + 1)...].dropLast().split(
            separator: UInt8(ascii: "\n"),
            omittingEmptySubsequences: false
        ) {
            guard signatures.count < Self.maxSignatures, let signature = Signature(line: line) else { throw malformed }
            signatures.append(signature)
        }
        self.init(text: text, signatures: signatures)
        guard Self.isText(text), !signatures.isEmpty, self.bytes == bytes else { throw malformed }
    }

    /// The index of the empty line's line feed: the last one, as signatures are never empty.
    private static func endOfText(_ bytes: [UInt8]) -> Int? {
        guard bytes.last == UInt8(ascii: "\n"), bytes.count > 2 else { return nil }
        return (1..<bytes.count).last { bytes[$0] == UInt8(ascii: "\n") && bytes[$0 - 1] == UInt8(ascii: "\n") }
    }

    private static func isText(_ bytes: [UInt8]) -> Bool {
        bytes.last == UInt8(ascii: "\n")
            && bytes.allSatisfy { $0 == UInt8(ascii: "\n") || $0 >= 0x20 && $0 != 0x7F }
            && String(validating: bytes, as: UTF8.self) != nil
    }

    /// Whether these bytes can be a key's name: as the name of a log, whose key it is, they are printable ASCII.
    fileprivate static func isName(_ name: some Collection<UInt8>) -> Bool {
        !name.isEmpty && name.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "+") }
    }
}

extension Note.Signature {
    /// Reads one signature line, without its line feed; a cosignature arrives so.
    package init?(line: some Collection<UInt8>) {
        let words = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        guard words.count == 3, words[0].elementsEqual("\u{2014}".utf8), Note.isName(words[1]),
            let blob = Base64.decodeStandard(words[2]), blob.count > 4
        else { return nil }
        name = String(decoding: words[1], as: UTF8.self)
        keyID = blob.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
        bytes = Array(blob.dropFirst(4))
    }
}
