internal import AuditSink
internal import Contract
internal import Database
package import Rights

extension People {
    /// A permit as it is now: `OrgLog.standing`.
    func standing<Kind>(_ permit: Permit<Kind>, in view: some SQLReading) throws -> Permit<Kind> {
        try log.standing(permit, at: clock.seconds, in: view)
    }

    /// Who a caller is now, when its request has taken its time to arrive.
    package func standing(_ caller: Caller) async throws -> Caller {
        try await database.read { view in try log.standing(caller, at: clock.seconds, in: view) }
    }

    /// What a caller's makings go back to, and end with.
    struct Origin: Sendable {
        /// The caller's machine, or the one that made its token, or whose link opened its session.
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
        case .session(let id, _):
            let row = try view.first("SELECT machine FROM browser_session WHERE id = ?", [.text(id)])
            guard let row else { throw Refused.sessionEnded }
            return Origin(machine: try row.optionalText("machine"))
        }
    }

    /// Refuses a change for which a higher role than the caller's is needed.
    static func refuse(above role: Role?, _ caller: Caller) throws {
        guard let role, role > caller.role else { return }
        throw Refused.roleNeeded(role, has: caller.role)
    }
}
