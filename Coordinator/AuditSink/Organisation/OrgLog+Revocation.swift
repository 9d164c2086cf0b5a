internal import Bytes
package import Contract
package import Database

extension OrgLog {
    /// What a machine whose key is revoked is answered with: the coordinator's signed word for it.
    ///
    /// - Parameters:
    ///   - agent: the machine; one whose key is good is an error of the caller.
    ///   - view: where its row is.
    /// - Returns: `revoked_key`, with the signed word for it.
    /// - Throws: what the database throws.
    package func revocation(of agent: String, in view: some SQLReading) throws -> Refused {
        let row = try view.first("SELECT keyid, revoked_at FROM agent WHERE agent_id = ?", [.text(agent)])
        guard let row, let time = try row.optionalInteger("revoked_at") else {
            throw AuditSinkError.damaged("the row of a machine whose key is revoked")
        }
        let statement = RevocationStatement(
            agentID: agent,
            key: try row.text("keyid"),
            time: UTCTime(seconds: time)
        )
        return try statement.refusal(signedBy: key.signing, names: key.names)
    }
}
