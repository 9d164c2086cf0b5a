package import Contract
internal import StrictJSON

extension Refused {
    /// The invitation is spent, has expired or was never one: the answer does not say which of them.
    package static let tokenSpent = Refused(
        "token_spent",
        "The one-time token was used before, has expired, or is none of this coordinator's.",
        next: "Ask an administrator for a new one: doorward admin invite EMAIL"
    )

    static func badLife(_ seconds: ClosedRange<Int>) -> Refused {
        malformed(
            ShapeError("expires_in", "must be \(seconds.lowerBound) to \(seconds.upperBound) seconds"),
            code: "invalid_request"
        )
    }

    static let badTokenName = malformed(
        ShapeError("name", "must be 1 to 64 of A-Z, a-z, 0-9, ., _ and -"),
        code: "invalid_request"
    )

    /// What was sent at `place` is not an e-mail address.
    package static func badEmail(at place: String) -> Refused {
        malformed(
            ShapeError(place, "must be an e-mail address of ASCII characters"),
            code: "invalid_request"
        )
    }

    static let noScope = malformed(
        ShapeError("scopes", "must name at least one scope"),
        code: "invalid_request"
    )

    static let nameTaken = Refused(
        "name_taken",
        "A token of this name exists already.",
        next: "Choose another name, or remove that token: doorward admin tokens remove NAME"
    )

    static func tooMany(_ what: String, most: Int, next: String) -> Refused {
        Refused(
            "too_many",
            "One person has at most \(most) \(what).",
            next: next
        )
    }

    static let unknownInvitation = Refused(
        "unknown_invitation",
        "No invitation has this id.",
        next: "See which there are: doorward admin invite list"
    )

    static func spent(by agent: String) -> Refused {
        Refused(
            "invitation_spent",
            "The machine \(agent) has come in with this invitation.",
            next: "Take its key away: doorward admin agents revoke \(agent)"
        )
    }

    static let unknownUser = Refused(
        "unknown_user",
        "Nobody has this id or e-mail address.",
        next: "See who there is: doorward admin users"
    )

    static let notInvited = Refused(
        "not_invited",
        "The policy names this person, and nobody has invited him: so he has no role.",
        next: "Invite him: doorward admin invite EMAIL --role ROLE"
    )

    static let lastOwner = Refused(
        "last_owner",
        "This is the last owner who has a machine, and only an owner can make another one.",
        next: "Invite another owner first: doorward admin invite EMAIL --role owner"
    )

    static let unknownToken = Refused(
        "unknown_token",
        "You have no token of this name.",
        next: "See which there are: doorward admin tokens list"
    )
}
