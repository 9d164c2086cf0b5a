internal import Database
internal import TransparencyLog

/// Whose log it is, as the agent was enrolled.
struct StoredAgent: Sendable {
    let id: String
    let key: VerifyingKey
    /// The pseudonym of the person that the agent works for.
    let sub: String
    let isRevoked: Bool

    /// Whether the key of the agent of this id is revoked; nil if the id is unknown.
    static func isRevoked(_ id: String, in view: some SQLReading) throws -> Bool? {
        try view.first("SELECT revoked_at FROM agent WHERE agent_id = ?", [.text(id)])
            .map { try $0.optionalInteger("revoked_at") != nil }
    }

    /// The agent of this id, or nil.
    static func find(_ id: String, in view: some SQLReading) throws -> StoredAgent? {
        let row = try view.first("SELECT sub, public_key, revoked_at FROM agent WHERE agent_id = ?", [.text(id)])
        guard let row else { return nil }
        guard let key = VerifyingKey(try row.blob("public_key")) else {
            throw AuditSinkError.damaged("the public key of an agent")
        }
        return StoredAgent(
            id: id,
            key: key,
            sub: try row.text("sub"),
            isRevoked: try row.optionalInteger("revoked_at") != nil
        )
    }
}
