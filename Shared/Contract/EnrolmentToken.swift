internal import Bytes
internal import StrictJSON

/// A one-time invitation, as a person carries it from an administrator to the machine.
///
/// `dwi1.SECRET.FINGERPRINT[.CA]`: the secret opens once; the fingerprint and the certificate make the machine trust
/// this coordinator and no other, whatever is on the way between them. Only `dwi1.SECRET` is ever sent.
package struct EnrolmentToken: Sendable, Equatable {
    /// 128 random bits.
    package let secret: [UInt8]
    /// SHA-256 of the coordinator's public key.
    package let keyHash: [UInt8]
    /// The certificate of the coordinator's own CA (DER), where it has one.
    package let authority: [UInt8]?

    package init(secret: [UInt8], keyHash: [UInt8], authority: [UInt8]?) {
        self.secret = secret
        self.keyHash = keyHash
        self.authority = authority
    }

    /// Reads a token; nil if the text is not a token.
    ///
    /// Blanks around it are ignored, as pasting leaves them.
    package init?(_ text: String) {
        let bytes = Array(text.utf8).trimmingBlanks()
        // A certificate of a CA is well below this; more is no token.
        guard bytes.count <= 8192 else { return nil }
        let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3 || parts.count == 4, parts[0].elementsEqual("dwi1".utf8),
            let secret = Base64.decodeURL(parts[1]), secret.count == 16,
            let keyHash = Base64.decodeURL(parts[2]), keyHash.count == 32
        else { return nil }
        self.secret = secret
        self.keyHash = keyHash
        guard parts.count == 4 else {
            authority = nil
            return
        }
        guard let authority = Base64.decodeURL(parts[3]), !authority.isEmpty else { return nil }
        self.authority = authority
    }

    /// The whole token.
    package var text: String {
        let text = "\(proof).\(Base64.url(keyHash))"
        guard let authority else { return text }
        return "\(text).\(Base64.url(authority))"
    }

    /// What is sent to the coordinator.
    package var proof: String { Self.proof(secret: secret) }

    /// The fingerprint of the coordinator's key, as people read it.
    package var keyFingerprint: String { "SHA256:\(Base64.url(keyHash))" }

    /// What is sent for `secret`.
    package static func proof(secret: [UInt8]) -> String { "dwi1.\(Base64.url(secret))" }

    /// The secret in what was sent, or nil if that is not a token.
    package static func secret(proof: String) -> [UInt8]? {
        guard proof.hasPrefix("dwi1."), let secret = Base64.decodeURL(proof.utf8.dropFirst(5)), secret.count == 16
        else { return nil }
        return secret
    }
}

extension EnrolmentToken: CustomStringConvertible, CustomDebugStringConvertible {
    package var description: String { "[enrolment token]" }
    package var debugDescription: String { description }
}

extension [UInt8] {
    fileprivate func trimmingBlanks() -> [UInt8] {
        let blanks = Array(" \t\r\n".utf8)
        let start = firstIndex { !blanks.contains($0) } ?? endIndex
        let end = lastIndex { !blanks.contains($0) } ?? startIndex
        return start <= end && start < endIndex ? Array(self[start...end]) : []
    }
}
