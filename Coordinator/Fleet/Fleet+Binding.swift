internal import Database
internal import People
internal import Policy
internal import PolicyFile
internal import PolicyStore
internal import StrictJSON

/// Who the person of a machine is, as the machine is told.
extension Fleet {
    /// How long a binding says who a person is whom the identity provider names, in seconds: longer than that nobody goes on
    /// unheard of.
    private static let providedLife = 86_400

    /// What a person is by the policy; with a machine, as that one is told.
    func binding(
        of person: Person,
        _ policy: AppliedPolicy,
        at machine: String? = nil,
        in view: some SQLReading
    ) throws -> Binding {
        let groups = try Groups.of(person.sub, in: view)
        let roles = EmailAddress(person.email).map { policy.file.memberships(of: $0, groups: groups) } ?? []
        // Only where a rule asks for it: agents of earlier releases take a binding without it.
        let isAsked = policy.rules.requirements.contains { $0.obligations.recentLogin != nil }
        return Binding(
            sub: JSONText(person.sub),
            user: person.email,
            groups: groups,
            roles: roles,
            signedIn: isAsked ? try machine.flatMap { try signedIn(person, at: $0, in: view) } : nil
        )
    }

    /// When a person has proven itself last: at the identity provider, or by enrolling this machine.
    private func signedIn(_ person: Person, at machine: String, in view: some SQLReading) throws -> Int? {
        let row = try view.first(
            """
            SELECT max(ifnull(person.signed_in_at, 0), agent.enrolled_at) AS signed_in FROM person
            JOIN agent ON agent.agent_id = ? WHERE person.sub = ? AND agent.sub = person.sub
            """,
            [.text(machine), .text(person.sub)]
        )
        return try row?.integer("signed_in")
    }

    /// How long a binding says who this person is, in seconds.
    func life(of person: Person, in view: some SQLReading) throws -> Int {
        let isProvided = try view.first("SELECT 1 FROM identity WHERE sub = ?", [.text(person.sub)]) != nil
        return isProvided ? Self.providedLife : Self.bindingLife
    }
}
