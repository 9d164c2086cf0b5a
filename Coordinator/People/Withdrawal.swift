internal import AuditLog
internal import AuditSink
internal import Database
internal import Rights
internal import ServiceKit
internal import StrictJSON

/// Takes machines, tokens and invitations away within one transaction, and with each of them what it has made.
///
/// Each is stated in the organisation's log; what had expired before opens nothing, and goes without a word.
struct Withdrawal {
    let people: People
    /// The pseudonym of who does it.
    let who: String
    let transaction: SQLTransaction
    private(set) var ended = Ended()
    private var origins: [Origin] = []

    /// Where an invitation can come from; the raw value is the column.
    private enum Column: String {
        case machine, token, person = "created_by"

        /// The column of a person whose role comes from there.
        var ofRole: String {
            switch self {
            case .machine: "role_machine"
            case .token: "role_token"
            case .person: "role_by"
            }
        }
    }

    private struct Origin {
        let column: Column
        let id: String
    }

    init(people: People, who: String, transaction: SQLTransaction) {
        self.people = people
        self.who = who
        self.transaction = transaction
    }

    private var now: Int { people.clock.seconds }

    // MARK: Machines

    /// Takes a machine's key away, and what it made; one whose key is gone already is only remembered as an origin.
    mutating func end(machine id: String, _ why: KeyEnd) throws {
        origins.append(Origin(column: .machine, id: id))
        let row = try transaction.first(
            "SELECT sub, keyid FROM agent WHERE agent_id = ? AND revoked_at IS NULL",
            [.text(id)]
        )
        guard let row else { return }
        let keyid = try row.text("keyid")
        try transaction.execute(
            "UPDATE agent SET revoked_at = ?, revoked_why = ? WHERE agent_id = ?",
            [.integer(now), .text(why.rawValue), .text(id)]
        )
        let word = JSONText(why.rawValue)
        try people.log.append(
            .keyRevoke(agent: JSONText(id), key: keyid, why: word),
            at: people.clock.wall(),
            in: transaction
        )
        // A machine that leaves is not a change by an administrator.
        if why != .left { try state("agents/\(id)", before: ["key": .text(keyid)]) }
        // It is told at once, if it waits for news.
        try people.revisions.raisePerson(sub: try row.text("sub"), in: transaction)
        ended.agents.append(id)
        try end(tokensWhere: "machine = ? AND made_with IS NULL", id)
        try end(invitationsWhere: "machine = ?", id)
    }

    /// Takes the keys of all machines of a person away.
    mutating func end(machinesOf sub: String) throws {
        let rows = try transaction.rows(
            "SELECT agent_id FROM agent WHERE sub = ? AND revoked_at IS NULL ORDER BY enrolled_at, agent_id",
            [.text(sub)]
        )
        for row in rows { try end(machine: try row.text("agent_id"), .removed) }
    }

    // MARK: Tokens

    /// Takes tokens away, with all that were made with them and the invitations that any of these made.
    ///
    /// - Parameters:
    ///   - condition: which tokens; none of them was made with another.
    ///   - value: for the condition's question mark.
    ///   - isAsked: that the caller asked for these: then their end is stated though they have expired.
    /// - Throws: what the database throws.
    mutating func end(tokensWhere condition: String, _ value: String, isAsked: Bool = false) throws {
        for token in try transaction.rows(People.family(condition), [.text(value)]).map({ try APIToken($0) }) {
            origins.append(Origin(column: .token, id: token.id))
            try transaction.execute("DELETE FROM token WHERE id = ?", [.text(token.id)])
            if isAsked || token.expiresAt > now { try state("tokens/\(token.id)", before: token.stated) }
            ended.tokens.append(token.name)
            try end(invitationsWhere: "token = ?", token.id)
        }
    }

    // MARK: Invitations

    /// Takes the invitations away that fit and are not used yet.
    mutating func end(invitationsWhere condition: String, _ value: String) throws {
        for invitation in try people.open(condition, value, in: transaction) { try end(invitation) }
    }

    /// Takes one invitation away that is not used yet.
    mutating func end(_ invitation: Invitation) throws {
        try transaction.execute(
            "UPDATE invitation SET ended_at = ? WHERE id = ?",
            [.integer(now), .text(invitation.id)]
        )
        guard invitation.expiresAt > now else { return }
        try state("invitations/\(invitation.id)", before: invitation.stated)
        ended.invitations.append(invitation.id)
    }

    // MARK: What came of it

    /// Remembers that everything which this person made is taken away.
    mutating func include(personsInvitations sub: String) {
        origins.append(Origin(column: .person, id: sub))
    }

    /// Looks for the machines that came in with what was taken away, and takes their keys too if that is asked.
    mutating func finish(_ enrolled: EnrolledMachines, by caller: Caller) throws -> Ended {
        var found = try living()
        if enrolled == .revoke {
            for machine in found where caller.proof != .machine(machine.agentID) {
                // The caller may not act on a person with a higher role.
                guard machine.role.map({ $0 <= caller.role }) ?? true else { continue }
                try end(machine: machine.agentID, .revoked)
            }
            found = try living()
        }
        ended.enrolled = found
        ended.raised = try raised()
        return ended
    }

    private func raised() throws -> [RaisedPerson] {
        var found: [String: Role] = [:]
        for origin in origins {
            let rows = try transaction.rows(
                """
                \(lineage(origin.column))
                SELECT email, role FROM person WHERE role <> 'member'
                    AND (\(origin.column.ofRole) = ? OR role_machine IN (SELECT id FROM lineage))
                """,
                [.text(origin.id), .text(origin.id)]
            )
            for row in rows { found[try row.text("email")] = try row.optionalText("role").flatMap(Role.init) }
        }
        return found.sorted { $0.key < $1.key }.map { RaisedPerson(user: $0.key, role: $0.value) }
    }

    /// The machines that came in with what an origin made, and those that these let in.
    private func lineage(_ column: Column) -> String {
        """
        WITH RECURSIVE lineage (id) AS (
            SELECT spent_by FROM invitation WHERE \(column.rawValue) = ? AND spent_by IS NOT NULL
            UNION
            SELECT invitation.spent_by FROM invitation JOIN lineage ON invitation.machine = lineage.id
                WHERE invitation.spent_by IS NOT NULL
        )
        """
    }

    private func living() throws -> [EnrolledMachine] {
        var found: [String: EnrolledMachine] = [:]
        for origin in origins {
            let rows = try transaction.rows(
                """
                \(lineage(origin.column))
                SELECT \(EnrolledMachine.columns) FROM agent JOIN lineage ON lineage.id = agent.agent_id
                    JOIN person ON person.sub = agent.sub WHERE agent.revoked_at IS NULL
                """,
                [.text(origin.id)]
            )
            for machine in try rows.map({ try EnrolledMachine($0) }) { found[machine.agentID] = machine }
        }
        return found.values.sorted { ($0.enrolledAt, $0.agentID) < ($1.enrolledAt, $1.agentID) }
    }

    private func state(_ what: String, before: JSONValue) throws {
        try people.state(what, before: before, after: nil, by: who, in: transaction)
    }
}
