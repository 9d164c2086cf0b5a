internal import AuditLog
internal import AuditSink
internal import Contract
package import Database
package import Policy
internal import StrictJSON

extension People {
    /// How long an invitation may last, in seconds.
    package static let invitationLife = 1...(30 * 86_400)

    /// For how long after an enrolment the same machine hears the same answer again, in seconds.
    static let repetition = 600

    /// The invitation of the first owner, which the coordinator makes when it is made itself.
    package func inviteOwner(_ email: EmailAddress, seconds: Int = 86_400) async throws -> IssuedInvitation {
        try await issue(email, role: .owner, seconds: seconds, by: nil)
    }

    /// Invites somebody to enrol a machine.
    ///
    /// - Parameters:
    ///   - email: for whom.
    ///   - role: what he is to be; somebody who is more already stays that.
    ///   - seconds: how long the invitation opens.
    ///   - caller: who invites. Only an owner can invite somebody who is there already and not below himself: whoever
    ///     holds the invitation acts as that person.
    /// - Returns: the invitation with its secret.
    /// - Throws: `Problem`.
    package func invite(
        _ email: EmailAddress,
        role: Role,
        seconds: Int,
        by caller: Caller
    ) async throws -> IssuedInvitation {
        try caller.require(.invite)
        guard role <= caller.role else { throw Problem.roleNeeded(role, has: caller.role) }
        return try await issue(email, role: role, seconds: seconds, by: caller)
    }

    private func issue(
        _ email: EmailAddress,
        role: Role,
        seconds: Int,
        by caller: Caller?
    ) async throws -> IssuedInvitation {
        guard Self.invitationLife.contains(seconds) else { throw Problem.badLife(Self.invitationLife) }
        let now = clock.seconds
        let secret = random.bytes(16)
        let invitation = Invitation(
            id: random.id(),
            email: email.text,
            role: role,
            createdBy: caller?.sub,
            createdAt: now,
            expiresAt: now + seconds
        )
        try await database.write { transaction in
            if let caller { try refuseHigher(email, than: caller, in: transaction) }
            try transaction.execute(
                """
                INSERT INTO invitation (id, secret_hash, email, role, created_by, created_at, expires_at)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                """,
                [
                    .text(invitation.id), .blob(Hash.of(secret).bytes), .text(invitation.email),
                    .text(role.rawValue), .text(invitation.createdBy), .integer(now), .integer(invitation.expiresAt),
                ]
            )
            try state(
                "invitations/\(invitation.id)",
                before: nil,
                after: invitation.stated,
                by: caller?.sub ?? "coordinator",
                in: transaction
            )
        }
        let token = EnrolmentToken(
            secret: secret,
            keyHash: Hash.of(log.key.publicKey.bytes).bytes,
            authority: authority
        )
        return IssuedInvitation(invitation: invitation, token: token)
    }

    private func refuseHigher(_ email: EmailAddress, than caller: Caller, in view: some SQLReading) throws {
        guard let person = try person(email: email, in: view) else { return }
        guard !Self.mayInvite(person, by: caller.sub, caller.role) else { return }
        throw Problem.roleNeeded(.owner, has: caller.role)
    }

    /// Whether whoever has this role may let another machine act as this person.
    private static func mayInvite(_ person: Person, by sub: String, _ role: Role) -> Bool {
        role == .owner || person.sub == sub || person.role.map { $0 < role } ?? true
    }

    /// All invitations, newest first.
    package func invitations(for caller: Caller) async throws -> [Invitation] {
        try caller.require(.readPeople)
        return try await database.read { view in
            try view.rows("SELECT * FROM invitation ORDER BY created_at DESC, id").map { try Invitation($0) }
        }
    }

    // MARK: Using one

    /// What an invitation opens, for the transaction in which the machine is enrolled.
    package enum Redemption: Sendable {
        /// It is good: the machine of this person may come in, and `spend` must follow.
        case open(Invitation, Person)
        /// This machine has used it before, so lately that it may not have heard the answer.
        case spent(agentID: String)
    }

    /// Looks an invitation up by what a machine sent, `dwi1.SECRET`, and gives its person the role.
    ///
    /// - Throws: `Problem.tokenSpent` for one that is unknown, has expired or was spent a while ago, all alike, and for one whose maker has not
    ///   the rights any more that the person has come to have.
    package func redeem(proof: String, in transaction: SQLTransaction) throws -> Redemption {
        guard let secret = EnrolmentToken.secret(proof: proof),
            let row = try transaction.first(
                "SELECT * FROM invitation WHERE secret_hash = ?",
                [.blob(Hash.of(secret).bytes)]
            )
        else { throw Problem.tokenSpent }
        let invitation = try Invitation(row)
        if let agent = invitation.spentBy {
            let spentAt = try row.optionalInteger("spent_at") ?? 0
            guard clock.seconds < min(spentAt + Self.repetition, invitation.expiresAt) else {
                throw Problem.tokenSpent
            }
            return .spent(agentID: agent)
        }
        guard clock.seconds < invitation.expiresAt, let email = EmailAddress(invitation.email) else {
            throw Problem.tokenSpent
        }
        let person = try known(email, in: transaction)
        if let maker = invitation.createdBy {
            // Asked again: since then the person may have risen, and whoever holds the token would act as him.
            guard let role = try self.person(sub: maker, in: transaction)?.role, role >= Right.invite.role,
                role >= invitation.role, Self.mayInvite(person, by: maker, role)
            else { throw Problem.tokenSpent }
        }
        let raised = try raise(
            person,
            to: invitation.role,
            by: invitation.createdBy ?? "coordinator",
            in: transaction
        )
        return .open(invitation, raised)
    }

    /// Marks an invitation as used by this machine, whose row is there already.
    package func spend(_ invitation: Invitation, by agent: String, in transaction: SQLTransaction) throws {
        let changed = try transaction.execute(
            "UPDATE invitation SET spent_at = ?, spent_by = ? WHERE id = ? AND spent_by IS NULL",
            [.integer(clock.seconds), .text(agent), .text(invitation.id)]
        )
        guard changed == 1 else { throw Problem.tokenSpent }
    }
}
