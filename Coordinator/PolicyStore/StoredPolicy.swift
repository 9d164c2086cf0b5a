internal import Database
internal import Errors
internal import Policy
internal import PolicyFile
internal import StrictJSON

/// One row of policies.
struct StoredPolicy {
    let version: Int
    let file: [UInt8]
    let rules: [UInt8]
    let digest: String
    let note: [UInt8]
    let signedAt: Int
    let expiresAt: Int

    init(_ row: SQLRow) throws {
        version = try row.integer("version")
        file = try row.blob("file")
        rules = try row.blob("rules")
        digest = try row.text("digest")
        note = try row.blob("note")
        signedAt = try row.integer("signed_at")
        expiresAt = try row.integer("expires_at")
    }

    /// Whether half of the bundle's time is over.
    func isDue(at now: Int) -> Bool { now >= signedAt + (expiresAt - signedAt) / 2 }

    /// The policy, which was good when it was stored.
    func policy() throws -> AppliedPolicy {
        let parsed: PolicyFile
        do {
            parsed = try PolicyFile(stored: file)
        } catch {
            throw PolicyStoreError(
                .unreadable,
                "The policy in force was written for another release: \(error.problems.first?.description ?? "").",
                next: "Apply a policy that this release takes, or go back to the other release."
            )
        }
        return AppliedPolicy(
            version: version,
            file: parsed,
            rules: try PolicyRules(try JSONValue(canonical: rules, limits: .bundle)),
            digest: digest,
            note: String(decoding: note, as: UTF8.self),
            signedAt: signedAt,
            expiresAt: expiresAt
        )
    }
}
