internal import Bytes

/// What a browser brings to a machine whose person has said yes to it: `dwe1.SECRET`, sent in a token's place.
///
/// Unlike a token it opens nothing by itself: the request has to be signed with the key that was said yes to, and brings the
/// proof whose hash the question had.
package enum EnrolmentCode {
    private static let prefix = "dwe1."

    /// What is sent for `secret`.
    package static func proof(secret: [UInt8]) -> String { prefix + Base64.url(secret) }

    /// The secret in what was sent, or nil if that is not a code.
    package static func secret(proof: String) -> [UInt8]? {
        guard proof.hasPrefix(prefix), let secret = Base64.decodeURL(proof.utf8.dropFirst(prefix.utf8.count)),
            secret.count == 16
        else { return nil }
        return secret
    }
}
