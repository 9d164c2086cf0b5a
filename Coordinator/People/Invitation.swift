package import Bytes
package import Contract
internal import Database
package import Rights
package import StrictJSON

/// A one-time invitation, without its secret.
package struct Invitation: Sendable, Equatable {
    package let id: String
    package let email: String
    /// The role that the person gets, unless the person has a higher one.
    package let role: Role
    /// The pseudonym of the person who invited; nil: the coordinator itself, when it was made.
    package let createdBy: String?
    /// The address of the person who made it.
    package let maker: String?
    /// The machine that made it, itself or by a token; it ends with that one.
    package let machine: String?
    /// The token that it was made with.
    let token: String?
    /// Seconds since 1970.
    package let createdAt: Int
    /// Seconds since 1970; from here on it opens nothing.
    package let expiresAt: Int
    /// The machine that used it.
    package let spentBy: String?
    /// When it was taken back, in seconds since 1970.
    package let endedAt: Int?

    /// As `GET /v1/invitations` shows it at `now`, in seconds since 1970.
    package func json(now: Int) -> JSONValue {
        var object: JSONObject = [
            "id": .text(id), "email": .text(email), "role": .text(role.rawValue),
            "state": .text(state(now: now).rawValue),
            "created": .text(UTCTime(seconds: createdAt).shortText), "expires": .text(expires.shortText),
            "made_by": .text(maker ?? "coordinator"),
        ]
        object["made_with"] = machine.map { .text($0) }
        object["agent_id"] = spentBy.map { .text($0) }
        return .object(object)
    }

    /// What it opens at `now`, in seconds since 1970.
    package func state(now: Int) -> InvitationState {
        if spentBy != nil { return .spent }
        if endedAt != nil { return .revoked }
        return now >= expiresAt ? .expired : .open
    }

    /// When it ends.
    package var expires: UTCTime { UTCTime(seconds: expiresAt) }

    /// Names it in this state: an entity tag without its quotation marks.
    package var tag: String {
        get throws {
            try Expectation.tag([
                "invitation": stated, "spent": spentBy.map { .text($0) } ?? .null,
                "ended": endedAt.map { .int($0) } ?? .null,
            ])
        }
    }

    /// What the organisation's log has the digest of.
    var stated: JSONValue {
        ["id": .text(id), "email": .text(email), "role": .text(role.rawValue), "expires": .int(expiresAt)]
    }

    init(_ row: SQLRow) throws {
        id = try row.text("id")
        email = try row.text("email")
        role = try row.optionalText("role").flatMap { Role(rawValue: $0) } ?? .member
        createdBy = try row.optionalText("created_by")
        maker = try row.optionalText("maker")
        machine = try row.optionalText("machine")
        token = try row.optionalText("token")
        createdAt = try row.integer("created_at")
        expiresAt = try row.integer("expires_at")
        spentBy = try row.optionalText("spent_by")
        endedAt = try row.optionalInteger("ended_at")
    }

    init(
        id: String,
        email: String,
        role: Role,
        maker: Caller?,
        origin: People.Origin,
        createdAt: Int,
        expiresAt: Int
    ) {
        self.id = id
        self.email = email
        self.role = role
        createdBy = maker?.sub
        self.maker = maker?.email
        machine = origin.machine
        token = origin.token
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        spentBy = nil
        endedAt = nil
    }
}

/// Whether an invitation opens anything, and why it does not.
package enum InvitationState: String, CaseIterable, Sendable {
    case open, spent, revoked, expired
}

/// A new invitation with its secret, shown once.
package struct IssuedInvitation: Sendable {
    package let invitation: Invitation
    package let token: EnrolmentToken

    /// As `POST /v1/invitations` answers.
    package var json: JSONValue {
        [
            "token": .text(token.text), "id": .text(invitation.id), "email": .text(invitation.email),
            "role": .text(invitation.role.rawValue), "expires": .text(invitation.expires.shortText),
        ]
    }
}
