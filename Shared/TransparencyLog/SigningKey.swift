internal import Crypto
internal import Bytes

/// An Ed25519 key that signs.
///
/// Its seed is a secret: it never prints, and leaves only through `seed`, for the keyring.
package struct SigningKey: Sendable, CustomStringConvertible {
    private let key: Curve25519.Signing.PrivateKey

    /// A new random key.
    package init() {
        key = Curve25519.Signing.PrivateKey()
    }

    /// The key of 32 secret bytes; nil if there are not 32.
    package init?(seed: some Collection<UInt8>) {
        guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: Array(seed)) else { return nil }
        self.key = key
    }

    /// The 32 secret bytes.
    package var seed: [UInt8] {
        Array(key.rawRepresentation)
    }

    package var publicKey: VerifyingKey {
        VerifyingKey(key.publicKey)
    }

    /// The 64 bytes of a signature, which may differ from one time to the next: never compare them.
    package func signature(for message: some Collection<UInt8>) throws -> [UInt8] {
        Array(try key.signature(for: Array(message)))
    }

    package var description: String { "[signing key \(publicKey.fingerprint)]" }
}

/// An Ed25519 key that signatures are checked with.
package struct VerifyingKey: Sendable {
    private let key: Curve25519.Signing.PublicKey

    fileprivate init(_ key: Curve25519.Signing.PublicKey) {
        self.key = key
    }

    /// The key of 32 bytes; nil if there are not 32, or they are a key for which anybody can sign.
    package init?(_ bytes: some Collection<UInt8>) {
        let bytes = Array(bytes)
        guard !Self.isWeak(bytes), let key = try? Curve25519.Signing.PublicKey(rawRepresentation: bytes) else {
            return nil
        }
        self.key = key
    }

    /// Whether these bytes are an encoding of a point of small order, or one that RFC 8032 section 5.1.3 does not decode.
    ///
    /// Of the points of order 1, 2, 4 and 8 the y coordinate tells; without the sign of x it has 5 values, of which two
    /// can also be written with p added. What is not below p is no encoding at all.
    private static func isWeak(_ bytes: [UInt8]) -> Bool {
        guard bytes.count == Hash.length else { return true }
        var y = bytes
        y[31] &= 0x7F
        if y[31] == 0x7F, y[1..<31].allSatisfy({ $0 == 0xFF }), y[0] >= 0xED { return true }
        return smallOrders.contains(y)
    }

    private static let smallOrders: Set<[UInt8]> = {
        let middle = [UInt8](repeating: 0, count: 31)
        let eighth: [UInt8] = [
            0x26, 0xE8, 0x95, 0x8F, 0xC2, 0xB2, 0x27, 0xB0, 0x45, 0xC3, 0xF4, 0x89, 0xF2, 0xEF, 0x98, 0xF0,
            0xD5, 0xDF, 0xAC, 0x05, 0xD3, 0xC6, 0x33, 0x39, 0xB1, 0x38, 0x02, 0x88, 0x6D, 0x53, 0xFC, 0x05,
        ]
        // p - y, where p is 2^255 - 19: its bytes are ED, 30 of FF and 7F.
        var borrow = 0
        let other = eighth.enumerated().map { index, byte -> UInt8 in
            let of = index == 0 ? 0xED : index == 31 ? 0x7F : 0xFF
            let difference = of - Int(byte) - borrow
            borrow = difference < 0 ? 1 : 0
            return UInt8(truncatingIfNeeded: difference)
        }
        let minusOne = [0xEC] + [UInt8](repeating: 0xFF, count: 30) + [0x7F]
        return [[0] + middle, [1] + middle, minusOne, eighth, other]
    }()

    /// The key in base64url without padding, as JSON has it.
    package init?(base64URL text: String) {
        guard let bytes = Base64.decodeURL(text.utf8) else { return nil }
        self.init(bytes)
    }

    package var bytes: [UInt8] {
        Array(key.rawRepresentation)
    }

    package var base64URL: String { Base64.url(bytes) }

    /// `SHA256:` and the base64url of the SHA-256 of the 32 bytes.
    package var fingerprint: String {
        "SHA256:" + Hash.of(bytes).base64URL
    }

    package func isSignature(_ signature: some Collection<UInt8>, of message: some Collection<UInt8>) -> Bool {
        key.isValidSignature(Array(signature), for: Array(message))
    }
}

extension VerifyingKey: Hashable {
    package static func == (left: VerifyingKey, right: VerifyingKey) -> Bool {
        left.bytes == right.bytes
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(bytes)
    }
}

extension VerifyingKey {
    /// What a line of a note signs (c2sp.org/signed-note); each kind of signature has its own key ids.
    package enum Algorithm: UInt8, Sendable {
        /// Ed25519 over the text.
        case ed25519 = 0x01
        /// `cosignature/v1` (c2sp.org/tlog-cosignature): a witness's signature with its time.
        case cosignature = 0x04
    }

    /// The 4 bytes by which a note's signature line names this key under a name.
    package func keyID(name: String, _ algorithm: Algorithm) -> UInt32 {
        let digest = Hash.of(Array(name.utf8) + [0x0A, algorithm.rawValue] + bytes)
        return digest.bytes.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// The key with its name as one word (c2sp.org/signed-note, "vkey").
    package func vkey(name: String) -> String {
        let id = String(keyID(name: name, .ed25519), radix: 16)
        let digits = String(repeating: "0", count: 8 - id.count) + id
        return "\(name)+\(digits)+\(Base64.standard([Algorithm.ed25519.rawValue] + bytes))"
    }

    /// Reads what `vkey` wrote; nil for anything else.
    package static func parse(vkey text: some StringProtocol) -> (name: String, key: VerifyingKey)? {
        let parts = text.split(separator: "+", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, let blob = Base64.decodeStandard(parts[2].utf8),
            blob.first == Algorithm.ed25519.rawValue, let key = VerifyingKey(blob.dropFirst())
        else { return nil }
        let name = String(parts[0])
        // Written again it must be the same word: the key id fits, in the one spelling.
        guard key.vkey(name: name).utf8.elementsEqual(text.utf8) else { return nil }
        return (name, key)
    }
}
