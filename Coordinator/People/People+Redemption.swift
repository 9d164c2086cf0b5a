internal import AuditSink
internal import Contract
package import Database
internal import Policy
internal import Rights
internal import StrictJSON
internal import TransparencyLog

/// How an invitation is used.
extension People {
    /// For how long after an enrolment the same machine hears the same answer again, in seconds.
    static let repetition = 600

    /// What an invitation opens, for the transaction in which the machine is enrolled.
    package enum Redemption: Sendable {
        /// It is good: the machine of this person may come in, and `spend` must follow.
        case open(Invitation, Person)
        /// This machine has used it before, so lately that it may not have heard the answer.
        case spent(agentID: String)
    }

    /// Looks an invitation up by what a machine sent, `dwi1.SECRET`, and gives its person the role.
    ///
    /// - Throws: `Refused.tokenSpent` for one that is unknown, has expired or was spent a while ago, all alike, and for one whose maker has not
    ///   the rights any more that the person has come to have.
    package func redeem(proof: String, in transaction: SQLTransaction) throws -> Redemption {
        let invitation = try good(proof: proof, in: transaction)
        if let agent = invitation.spentBy { return .spent(agentID: agent) }
        guard let email = EmailAddress(invitation.email) else { throw Refused.tokenSpent }
        let person = try known(email, in: transaction)
        if let maker = invitation.createdBy {
            // Asked again: since then the person may have risen, and the holder of the token would act as that person.
            guard let role = try self.person(sub: maker, in: transaction)?.role,
                try mayMake(invitation, as: maker, role, in: transaction),
                // What a locked machine has made lets nobody in either: it may be the thief's way back.
                try Lock.find(sub: maker, machine: invitation.machine, in: transaction) == nil
            else { throw Refused.tokenSpent }
        }
        let raised = try raise(
            person,
            to: invitation.role,
            by: invitation.createdBy ?? "coordinator",
            from: Origin(machine: invitation.machine, token: invitation.token),
            in: transaction
        )
        return .open(invitation, raised)
    }

    /// Looks at an invitation as `redeem` does, without a turn to write: strangers can ask as often as they like, and
    /// no change waits behind them.
    ///
    /// - Returns: the machine that has used it just now; nil for one that is open.
    /// - Throws: `Refused.tokenSpent`, as `redeem`.
    package func look(proof: String, in view: some SQLReading) throws -> String? {
        try good(proof: proof, in: view).spentBy
    }

    /// The invitation of what a machine sent, if it opens something or has just opened it.
    private func good(proof: String, in view: some SQLReading) throws -> Invitation {
        guard let secret = EnrolmentToken.secret(proof: proof),
            let row = try view.first("\(Self.invitations) WHERE secret_hash = ?", [.blob(Hash.of(secret).bytes)])
        else { throw Refused.tokenSpent }
        let invitation = try Invitation(row)
        let end: Int
        if invitation.spentBy != nil {
            let spentAt = try row.optionalInteger("spent_at") ?? 0
            end = min(spentAt + Self.repetition, invitation.expiresAt)
        } else {
            end = invitation.endedAt == nil ? invitation.expiresAt : 0
        }
        guard clock.seconds < end else { throw Refused.tokenSpent }
        return invitation
    }

    /// Marks an invitation as used by this machine, whose row is there already.
    package func spend(_ invitation: Invitation, by agent: String, in transaction: SQLTransaction) throws {
        let changed = try transaction.execute(
            """
            UPDATE invitation SET spent_at = ?, spent_by = ? WHERE id = ? AND spent_by IS NULL AND ended_at IS NULL
            """,
            [.integer(clock.seconds), .text(agent), .text(invitation.id)]
        )
        guard changed == 1 else { throw Refused.tokenSpent }
    }
}
