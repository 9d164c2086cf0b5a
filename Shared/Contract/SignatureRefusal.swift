/// Why a signed request is not accepted.
///
/// The raw value ends the problem's type.
package enum SignatureRefusal: String, Error, Sendable, CaseIterable {
    case expired
    case notYetValid = "not_yet_valid"
    case unsigned
    case badSignature = "bad_signature"
    case badDigest = "bad_digest"
    case wrongAudience = "wrong_audience"
    case unknownKey = "unknown_key"
    case revokedKey = "revoked_key"
    case replayed

    /// One sentence for people.
    package var detail: String {
        switch self {
        case .expired: "The signature has expired; the machine's clock may be slow."
        case .notYetValid: "The signature was made in the future; the machine's clock may be fast."
        case .unsigned: "The request carries no signature and no token."
        case .badSignature: "The signature is not one of this request in the form that the coordinator accepts."
        case .badDigest: "The body is not the one that was signed."
        case .wrongAudience: "The request was signed for another coordinator."
        case .unknownKey: "No enrolled machine has this key."
        case .revokedKey: "This machine's key was revoked."
        case .replayed: "This signature was used before."
        }
    }
}
