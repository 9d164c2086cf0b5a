internal import Bytes
internal import StrictJSON
internal import TransparencyLog

/// A proof key for one authorization request (RFC 7636), always by S256.
struct PKCE: Sendable {
    /// 43 characters of 32 random bytes.
    let verifier: String
    let challenge: String

    init(random: [UInt8]) {
        verifier = Base64.url(random)
        challenge = Hash.of(Array(verifier.utf8)).base64URL
    }
}

/// Random bytes for states, verifiers and ids.
enum Randomness {
    static func bytes(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }
}
