package import Contract
package import Database

/// The signatures that were accepted: each opens the door once, after a restart too.
package enum NonceStore {
    /// How long a nonce stays after its signature has expired, in seconds, should the clock be set back.
    private static let grace = 600

    /// Remembers a signature whose time and key were found good.
    ///
    /// - Parameters:
    ///   - claim: the signature.
    ///   - now: seconds since 1970.
    ///   - transaction: where; the request may be acted on once it is committed.
    /// - Throws: `SignatureRefusal.replayed` if it was seen before.
    package static func spend(_ claim: ClaimedSignature, now: Int, in transaction: SQLTransaction) throws {
        try transaction.execute("DELETE FROM nonce WHERE expires_at < ?", [.integer(now - grace)])
        let added = try transaction.execute(
            "INSERT INTO nonce (keyid, nonce, expires_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            [.text(claim.keyid), .text(claim.nonce), .integer(claim.expires)]
        )
        guard added == 1 else { throw SignatureRefusal.replayed }
    }
}
