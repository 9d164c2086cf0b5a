internal import Bytes
internal import Crypto
internal import StrictJSON

/// What of a request a signature covers, as it came in.
package struct SignedHead: Sendable {
    package var method: String
    /// As in the request line, without the query.
    package var path: String
    /// What follows the question mark, empty without one.
    package var query: String
    /// Every value of each of the four headers: more than one of any is refused, not joined.
    package var signatureInput: [String]
    package var signature: [String]
    package var contentDigest: [String]
    package var audience: [String]

    /// The head of a request.
    package init(
        method: String,
        path: String,
        query: String,
        signatureInput: [String],
        signature: [String],
        contentDigest: [String],
        audience: [String]
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.signatureInput = signatureInput
        self.signature = signature
        self.contentDigest = contentDigest
        self.audience = audience
    }

    /// Whether the request claims to be signed at all.
    package var isSigned: Bool { !signatureInput.isEmpty || !signature.isEmpty }
}

/// Judges signed requests in the order that leaks and costs least; pure.
///
/// `claim` reads the form, `ClaimedSignature.verify` judges time and signature before any body is read, then the
/// caller remembers the nonce (durably, for `nonceLife`), then `checkBody` compares the body.
package struct RequestVerifier: Sendable {
    /// How long a nonce must be remembered, in seconds.
    package static let nonceLife = SignatureProfile.nonceLife

    private let audience: String

    /// A verifier for the coordinator with this organisation log.
    package init(audience: String) { self.audience = audience }

    /// What the request claims; nothing of it is proven yet.
    package func claim(_ head: SignedHead) throws(SignatureRefusal) -> ClaimedSignature {
        guard head.isSigned else { throw .unsigned }
        guard head.signatureInput.count == 1, head.signature.count == 1 else { throw .badSignature }
        guard head.audience.count <= 1 else { throw .badSignature }
        // As bytes: two texts that Swift holds for equal need not be.
        guard let named = head.audience.first, named.utf8.elementsEqual(audience.utf8) else { throw .wrongAudience }
        guard head.contentDigest.count == 1, let digest = Self.digest(head.contentDigest[0]) else { throw .badDigest }
        guard let input = SignatureInput(head.signatureInput[0]),
            let signature = Self.member(head.signature[0], label: input.label).flatMap({ Self.byteSequence($0) }),
            signature.count == 64
        else { throw .badSignature }
        let base = SignatureProfile.base(
            method: head.method,
            path: head.path,
            query: head.query,
            digest: head.contentDigest[0],
            audience: audience,
            parameters: input.parameters
        )
        return ClaimedSignature(
            keyid: input.keyid,
            nonce: input.nonce,
            created: input.created,
            expires: input.expires,
            base: base,
            signature: signature,
            digest: digest
        )
    }

    private static func digest(_ header: String) -> [UInt8]? {
        guard header.hasPrefix("sha-256="), let bytes = byteSequence(header.dropFirst(8)), bytes.count == 32 else {
            return nil
        }
        return bytes
    }

    private static func member(_ header: String, label: String) -> Substring? {
        guard header.hasPrefix("\(label)=") else { return nil }
        return header.dropFirst(label.count + 1)
    }

    private static func byteSequence(_ text: Substring) -> [UInt8]? {
        guard text.utf8.count > 2, text.hasPrefix(":"), text.hasSuffix(":") else { return nil }
        return Base64.decodeStandard(text.dropFirst().dropLast().utf8)
    }
}

/// A signature whose form is right.
package struct ClaimedSignature: Sendable {
    /// The fingerprint of the key that is said to have signed.
    package let keyid: String
    /// What makes the signature unique for its key.
    package let nonce: String
    package let created: Int
    package let expires: Int
    let base: [UInt8]
    let signature: [UInt8]
    let digest: [UInt8]

    /// Judges time, then the signature.
    ///
    /// - Parameters:
    ///   - publicKey: The 32 bytes of the key with the fingerprint `keyid`.
    ///   - now: Seconds since 1970.
    /// - Throws: The reason to refuse the request.
    package func verify(publicKey: [UInt8], now: Int) throws(SignatureRefusal) {
        guard created <= now + SignatureProfile.skew else { throw .notYetValid }
        guard now <= expires else { throw .expired }
        guard KeyFingerprint.of(publicKey: publicKey).utf8.elementsEqual(keyid.utf8) else { throw .unknownKey }
        guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: publicKey),
            key.isValidSignature(signature, for: base)
        else { throw .badSignature }
    }

    /// Compares the body with the digest that was signed.
    package func checkBody(_ body: [UInt8]) throws(SignatureRefusal) {
        guard SHA256.hash(data: body).elementsEqual(digest) else { throw .badDigest }
    }
}
