internal import AuditLog
internal import AuditSink
internal import Bytes
internal import Contract
internal import StrictJSON
internal import TransparencyLog

/// A bundle of rules under the coordinator's signature.
struct SignedBundle {
    /// How long a bundle is in force, in seconds: seven days.
    static let life = 7 * 86_400
    /// How long before its signing it is valid already, so that an agent whose clock is slow takes it at once.
    private static let skew = 300

    let digest: String
    let note: String
    /// Seconds since 1970.
    let signedAt: Int
    let expiresAt: Int

    init(version: Int, rules: JSONValue, key: CoordinatorKey, now: Int) throws {
        let bundle = try PolicyBundle(
            version: version,
            rules: rules,
            notBefore: UTCTime(seconds: now - Self.skew),
            expires: UTCTime(seconds: now + Self.life)
        )
        let origin = key.names.bundle
        let text = try SignedDocument.text(bundle.json, origin: origin)
        digest = bundle.digest
        note = String(decoding: try Note.sign(text, name: origin, key: key.signing).bytes, as: UTF8.self)
        signedAt = now
        expiresAt = now + Self.life
    }
}
