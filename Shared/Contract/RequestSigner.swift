internal import Bytes
internal import Crypto

/// Signs the requests of an agent.
package enum RequestSigner {
    /// The headers that make a request this machine's.
    ///
    /// - Parameters:
    ///   - method: The HTTP method.
    ///   - path: As in the request line, without the query.
    ///   - query: What follows the question mark, empty without one.
    ///   - body: The bytes of the body, empty without one.
    ///   - audience: The origin of the coordinator's organisation log.
    ///   - now: Seconds since 1970 as the coordinator's clock has them.
    ///   - nonce: 16 or more random bytes, used once.
    ///   - publicKey: The 32 bytes of the machine's key.
    ///   - signature: Makes the Ed25519 signature of these bytes with that key.
    /// - Returns: Names in lower case, with their values.
    /// - Throws: What `signature` throws.
    package static func sign(
        method: String,
        path: String,
        query: String = "",
        body: [UInt8] = [],
        audience: String,
        now: Int,
        nonce: [UInt8],
        publicKey: [UInt8],
        signature: ([UInt8]) throws -> [UInt8]
    ) throws -> [(name: String, value: String)] {
        let digest = "sha-256=:\(Base64.standard(SHA256.hash(data: body))):"
        let parameters =
            SignatureProfile.components
            + ";created=\(now);expires=\(now + SignatureProfile.longestLife);nonce=\"\(Base64.url(nonce))\""
            + ";keyid=\"\(KeyFingerprint.of(publicKey: publicKey))\";alg=\"\(SignatureProfile.algorithm)\";tag=\"\(SignatureProfile.tag)\""
        let base = SignatureProfile.base(
            method: method,
            path: path,
            query: query,
            digest: digest,
            audience: audience,
            parameters: parameters
        )
        let signature = try signature(base)
        return [
            ("content-digest", digest),
            ("doorward-audience", audience),
            ("signature-input", "\(SignatureProfile.label)=\(parameters)"),
            ("signature", "\(SignatureProfile.label)=:\(Base64.standard(signature)):"),
        ]
    }
}
