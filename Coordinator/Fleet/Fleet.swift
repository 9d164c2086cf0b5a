internal import AuditLog
package import AuditSink
package import Contract
package import Database
package import Definitions
package import People
package import PolicyStore
package import Registry
package import Rights
package import ServiceKit

/// The enrolled machines: how they come in, prove themselves, learn what is new and leave.
package struct Fleet: Sendable {
    let database: SQLDatabase
    let log: OrgLog
    let revisions: Revisions
    let clock: MachineClock
    let random: Randomness
    let people: People
    let registry: Registry
    let definitions: ToolDefinitions
    let desk: PolicyStore
    let verifier: RequestVerifier
    /// How many requests each machine may make; a token's are counted here too.
    package let pace = RequestPace()

    /// How exactly it is known when a machine was there last, in seconds.
    static let seenResolution = 15

    /// The machines in `database`.
    package init(
        database: SQLDatabase,
        log: OrgLog,
        revisions: Revisions,
        clock: MachineClock,
        people: People,
        registry: Registry,
        definitions: ToolDefinitions,
        desk: PolicyStore,
        random: Randomness = .system
    ) {
        self.database = database
        self.log = log
        self.revisions = revisions
        self.clock = clock
        self.random = random
        self.people = people
        self.registry = registry
        self.definitions = definitions
        self.desk = desk
        verifier = RequestVerifier(audience: log.key.names.audit)
    }

    // MARK: Proving

    /// A request whose signature is valid; its body has still to be compared: `claim.checkBody`.
    package struct Admission: Sendable {
        package let caller: Caller
        package let claim: ClaimedSignature
    }

    /// Judges a signed request before its body is read: form, key, time, signature, revocation, and that it was not
    /// used before.
    ///
    /// - Parameter head: what is signed of the request.
    /// - Returns: who it is, once it is stored that this signature was used.
    /// - Throws: `SignatureRefusal`; the `Refused` `too_many_requests`, and `revoked_key` with the coordinator's signed word for it.
    package func admit(_ head: SignedHead) async throws -> Admission {
        let claim = try verifier.claim(head)
        let found = try await database.read { view in
            try StoredAgent.find(keyid: claim.keyid, in: view).map { agent in
                (agent, try people.person(sub: agent.sub, in: view)?.role)
            }
        }
        guard let (agent, role) = found else { throw SignatureRefusal.unknownKey }
        let now = clock.seconds
        try claim.verify(publicKey: agent.publicKey, now: now)
        try pace.enter(claim.keyid, now: clock.boot())
        // The nonce of an administrator is stored also where there is room for nothing else: who can make room gets in.
        let lane: WriteLane = role.map { $0 >= .admin } == true ? .governing : .ordinary
        let caller = try await database.write(lane: lane) { transaction -> Caller in
            // Looked at again: the order of the commits decides what came before a key was revoked.
            guard let agent = try StoredAgent.find(keyid: claim.keyid, in: transaction),
                let person = try people.person(sub: agent.sub, in: transaction)
            else { throw SignatureRefusal.unknownKey }
            guard !agent.isRevoked else { throw try log.revocation(of: agent.id, in: transaction) }
            guard let role = person.role else { throw SignatureRefusal.unknownKey }
            try NonceStore.spend(claim, now: now, in: transaction)
            if abs(now - agent.lastSeen) >= Self.seenResolution {
                try transaction.execute(
                    "UPDATE agent SET last_seen = ? WHERE agent_id = ?",
                    [.integer(now), .text(agent.id)]
                )
            }
            return Caller(
                sub: person.sub,
                email: person.email,
                role: role,
                proof: .machine(agent.id),
                isLocked: try Lock.find(sub: person.sub, machine: agent.id, in: transaction) != nil
            )
        }
        return Admission(caller: caller, claim: claim)
    }

    // MARK: Looking

    /// Every machine that was ever enrolled, by person and age.
    package func agents(for _: Permit<Right.ReadPeople>) async throws -> [AgentSummary] {
        try await database.read { view in
            try view.rows("\(Self.summaries) ORDER BY person.email, agent.enrolled_at, agent.agent_id")
                .map { try AgentSummary($0, now: clock.seconds) }
        }
    }

    /// Which machines are asked for; nil: any.
    package struct Filter: Sendable, Equatable {
        /// A pseudonym, or a part of an e-mail address.
        package var user: String?
        package var presence: AgentSummary.Presence?
        package var isLocked: Bool?
        package var version: String?

        /// Any machine.
        package init() {}

        fileprivate func conditions(now: Int) -> [Listing.Condition] {
            var conditions: [Listing.Condition] = []
            if let user {
                conditions.append(
                    .init("(agent.sub = ? OR instr(person.email, lower(?)) > 0)", .text(user), .text(user))
                )
            }
            if let version { conditions.append(.init("agent.version = ?", .text(version))) }
            if let isLocked {
                // A machine is locked with its person.
                let sql = "(agent.locked_at IS NOT NULL OR person.locked_at IS NOT NULL) = ?"
                conditions.append(.init(sql, .integer(isLocked ? 1 : 0)))
            }
            let living = "agent.revoked_at IS NULL AND COALESCE(agent.ended_at, 0) < agent.last_seen"
            switch presence {
            case .revoked: conditions.append(.init("agent.revoked_at IS NOT NULL"))
            case .ended:
                conditions.append(.init("agent.revoked_at IS NULL AND COALESCE(agent.ended_at, 0) >= agent.last_seen"))
            case .online:
                conditions.append(.init("\(living) AND agent.last_seen >= ?", .integer(now - AgentSummary.silence)))
            case .silent:
                conditions.append(.init("\(living) AND agent.last_seen < ?", .integer(now - AgentSummary.silence)))
            case nil: break
            }
            return conditions
        }
    }

    private static let byPerson = Listing(
        summaries,
        by: [
            .init("person.email", "email"), .init("agent.enrolled_at", "enrolled_at"),
            .init("agent.agent_id", "agent_id"),
        ]
    )

    /// The machines that fit, by person and age.
    package func agents(
        _ filter: Filter,
        _ page: PageRequest,
        for _: Permit<Right.ReadPeople>
    ) async throws -> Page<AgentSummary> {
        let now = clock.seconds
        return try await database.read { view in
            try Self.byPerson.page(page, where: filter.conditions(now: now), in: view) {
                try AgentSummary($0, now: now)
            }
        }
    }

    /// One machine.
    package func agent(_ id: String, for _: Permit<Right.ReadPeople>) async throws -> AgentSummary {
        try await database.read { view in try summary(of: id, in: view) }
    }

    func summary(of id: String, in view: some SQLReading) throws -> AgentSummary {
        guard let row = try view.first("\(Self.summaries) WHERE agent.agent_id = ?", [.text(id)]) else {
            throw Refused.unknownAgent
        }
        return try AgentSummary(row, now: clock.seconds)
    }

    static let summaries = """
        SELECT agent.*, person.email, person.locked_at AS user_locked_at, agent_log.bytes, agent_cut.below FROM agent
        JOIN person ON person.sub = agent.sub
        LEFT JOIN agent_log ON agent_log.agent_id = agent.agent_id
        LEFT JOIN agent_cut ON agent_cut.agent_id = agent.agent_id
        """
}

extension MachineClock {
    /// Whole seconds since 1970.
    var seconds: Int { Int(wall() / 1_000_000) }
}
