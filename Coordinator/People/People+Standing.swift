internal import AuditSink
internal import Contract
package import Database

extension People {
    /// Who a caller is now, for the transaction in which something is changed on the caller's behalf.
    ///
    /// Between the proof and the change the caller's machine or token may have been taken away, or its role lowered:
    /// the order of the commits decides what was done before.
    ///
    /// - Parameters:
    ///   - caller: as proven.
    ///   - right: what the caller needs.
    ///   - view: the transaction.
    /// - Returns: the caller with the present role and scopes.
    /// - Throws: a `Refused` if the caller is no longer proven, or does not have the right.
    package func standing(_ caller: Caller, for right: Right, in view: some SQLReading) throws -> Caller {
        let role = try person(sub: caller.sub, in: view)?.role
        let proof: Caller.Proof
        switch caller.proof {
        case .machine(let id):
            let row = try view.first("SELECT revoked_at FROM agent WHERE agent_id = ?", [.text(id)])
            guard let row else { throw SignatureRefusal.unknownKey }
            guard try row.optionalInteger("revoked_at") == nil else { throw try log.revocation(of: id, in: view) }
            guard role != nil else { throw SignatureRefusal.unknownKey }
            proof = caller.proof
        case .token(let id, _, let expires):
            let row = try view.first("SELECT scopes FROM token WHERE id = ?", [.text(id)])
            guard let row, clock.seconds < expires, role != nil else { throw Refused.badToken }
            proof = .token(id: id, scopes: APIToken.scopes(try row.text("scopes")), expires: expires)
        }
        let standing = Caller(sub: caller.sub, email: caller.email, role: role ?? .member, proof: proof)
        try standing.require(right)
        return standing
    }

    /// Who a caller is now, when its request has taken its time to arrive.
    package func standing(_ caller: Caller, for right: Right) async throws -> Caller {
        try await database.read { view in try standing(caller, for: right, in: view) }
    }

    /// What a caller's makings go back to, and end with.
    struct Origin: Sendable {
        /// The caller's machine, or the one that made its token.
        var machine: String?
        /// The caller's token.
        var token: String?
        /// When the token ends, in seconds since 1970.
        var expires = Int.max
    }

    func origin(of caller: Caller, in view: some SQLReading) throws -> Origin {
        switch caller.proof {
        case .machine(let id): return Origin(machine: id)
        case .token(let id, _, let end):
            let row = try view.first("SELECT machine FROM token WHERE id = ?", [.text(id)])
            // Looked at again: it may have been removed since it opened the door, and with it all that it made.
            guard let row else { throw Refused.badToken }
            return Origin(machine: try row.optionalText("machine"), token: id, expires: end)
        }
    }

    /// Refuses a change for which a higher role than the caller's is needed.
    static func refuse(above role: Role?, _ caller: Caller) throws {
        guard let role, role > caller.role else { return }
        throw Refused.roleNeeded(role, has: caller.role)
    }
}
