internal import Contract
package import Database
package import Rights

extension OrgLog {
    /// A permit as it is now, for the transaction in which something is changed by it.
    ///
    /// Between the proof and the change the caller's machine or token may have been taken away, or its role lowered:
    /// the order of the commits decides what was done before.
    ///
    /// - Parameters:
    ///   - permit: as it was given.
    ///   - now: seconds since 1970.
    ///   - view: the transaction.
    /// - Returns: the same right of the caller with the present role and scopes.
    /// - Throws: a `Refused` if the caller is no longer proven, or does not have the right.
    package func standing<Kind>(
        _ permit: Permit<Kind>,
        at now: Int,
        in view: some SQLReading
    ) throws -> Permit<Kind> {
        try standing(permit.caller, at: now, in: view).permit()
    }

    /// Who a caller is now; throws a `Refused` if it is no longer proven.
    package func standing(_ caller: Caller, at now: Int, in view: some SQLReading) throws -> Caller {
        let person = try view.first("SELECT role FROM person WHERE sub = ?", [.text(caller.sub)])
        let role = try person?.optionalText("role").flatMap { Role(rawValue: $0) }
        let proof: Caller.Proof
        let machine: String?
        var byProvider = true
        switch caller.proof {
        case .machine(let id):
            let row = try view.first("SELECT revoked_at FROM agent WHERE agent_id = ?", [.text(id)])
            guard let row else { throw SignatureRefusal.unknownKey }
            guard try row.optionalInteger("revoked_at") == nil else { throw try revocation(of: id, in: view) }
            guard role != nil else { throw SignatureRefusal.unknownKey }
            proof = caller.proof
            machine = id
        case .token(let id, _, let expires):
            let row = try view.first("SELECT scopes, machine FROM token WHERE id = ?", [.text(id)])
            guard let row, now < expires, role != nil else { throw Refused.badToken }
            proof = .token(id: id, scopes: Scope.set(try row.text("scopes")), expires: expires)
            machine = try row.optionalText("machine")
        case .session(let id, _):
            let row = try view.first(
                "SELECT expires_at, machine, how FROM browser_session WHERE id = ?",
                [.text(id)]
            )
            guard let row, try row.integer("expires_at") > now, role != nil else { throw Refused.sessionEnded }
            proof = caller.proof
            machine = try row.optionalText("machine")
            byProvider = try machine != nil || row.text("how") == "provider"
        }
        return Caller(
            sub: caller.sub,
            email: caller.email,
            role: role ?? .member,
            proof: proof,
            isLocked: try Lock.find(sub: caller.sub, machine: machine, byProvider: byProvider, in: view) != nil
        )
    }
}
