internal import AuditSink
internal import Contract
package import Database
package import Policy
package import Rights
internal import StrictJSON
internal import TransparencyLog

extension People {
    /// How long an invitation may last, in seconds.
    package static let invitationLife = 1...(30 * 86_400)
    /// How many open invitations one person may have made: they end in one transaction with the person.
    static let mostInvitations = 2_000

    /// The invitation of the first owner, which the coordinator makes when it is made itself.
    package func inviteOwner(_ email: EmailAddress, seconds: Int = 86_400) async throws -> IssuedInvitation {
        try await issue(email, role: .owner, seconds: seconds, by: nil)
    }

    /// Invites a person to enrol a machine.
    ///
    /// - Parameters:
    ///   - email: for whom.
    ///   - role: what the person is to be; a person who is more already stays that.
    ///   - seconds: how long the invitation opens; one that is made with a token ends with that one, by time as well.
    ///   - permit: who invites. Only an owner can invite a person who is there already and does not have a lower role:
    ///     the holder of the invitation acts as that person.
    /// - Returns: the invitation with its secret.
    /// - Throws: `Refused`.
    package func invite(
        _ email: EmailAddress,
        role: Role,
        seconds: Int,
        by permit: Permit<Right.Invite>
    ) async throws -> IssuedInvitation {
        try await issue(email, role: role, seconds: seconds, by: permit)
    }

    private func issue(
        _ email: EmailAddress,
        role: Role,
        seconds: Int,
        by permit: Permit<Right.Invite>?
    ) async throws -> IssuedInvitation {
        guard Self.invitationLife.contains(seconds) else { throw Refused.badLife(Self.invitationLife) }
        let secret = random.bytes(16)
        let invitation = try await database.write { transaction in
            let now = try permit.map { try standing($0, in: transaction) }
            return try add(email, role, seconds: seconds, secret: secret, by: now?.caller, in: transaction)
        }
        let token = EnrolmentToken(
            secret: secret,
            keyHash: Hash.of(log.key.publicKey.bytes).bytes,
            authority: authority
        )
        return IssuedInvitation(invitation: invitation, token: token)
    }

    private func add(
        _ email: EmailAddress,
        _ role: Role,
        seconds: Int,
        secret: [UInt8],
        by caller: Caller?,
        in transaction: SQLTransaction
    ) throws -> Invitation {
        var origin = Origin()
        if let caller {
            try Self.refuse(above: role, caller)
            try refuseHigher(email, than: caller, in: transaction)
            try refuseMore(by: caller, in: transaction)
            origin = try self.origin(of: caller, in: transaction)
        }
        let now = clock.seconds
        let invitation = Invitation(
            id: random.id(),
            email: email.text,
            role: role,
            maker: caller,
            origin: origin,
            createdAt: now,
            expiresAt: min(now + seconds, origin.expires)
        )
        try transaction.execute(
            """
            INSERT INTO invitation
                (id, secret_hash, email, role, created_by, created_at, expires_at, machine, token)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                .text(invitation.id), .blob(Hash.of(secret).bytes), .text(invitation.email),
                .text(role.rawValue), .text(invitation.createdBy), .integer(now), .integer(invitation.expiresAt),
                .text(invitation.machine), .text(invitation.token),
            ]
        )
        try state(
            "invitations/\(invitation.id)",
            before: nil,
            after: invitation.stated,
            by: caller?.sub ?? "coordinator",
            in: transaction
        )
        return invitation
    }

    private func refuseHigher(_ email: EmailAddress, than caller: Caller, in view: some SQLReading) throws {
        guard let person = try person(email: email, in: view) else { return }
        guard !Self.mayInvite(person, by: caller.sub, caller.role) else { return }
        throw Refused.roleNeeded(.owner, has: caller.role)
    }

    private func refuseMore(by caller: Caller, in view: some SQLReading) throws {
        let row = try view.first(
            """
            SELECT COUNT(*) AS open FROM invitation
            WHERE created_by = ? AND spent_at IS NULL AND ended_at IS NULL AND expires_at > ?
            """,
            [.text(caller.sub), .integer(clock.seconds)]
        )
        guard try row?.integer("open") ?? 0 < Self.mostInvitations else {
            throw Refused.tooMany(
                "open invitations",
                most: Self.mostInvitations,
                next: "Take some back: doorward admin invite revoke ID"
            )
        }
    }

    /// Whether a person of this pseudonym and role may have made an invitation that is not used yet.
    func mayMake(_ invitation: Invitation, as sub: String, _ role: Role, in view: some SQLReading) throws -> Bool {
        guard role >= Right.invite.role, role >= invitation.role else { return false }
        guard let email = EmailAddress(invitation.email), let person = try person(email: email, in: view) else {
            return true
        }
        return Self.mayInvite(person, by: sub, role)
    }

    /// Whether a caller with this role may let another machine act as this person.
    private static func mayInvite(_ person: Person, by sub: String, _ role: Role) -> Bool {
        role == .owner || person.sub == sub || person.role.map { $0 < role } ?? true
    }

    /// All invitations, newest first.
    package func invitations(for _: Permit<Right.ReadPeople>) async throws -> [Invitation] {
        try await database.read { view in
            try view.rows("\(Self.invitations) ORDER BY invitation.created_at DESC, invitation.id")
                .map { try Invitation($0) }
        }
    }

    /// Which invitations are asked for; nil: any.
    package struct InvitationFilter: Sendable, Equatable {
        package var state: InvitationState?
        /// A part of the e-mail address that it is for.
        package var email: String?

        /// Any of them.
        package init() {}

        fileprivate func conditions(now: Int) -> [Listing.Condition] {
            var conditions: [Listing.Condition] = []
            if let email { conditions.append(.init("instr(invitation.email, lower(?)) > 0", .text(email))) }
            let unused = "spent_at IS NULL AND ended_at IS NULL"
            switch state {
            case .open: conditions.append(.init("\(unused) AND expires_at > ?", .integer(now)))
            case .expired: conditions.append(.init("\(unused) AND expires_at <= ?", .integer(now)))
            case .spent: conditions.append(.init("spent_at IS NOT NULL"))
            case .revoked: conditions.append(.init("ended_at IS NOT NULL"))
            case nil: break
            }
            return conditions
        }
    }

    private static let newestFirst = Listing(
        invitations,
        by: [.init("invitation.created_at", "created_at"), .init("invitation.id", "id")],
        isDescending: true
    )

    /// The invitations that fit, newest first.
    package func invitations(
        _ filter: InvitationFilter,
        _ page: PageRequest,
        for _: Permit<Right.ReadPeople>
    ) async throws -> Page<Invitation> {
        let conditions = filter.conditions(now: clock.seconds)
        return try await database.read { view in
            try Self.newestFirst.page(page, where: conditions, in: view) { try Invitation($0) }
        }
    }

    /// One invitation; throws a `Refused`, `unknown_invitation`.
    package func invitation(_ id: String, for _: Permit<Right.ReadPeople>) async throws -> Invitation {
        guard let found = try await database.read({ view in try invitation(id, in: view) }) else {
            throw Refused.unknownInvitation
        }
        return found
    }

    static let invitations = """
        SELECT invitation.*, person.email AS maker FROM invitation LEFT JOIN person ON person.sub = invitation.created_by
        """

    /// The invitations that fit and are not used yet, also those that have expired.
    func open(_ condition: String, _ value: String, in view: some SQLReading) throws -> [Invitation] {
        try view.rows(
            "\(Self.invitations) WHERE spent_at IS NULL AND ended_at IS NULL AND invitation.\(condition)",
            [.text(value)]
        ).map { try Invitation($0) }
    }

    /// Takes back an invitation that is not used yet.
    ///
    /// - Parameters:
    ///   - id: the invitation; one that was taken back already stays so.
    ///   - expectation: what is believed of it; nil: whatever it is.
    ///   - permit: who does it; a caller cannot take back what a person with a higher role gave.
    /// - Returns: the invitation.
    /// - Throws: `Refused`: `unknown_invitation`, `invitation_spent`, `role_needed`, `precondition_failed`.
    package func withdraw(
        invitation id: String,
        expecting expectation: Expectation? = nil,
        by permit: Permit<Right.Invite>
    ) async throws -> Invitation {
        try await database.write { transaction in
            let caller = try standing(permit, in: transaction).caller
            guard let invitation = try invitation(id, in: transaction) else { throw Refused.unknownInvitation }
            try expectation?.check(invitation.tag)
            if let agent = invitation.spentBy { throw Refused.spent(by: agent) }
            try Self.refuse(above: invitation.role, caller)
            if let maker = invitation.createdBy {
                try Self.refuse(above: try person(sub: maker, in: transaction)?.role, caller)
            }
            guard invitation.endedAt == nil else { return invitation }
            var withdrawal = Withdrawal(people: self, who: caller.sub, transaction: transaction)
            try withdrawal.end(invitation)
            return try self.invitation(id, in: transaction) ?? invitation
        }
    }

    private func invitation(_ id: String, in view: some SQLReading) throws -> Invitation? {
        try view.first("\(Self.invitations) WHERE invitation.id = ?", [.text(id)]).map { try Invitation($0) }
    }
}
