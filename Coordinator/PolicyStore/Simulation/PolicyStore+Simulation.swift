internal import AuditLog
internal import AuditSink
internal import Bytes
package import Contract
internal import Database
internal import People
internal import Policy
internal import PolicyFile
package import Rights
internal import StrictJSON

extension PolicyStore {
    /// Begins to try a draft on the calls on record; nothing is changed.
    ///
    /// - Parameters:
    ///   - draft: the file, which must be good, tests included.
    ///   - choice: which calls.
    ///   - permit: who asks.
    /// - Returns: what `run` says what would become of the calls.
    /// - Throws: `Refused`: `policy_refused`, `unknown_user`, `replay_busy`.
    package func simulation(
        of draft: [UInt8],
        on choice: ReplayChoice,
        for permit: Permit<Right.ReadRecords>
    ) async throws -> Simulation {
        let file = try await parsed(draft)
        let (rules, world, sub) = try await database.read { view in
            let sub = try choice.user.map { try self.sub(of: $0, in: view) }
            let rules = try self.rules(of: file, in: view)
            return (rules, try self.world(under: file, rules, in: view), sub)
        }
        let reading = try records.begin(RecordedCalls.Choice(choice, sub: sub))
        return Simulation(rules, on: choice, reading, world)
    }

    /// A file that is good, read beside the requests that others wait for.
    func parsed(_ bytes: [UInt8]) async throws -> PolicyFile {
        let parsed = await bench.work { Result { () throws(PolicyRefusal) in try PolicyFile(parsing: bytes) } }
        do {
            return try parsed.get()
        } catch {
            throw Refused.policyRefused(error)
        }
    }

    func sub(of user: String, in view: some SQLReading) throws -> String {
        guard let email = EmailAddress(user), let person = try people.person(email: email, in: view) else {
            throw Refused.unknownUser(user)
        }
        return person.sub
    }

    /// The rules of a file that is not applied: a person whom it names first has no pseudonym yet, and no calls on record.
    func rules(of file: PolicyFile, in view: some SQLReading) throws -> PolicyRules {
        var pseudonyms: [EmailAddress: String] = [:]
        for email in file.people {
            pseudonyms[email] = try people.person(email: email, in: view)?.sub ?? Self.nobody(email)
        }
        do {
            return try file.rules(pseudonyms: pseudonyms)
        } catch {
            throw Refused.policyRefused(error)
        }
    }

    /// Who everybody is under a policy, and which servers there are.
    func world(under file: PolicyFile, _ rules: PolicyRules, in view: some SQLReading) throws -> Simulation.World {
        var bindings: [String: Binding] = [:]
        // Of the others there are no records.
        try view.each("SELECT sub, email FROM person WHERE sub IN (SELECT sub FROM agent)", []) { row in
            let sub = try row.text("sub")
            guard let email = EmailAddress(try row.text("email")) else { return true }
            let groups = try Groups.of(sub, in: view)
            bindings[sub] = Self.binding(sub: sub, email: email, groups: groups, under: file)
            return true
        }
        var aliases: [JSONText: JSONText] = [:]
        try view.each("SELECT alias FROM server", []) { row in
            let alias = JSONText(try row.text("alias"))
            aliases[RecordName.hash(of: alias)] = alias
            return true
        }
        return Simulation.World(
            bindings: bindings,
            aliases: aliases,
            hints: try KnownHints(for: rules, in: view)
        )
    }

    /// Who a person is under a policy that need not be in force.
    static func binding(sub: String, email: EmailAddress, groups: [JSONText], under file: PolicyFile) -> Binding {
        Binding(
            sub: JSONText(sub),
            user: email.text,
            groups: groups,
            roles: file.memberships(of: email, groups: groups)
        )
    }

    /// The pseudonym of somebody who has none yet.
    static func nobody(_ email: EmailAddress) -> String { "nobody-\(email.text)" }
}

extension RecordedCalls.Choice {
    init(_ choice: ReplayChoice, sub: String?) {
        self.init(
            from: Int64(choice.since.microseconds),
            to: Int64(choice.until.microseconds),
            sub: sub,
            server: choice.server.map { JSONText($0) }
        )
    }
}
