internal import Contract
package import Database
internal import Policy
package import Rights
internal import StrictJSON

extension People {
    // MARK: Roles

    /// Gives a person another role.
    ///
    /// A lower one takes from the person's tokens and invitations what it may not give any more, and the invitations
    /// that would raise the person again.
    ///
    /// - Parameters:
    ///   - role: the new role, not above the caller's own.
    ///   - id: the person's pseudonym or e-mail address.
    ///   - expectation: what is believed of the person; nil: whatever it is.
    ///   - permit: who does it; not to a person with a higher role.
    /// - Returns: the person, and what was taken away.
    /// - Throws: `Refused`: `unknown_user`, `not_invited`, `role_needed`, `last_owner`, `precondition_failed`.
    package func setRole(
        _ role: Role,
        of id: String,
        expecting expectation: Expectation? = nil,
        by permit: Permit<Right.EditPeople>
    ) async throws -> (Person, Ended) {
        try await database.write { transaction in
            let caller = try standing(permit, in: transaction).caller
            guard let person = try person(id: id, in: transaction), person.removedAt == nil else {
                throw Refused.unknownUser
            }
            try expectation?.check(person.tag)
            guard let former = person.role else { throw Refused.notInvited }
            try Self.refuse(above: max(former, role), caller)
            if former == .owner, role != former { try requireOwner(beside: person, in: transaction) }
            let origin = try origin(of: caller, in: transaction)
            let changed = try store(role, of: person, by: caller.sub, from: origin, in: transaction)
            guard role != former else { return (person, Ended()) }
            try revisions.raisePerson(sub: person.sub, in: transaction)
            guard role < former else { return (changed, Ended()) }
            return (changed, try lower(changed, to: role, by: caller, in: transaction))
        }
    }

    private func lower(
        _ person: Person,
        to role: Role,
        by caller: Caller,
        in transaction: SQLTransaction
    ) throws -> Ended {
        var withdrawal = Withdrawal(people: self, who: caller.sub, transaction: transaction)
        for invitation in try open("email = ?", person.email, in: transaction) where invitation.role > role {
            try Self.refuse(above: invitation.role, caller)
            try withdrawal.end(invitation)
        }
        for invitation in try open("created_by = ?", person.sub, in: transaction)
        where try !mayMake(invitation, as: person.sub, role, in: transaction) {
            try withdrawal.end(invitation)
        }
        for token in try tokens(of: person.sub, in: transaction) {
            let kept: Set<Scope> =
                role < Right.editTokens.role ? [] : token.scopes.filter { $0.lowestRole <= role }
            guard kept != token.scopes else { continue }
            guard !kept.isEmpty else {
                try withdrawal.end(tokensWhere: "id = ?", token.id)
                continue
            }
            let cut = token.with(scopes: kept)
            try transaction.execute(
                "UPDATE token SET scopes = ? WHERE id = ?",
                [.text(cut.scopeText), .text(token.id)]
            )
            try state("tokens/\(token.id)", before: token.stated, after: cut.stated, by: caller.sub, in: transaction)
        }
        return try withdrawal.finish(.keep, by: caller)
    }

    // MARK: Removing

    /// Removes a person: the person's machines, tokens, and the invitations by and for the person, in one transaction.
    ///
    /// The pseudonym stays, since records name it. The person can be invited again.
    ///
    /// - Parameters:
    ///   - id: the person's pseudonym or e-mail address; a person who was removed already stays so.
    ///   - enrolled: what happens to the machines of others that came in with the person's invitations.
    ///   - expectation: what is believed of the person; nil: whatever it is.
    ///   - permit: who does it; not to a person with a higher role.
    /// - Returns: the person, and what was taken away.
    /// - Throws: `Refused`: `unknown_user`, `role_needed`, `last_owner`, `precondition_failed`.
    package func remove(
        _ id: String,
        enrolled: EnrolledMachines = .keep,
        expecting expectation: Expectation? = nil,
        by permit: Permit<Right.EditPeople>
    ) async throws -> (Person, Ended) {
        try await database.write { transaction in
            let caller = try standing(permit, in: transaction).caller
            guard let person = try person(id: id, in: transaction) else { throw Refused.unknownUser }
            try expectation?.check(person.tag)
            try Self.refuse(above: person.role, caller)
            if person.role == .owner { try requireOwner(beside: person, in: transaction) }
            var withdrawal = Withdrawal(people: self, who: caller.sub, transaction: transaction)
            withdrawal.include(personsInvitations: person.sub)
            if person.removedAt == nil {
                for invitation in try open("email = ?", person.email, in: transaction) {
                    try Self.refuse(above: invitation.role, caller)
                    try withdrawal.end(invitation)
                }
                try withdrawal.end(machinesOf: person.sub)
                try withdrawal.end(tokensWhere: "sub = ? AND made_with IS NULL", person.sub)
                try withdrawal.end(invitationsWhere: "created_by = ?", person.sub)
                // Nobody who comes back finds an old browser signed in, and the account at the provider is one like others.
                try transaction.execute("DELETE FROM identity WHERE sub = ?", [.text(person.sub)])
                try transaction.execute(
                    "DELETE FROM group_member WHERE sub = ? AND source = 'provider'",
                    [.text(person.sub)]
                )
                try transaction.execute("DELETE FROM browser_session WHERE sub = ?", [.text(person.sub)])
                try transaction.execute("DELETE FROM sign_in_link WHERE email = ?", [.text(person.email)])
                try transaction.execute(
                    "UPDATE person SET role = NULL, given_role = NULL, removed_at = ? WHERE sub = ?",
                    [.integer(clock.seconds), .text(person.sub)]
                )
                let before = person.role.map { ["role": .text($0.rawValue)] as JSONValue } ?? .object([:])
                try state("people/\(person.sub)", before: before, after: nil, by: caller.sub, in: transaction)
            }
            return (person, try withdrawal.finish(enrolled, by: caller))
        }
    }

    /// Refuses to take the last owner who could do anything: no person could make another one.
    private func requireOwner(beside person: Person, in view: some SQLReading) throws {
        let row = try view.first(
            """
            SELECT sub FROM person WHERE role = 'owner' AND sub <> ?
                AND EXISTS (SELECT 1 FROM agent WHERE agent.sub = person.sub AND agent.revoked_at IS NULL)
            """,
            [.text(person.sub)]
        )
        guard row != nil else { throw Refused.lastOwner }
    }

    // MARK: Machines

    /// Takes a machine's key away with everything that it made, or finds what it left where that was done before.
    ///
    /// - Parameters:
    ///   - id: the machine.
    ///   - why: as its leaf says it.
    ///   - enrolled: what happens to the machines that came in with its invitations.
    ///   - caller: who does it, and may.
    ///   - transaction: where.
    /// - Returns: what was taken away.
    /// - Throws: what the database throws.
    package func end(
        machine id: String,
        _ why: KeyEnd,
        enrolled: EnrolledMachines = .keep,
        by caller: Caller,
        in transaction: SQLTransaction
    ) throws -> Ended {
        var withdrawal = Withdrawal(people: self, who: caller.sub, transaction: transaction)
        try withdrawal.end(machine: id, why)
        return try withdrawal.finish(enrolled, by: caller)
    }
}
