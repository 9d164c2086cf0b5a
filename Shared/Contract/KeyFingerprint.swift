internal import TransparencyLog

/// How keys are named.
package enum KeyFingerprint {
    /// `SHA256:` and base64url of the SHA-256 of the 32 bytes of a public key.
    package static func of(publicKey: [UInt8]) -> String { "SHA256:\(Hash.of(publicKey).base64URL)" }
}
