internal import AuditLog
internal import AuditSink
internal import Contract
internal import Database
package import People
internal import ServiceKit
internal import StrictJSON

extension Fleet {
    /// Why a key is revoked, as its leaf says it.
    private enum Reason: String {
        /// The machine itself said so.
        case left
        /// An administrator did, of a machine that is lost.
        case revoked
    }

    /// A machine leaves: from the commit on its key opens nothing, and its log takes no more.
    package func leave(_ caller: Caller) async throws {
        let id = try caller.machine()
        try await database.write { transaction in
            guard let agent = try StoredAgent.find(id: id, in: transaction), !agent.isRevoked else {
                throw SignatureRefusal.revokedKey
            }
            try end(agent, .left, in: transaction)
        }
    }

    /// Takes a machine's key away: from the commit on it opens nothing, and what the machine asks is answered with that.
    ///
    /// What it was told before it still has, until the policy's bundle expires.
    ///
    /// - Parameters:
    ///   - id: the machine; one that is revoked already stays so.
    ///   - caller: who does it. The machine of somebody above him is none of his business.
    /// - Returns: the machine.
    /// - Throws: `Problem`: `unknown_agent`, `role_needed`.
    package func revoke(_ id: String, by caller: Caller) async throws -> AgentSummary {
        try caller.require(.revokeMachines)
        return try await database.write { transaction in
            guard let agent = try StoredAgent.find(id: id, in: transaction) else { throw Problem.unknownAgent }
            if let role = try people.person(sub: agent.sub, in: transaction)?.role, role > caller.role {
                throw Problem.roleNeeded(role, has: caller.role)
            }
            if !agent.isRevoked {
                try end(agent, .revoked, in: transaction)
                let change = OrgLeaf.AdminChange(
                    who: JSONText(caller.sub),
                    what: JSONText("agents/\(id)"),
                    before: .of(try JSONValue.object(["key": .text(agent.keyid)]).canonicalBytes()),
                    after: nil
                )
                try log.append(.adminChange(change), at: clock.wall(), in: transaction)
            }
            guard let row = try transaction.first("\(Self.summaries) WHERE agent.agent_id = ?", [.text(id)]) else {
                throw Problem.unknownAgent
            }
            return try AgentSummary(row)
        }
    }

    private func end(_ agent: StoredAgent, _ reason: Reason, in transaction: SQLTransaction) throws {
        try transaction.execute(
            "UPDATE agent SET revoked_at = ?, revoked_why = ? WHERE agent_id = ?",
            [.integer(clock.seconds), .text(reason.rawValue), .text(agent.id)]
        )
        try log.append(
            .keyRevoke(agent: JSONText(agent.id), key: agent.keyid, why: JSONText(reason.rawValue)),
            at: clock.wall(),
            in: transaction
        )
        try revisions.raisePerson(sub: agent.sub, in: transaction)
    }
}

extension Problem {
    static let unknownAgent = Problem(
        "unknown_agent",
        status: 404,
        title: "There is no such machine",
        detail: "No machine with this id was ever enrolled.",
        next: "See which there are: doorward admin agents list"
    )
}
