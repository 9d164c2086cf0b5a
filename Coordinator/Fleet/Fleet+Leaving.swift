internal import AuditSink
internal import Contract
internal import Database
package import People
package import Rights

extension Fleet {
    /// A machine leaves: from the commit on its key opens nothing, and its log takes no more.
    ///
    /// What it has made ends with it.
    package func leave(_ machine: CallingMachine) async throws {
        try await database.write { transaction in
            guard let agent = try StoredAgent.find(id: machine.id, in: transaction) else {
                throw SignatureRefusal.unknownKey
            }
            guard !agent.isRevoked else { throw try log.revocation(of: machine.id, in: transaction) }
            _ = try people.end(machine: machine.id, .left, by: machine.caller, in: transaction)
        }
    }

    /// Takes a machine's key away: from the commit on it opens nothing, and what the machine asks is answered with
    /// that.
    ///
    /// The tokens and invitations that it made end with it, and so does what these made. An agent that is online hears
    /// of it at once; one that is offline has what it was told before until the policy's bundle expires.
    ///
    /// - Parameters:
    ///   - id: the machine; one that is revoked already stays so.
    ///   - enrolled: what happens to the machines that came in with its invitations.
    ///   - expectation: what is believed of it; nil: whatever it is.
    ///   - permit: who does it. A caller may not revoke the machine of a person with a higher role.
    /// - Returns: the machine, and what was taken away with it.
    /// - Throws: `Refused`: `unknown_agent`, `role_needed`, `precondition_failed`.
    package func revoke(
        _ id: String,
        enrolled: EnrolledMachines = .keep,
        expecting expectation: Expectation? = nil,
        by permit: Permit<Right.RevokeMachines>
    ) async throws -> (AgentSummary, Ended) {
        try await database.write { transaction in
            let caller = try log.standing(permit, at: clock.seconds, in: transaction).caller
            guard let agent = try StoredAgent.find(id: id, in: transaction) else { throw Refused.unknownAgent }
            if let role = try people.person(sub: agent.sub, in: transaction)?.role, role > caller.role {
                throw Refused.roleNeeded(role, has: caller.role)
            }
            if let expectation { try expectation.check(summary(of: id, in: transaction).tag) }
            let ended = try people.end(machine: id, .revoked, enrolled: enrolled, by: caller, in: transaction)
            return (try summary(of: id, in: transaction), ended)
        }
    }
}

extension Refused {
    static let unknownAgent = Refused(
        "unknown_agent",
        "No machine with this id was ever enrolled.",
        next: "See which there are: doorward admin agents list"
    )
}
