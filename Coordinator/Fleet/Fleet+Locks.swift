internal import AuditSink
internal import Contract
internal import Database
internal import People
package import Rights
internal import ServiceKit
internal import StrictJSON

extension Fleet {
    /// Locks a machine: from the commit on it passes no call, once it has heard of it, and nothing that goes back to it opens
    /// anything at the coordinator.
    ///
    /// An agent that is online hears of it at once; one that is offline when it is online again. It goes on shipping its
    /// records.
    ///
    /// - Parameters:
    ///   - id: the machine; one that is locked already stays so, for the new reason.
    ///   - why: for those who look at it later.
    ///   - permit: who does it; not to the machine of a person with a higher role, and not to the one that asks.
    /// - Returns: the machine.
    /// - Throws: `Refused`: `unknown_agent`, `role_needed`, `own_lock`, `invalid_request`.
    package func lock(_ id: String, why: String?, by permit: Permit<Right.RevokeMachines>) async throws -> AgentSummary
    {
        try People.check(why: why)
        return try await change(id, by: permit) { agent, caller, transaction in
            guard try origin(of: caller, in: transaction) != agent.id else { throw Refused.ownLock }
            try transaction.execute(
                "UPDATE agent SET locked_at = COALESCE(locked_at, ?), locked_why = ? WHERE agent_id = ?",
                [.integer(clock.seconds), .text(why), .text(agent.id)]
            )
        }
    }

    /// Takes the lock off a machine; nothing happens where there is none.
    ///
    /// - Parameters:
    ///   - id: the machine.
    ///   - permit: who does it; not to the machine of a person with a higher role.
    /// - Returns: the machine.
    /// - Throws: `Refused`: `unknown_agent`, `role_needed`.
    package func unlock(_ id: String, by permit: Permit<Right.RevokeMachines>) async throws -> AgentSummary {
        try await change(id, by: permit) { agent, _, transaction in
            try transaction.execute(
                "UPDATE agent SET locked_at = NULL, locked_why = NULL WHERE agent_id = ?",
                [.text(agent.id)]
            )
        }
    }

    /// The machine that a caller is, or that its token or session goes back to.
    private func origin(of caller: Caller, in view: some SQLReading) throws -> String? {
        switch caller.proof {
        case .machine(let id): id
        case .token(let id, _, _):
            try view.first("SELECT machine FROM token WHERE id = ?", [.text(id)])?.optionalText("machine")
        case .session(let id, _):
            try view.first("SELECT machine FROM browser_session WHERE id = ?", [.text(id)])?.optionalText("machine")
        }
    }

    private func change(
        _ id: String,
        by permit: Permit<Right.RevokeMachines>,
        _ change: @escaping @Sendable (StoredAgent, Caller, SQLTransaction) throws -> Void
    ) async throws -> AgentSummary {
        try await database.write { transaction in
            let caller = try log.standing(permit, at: clock.seconds, in: transaction).caller
            guard let agent = try StoredAgent.find(id: id, in: transaction) else { throw Refused.unknownAgent }
            if let role = try people.person(sub: agent.sub, in: transaction)?.role, role > caller.role {
                throw Refused.roleNeeded(role, has: caller.role)
            }
            try change(agent, caller, transaction)
            let changed = try summary(of: id, in: transaction)
            guard changed.lock != agent.lock else { return changed }
            try log.state(
                JSONText("agents/\(id)/lock"),
                before: try agent.lock.map { StatedText(try $0.stated.canonicalBytes()) },
                after: try changed.lock.map { StatedText(try $0.stated.canonicalBytes()) },
                by: caller.sub,
                at: clock.wall(),
                in: transaction
            )
            try revisions.raisePerson(sub: agent.sub, in: transaction)
            return changed
        }
    }
}
