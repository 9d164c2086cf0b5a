package import Contract
internal import StrictJSON

extension Problem {
    /// The caller's role is too low.
    package static func roleNeeded(_ role: Role, has: Role) -> Problem {
        Problem(
            "role_needed",
            status: 403,
            title: "Your role does not allow this",
            detail: "This needs the role \(role.rawValue), and yours is \(has.rawValue).",
            next: "Ask somebody with the role \(role.rawValue) to do it, or to invite you to it."
        )
    }

    static func scopeNeeded(_ scopes: Set<Scope>) -> Problem {
        let names = Scope.allCases.filter(scopes.contains).map(\.rawValue).joined(separator: " or ")
        return Problem(
            "scope_needed",
            status: 403,
            title: "The token does not open this",
            detail: "This needs a token of the scope \(names).",
            next: "Make one: doorward admin tokens add NAME --scope SCOPE"
        )
    }

    static let machineNeeded = Problem(
        "machine_needed",
        status: 403,
        title: "This is for machines",
        detail: "Only a request that an enrolled machine has signed is answered here.",
        next: "Run the command on an enrolled machine."
    )

    /// The invitation is spent, has expired or was never one: the answer does not say which of them.
    package static let tokenSpent = Problem(
        "token_spent",
        status: 401,
        title: "The token opens nothing",
        detail: "The one-time token was used before, has expired, or is none of this coordinator's.",
        next: "Ask an administrator for a new one: doorward admin invite EMAIL"
    )

    static let badToken = Problem(
        "bad_token",
        status: 401,
        title: "The token opens nothing",
        detail: "The token is unknown, was removed or has expired.",
        next: "Make a new one: doorward admin tokens add NAME --scope SCOPE"
    )

    static func badLife(_ seconds: ClosedRange<Int>) -> Problem {
        malformed(
            ShapeError("expires_in", "must be \(seconds.lowerBound) to \(seconds.upperBound) seconds"),
            code: "invalid_request",
            what: "The request"
        )
    }

    static let badTokenName = malformed(
        ShapeError("name", "must be 1 to 64 of A-Z, a-z, 0-9, ., _ and -"),
        code: "invalid_request",
        what: "The request"
    )

    /// What was sent at `place` is not an e-mail address.
    package static func badEmail(at place: String) -> Problem {
        malformed(
            ShapeError(place, "must be an e-mail address of ASCII characters"),
            code: "invalid_request",
            what: "The request"
        )
    }

    static let noScope = malformed(
        ShapeError("scopes", "must name at least one scope"),
        code: "invalid_request",
        what: "The request"
    )

    static let nameTaken = Problem(
        "name_taken",
        status: 409,
        title: "There is a token of this name",
        detail: "A token of this name exists already.",
        next: "Choose another name, or remove that token: doorward admin tokens remove NAME"
    )

    static func tooMany(_ what: String, most: Int, next: String) -> Problem {
        Problem(
            "too_many",
            status: 409,
            title: "There are too many of them",
            detail: "One person has at most \(most) \(what).",
            next: next
        )
    }

    static let unknownInvitation = Problem(
        "unknown_invitation",
        status: 404,
        title: "There is no such invitation",
        detail: "No invitation has this id.",
        next: "See which there are: doorward admin invite list"
    )

    static func spent(by agent: String) -> Problem {
        Problem(
            "invitation_spent",
            status: 409,
            title: "The invitation was used",
            detail: "The machine \(agent) has come in with this invitation.",
            next: "Take its key away: doorward admin agents revoke \(agent)"
        )
    }

    static let unknownUser = Problem(
        "unknown_user",
        status: 404,
        title: "There is no such person",
        detail: "Nobody has this id or e-mail address.",
        next: "See who there is: doorward admin users"
    )

    static let notInvited = Problem(
        "not_invited",
        status: 409,
        title: "This person has not come yet",
        detail: "The policy names this person, and nobody has invited him: so he has no role.",
        next: "Invite him: doorward admin invite EMAIL --role ROLE"
    )

    static let lastOwner = Problem(
        "last_owner",
        status: 409,
        title: "There would be no owner",
        detail: "This is the last owner who has a machine, and only an owner can make another one.",
        next: "Invite another owner first: doorward admin invite EMAIL --role owner"
    )

    static let unknownToken = Problem(
        "unknown_token",
        status: 404,
        title: "There is no such token",
        detail: "You have no token of this name.",
        next: "See which there are: doorward admin tokens list"
    )
}
