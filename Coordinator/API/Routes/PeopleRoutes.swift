internal import Contract
internal import HTTPTypes
internal import People
internal import Policy
internal import Rights
internal import ServiceKit
internal import StrictJSON

/// `/v1/users` and `/v1/invitations`.
struct PeopleRoutes: Sendable {
    let people: People
    let clock: MachineClock

    /// How long an invitation lasts if the caller does not say it, in seconds.
    private static let usualLife = 86_400

    var operations: [Operation] {
        [
            Operation("GET", "/v1/users", for: Right.ReadPeople.self) { _, permit in
                let users = try await people.users(for: permit)
                return .json(["users": .array(users.map(\.json))])
            },
            Operation("PUT", "/v1/users/{id}", for: Right.EditPeople.self) { call, permit in
                let role = try call.document { reader in try reader.word("role", Role.self) }
                let (user, ended) = try await people.setRole(role, of: call.parameters[0], by: permit)
                return .json(ended.joined(to: user.json))
            },
            Operation("DELETE", "/v1/users/{id}", for: Right.EditPeople.self, query: ["enrolled"]) { call, permit in
                let (user, ended) = try await people.remove(
                    call.parameters[0],
                    enrolled: try call.word("enrolled", EnrolledMachines.self) ?? .keep,
                    by: permit
                )
                return .json(ended.joined(to: user.json))
            },
            Operation("GET", "/v1/invitations", for: Right.ReadPeople.self) { _, permit in
                let now = Int(clock.wall() / 1_000_000)
                let invitations = try await people.invitations(for: permit)
                return .json(["invitations": .array(invitations.map { $0.json(now: now) })])
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
                let invitation = try await people.invite(
                    email,
                    role: question.role,
                    seconds: question.seconds,
                    by: permit
                )
                return .json(invitation.json, status: .created)
            },
            Operation("DELETE", "/v1/invitations/{id}", for: Right.Invite.self) { call, permit in
                let invitation = try await people.withdraw(invitation: call.parameters[0], by: permit)
                return .json(invitation.json(now: Int(clock.wall() / 1_000_000)))
            },
        ]
    }
}
