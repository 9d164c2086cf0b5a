internal import Contract
internal import Database
internal import HTTPTypes
internal import People
internal import Policy
internal import Rights
internal import ServiceKit
internal import StrictJSON

/// `/v1/invitations`: what lets a person's machine in, once.
struct InvitationsRoutes: Sendable {
    let people: People
    let clock: MachineClock

    /// How long an invitation lasts if the caller does not say it, in seconds.
    private static let usualLife = 86_400

    var operations: [Operation] {
        [
            Operation(
                "GET",
                "/v1/invitations",
                for: Right.ReadPeople.self,
                query: Paging.fields.union(["state", "email"])
            ) { call, permit in
                var filter = People.InvitationFilter()
                filter.state = try call.word("state", InvitationState.self)
                filter.email = call.query["email"]
                let page = try await people.invitations(filter, try call.page(), for: permit)
                return try .list("invitations", page) { invitation in json(invitation).tagged(try invitation.tag) }
            },
            Operation("GET", "/v1/invitations/{id}", for: Right.ReadPeople.self) { call, permit in
                let invitation = try await people.invitation(call.parameters[0], for: permit)
                return .tagged(json(invitation), try invitation.tag)
            },
            Operation("POST", "/v1/invitations", for: Right.Invite.self) { call, permit in
                let question = try call.document { reader in
                    (
                        email: try reader.text("email"),
                        role: try reader.optionalWord("role", Role.self) ?? .member,
                        seconds: try reader.optionalInt("expires_in") ?? Self.usualLife
                    )
                }
                guard let email = EmailAddress(question.email) else { throw Refused.badEmail(at: "email") }
                let issued = try await people.invite(
                    email,
                    role: question.role,
                    seconds: question.seconds,
                    by: permit
                )
                return .tagged(issued.json, try issued.invitation.tag, status: .created)
            }.making(),
            Operation("DELETE", "/v1/invitations/{id}", for: Right.Invite.self) { call, permit in
                let invitation = try await people.withdraw(
                    invitation: call.parameters[0],
                    expecting: try call.expectation(),
                    by: permit
                )
                return .json(json(invitation))
            },
        ]
    }

    private func json(_ invitation: Invitation) -> JSONValue {
        invitation.json(now: Int(clock.wall() / 1_000_000))
    }
}
