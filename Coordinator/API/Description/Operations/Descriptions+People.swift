internal import People
internal import Rights
internal import StrictJSON

extension OperationDescription {
    private static let person: [String: Schema] = [
        "id": .text("[^/\\x00-\\x1f\\x7f]+").about("The id, or the e-mail address.")
    ]
    private static let enrolled: [String: Schema] = [
        "enrolled": .word(EnrolledMachines.self).about("What happens to the machines that came in by it.")
    ]
    private static let lockBody = Content.optional(.closed(["why": .why.optional]))

    /// Users, groups, invitations and tokens.
    static let people: [String: OperationDescription] = [
        "GET /v1/users": .init(
            "The people, by e-mail address.",
            query: page(["role": .role, "email": .field.about("A part of the address."), "locked": .boolean]),
            answer: .page("users", .user)
        ),
        "GET /v1/users/{id}": .init("One person.", path: person, answer: .user),
        "PUT /v1/users/{id}": .init(
            "Gives a person another role; what a lower one may not have goes with it.",
            path: person,
            body: .json(.closed(["role": .role])),
            matching: .possible,
            answer: .all(.user, .ended)
        ),
        "DELETE /v1/users/{id}": .init(
            "Removes a person, with machines, tokens and invitations.",
            path: person,
            query: enrolled,
            matching: .possible,
            answer: .all(.user, .ended)
        ),
        "PUT /v1/users/{id}/lock": .init(
            "Locks a person out until the lock is taken off.",
            path: person,
            body: lockBody,
            answer: .user
        ),
        "DELETE /v1/users/{id}/lock": .init("Takes the lock off a person.", path: person, answer: .user),

        "GET /v1/groups": .init("The groups, by name.", query: page(), answer: .page("groups", .group)),
        "GET /v1/groups/{name}": .init("One group.", answer: .group),
        "PUT /v1/groups/{name}": .init(
            "Says who is in a group; a group that has members already needs If-Match.",
            path: ["name": .name],
            body: .json(.closed(["members": .array(.address, atMost: Groups.mostMembers)])),
            matching: .possible,
            answer: .group
        ),
        "DELETE /v1/groups/{name}": .init(
            "Empties a group, but for those whom the provider names.",
            path: ["name": .name],
            matching: .possible,
            answer: .group
        ),

        "GET /v1/invitations": .init(
            "The invitations, newest first.",
            query: page(["state": .word(InvitationState.self), "email": .field.about("A part of the address.")]),
            answer: .page("invitations", .invitation)
        ),
        "GET /v1/invitations/{id}": .init("One invitation.", answer: .invitation),
        "POST /v1/invitations": .init(
            "Invites a person to enrol a machine; the token is shown once.",
            body: .json(
                .closed([
                    "email": .address, "role": .role.optional,
                    "expires_in": .integer(People.invitationLife).about("Seconds.").optional,
                ])
            ),
            answers: [
                201: .json(
                    .object([
                        "token": .text, "id": .text, "email": .text, "role": .role, "expires": .time, "etag": .tag,
                    ])
                )
            ]
        ),
        "DELETE /v1/invitations/{id}": .init(
            "Takes back an invitation that is not used yet.",
            matching: .possible,
            answer: .invitation
        ),

        "GET /v1/tokens": .init(
            "The caller's tokens; an administrator's rights reach all.",
            query: page(["user": .field.about("An id, or an e-mail address.")]),
            answer: .page("tokens", .token)
        ),
        "POST /v1/tokens": .init(
            "Makes a token with some of its maker's rights; it is shown once.",
            body: .json(
                .closed([
                    "name": .name, "scopes": .array(.word(Scope.self), atLeast: 1),
                    "expires_in": .integer(People.tokenLife).about("Seconds.").optional,
                ])
            ),
            answers: [201: .json(.all(.token, .object(["token": .text])))]
        ),
        "DELETE /v1/tokens/{name}": .init(
            "Removes a token, and all that was made with it.",
            query: enrolled,
            matching: .possible,
            answer: .all(.ended, .object(["name": .text]))
        ),
    ]
}
