internal import AuditSink
internal import Contract
package import Database
package import Policy
package import Rights
internal import StrictJSON

/// What the identity provider says about people.
extension People {
    /// Who states a change that the provider has made.
    package static let provider = "provider"

    /// Makes a person a member who comes from the provider, and was invited by nobody.
    package func admit(_ email: EmailAddress, in transaction: SQLTransaction) throws -> Person {
        let person = try known(email, in: transaction)
        guard person.role == nil else { return person }
        return try store(.member, of: person, by: Self.provider, from: Origin(), in: transaction)
    }

    /// Gives a person the role that its groups at the provider have, beside what people have given: the higher one counts.
    ///
    /// A role that a group gave ends with the group; what people gave stays below it.
    ///
    /// - Parameters:
    ///   - role: the highest of the person's groups; nil where none has one.
    ///   - person: who has a role already.
    ///   - transaction: where.
    /// - Returns: the person with the role.
    /// - Throws: what the database throws.
    package func follow(_ role: Role?, of person: Person, in transaction: SQLTransaction) throws -> Person {
        guard let present = person.role else { return person }
        let row = try transaction.first("SELECT given_role FROM person WHERE sub = ?", [.text(person.sub)])
        let given = try row?.optionalText("given_role").flatMap { Role(rawValue: $0) } ?? present
        let wanted = max(given, role ?? given)
        try transaction.execute(
            "UPDATE person SET role = ?, given_role = ? WHERE sub = ?",
            [.text(wanted.rawValue), .text(wanted > given ? given.rawValue : nil), .text(person.sub)]
        )
        guard wanted != present else { return person }
        try state(
            "people/\(person.sub)",
            before: ["role": .text(present.rawValue)],
            after: ["role": .text(wanted.rawValue)],
            by: Self.provider,
            in: transaction
        )
        return try self.person(sub: person.sub, in: transaction) ?? person
    }

    /// Lets go of the people of other providers, or of all where there is none any more: its settings are what an administrator
    /// has changed, and nobody asks about these people.
    ///
    /// Those who were shut out stay so, until an administrator lets them in again.
    ///
    /// - Parameter issuer: of the provider that there is.
    /// - Throws: what the database throws.
    package func letGo(ofProvidersBut issuer: String?) async throws {
        let others = "SELECT sub FROM identity WHERE lapsed_at IS NULL AND issuer <> ?"
        let values: [SQLValue] = [.text(issuer ?? "")]
        guard try await !database.read({ view in try view.rows(others, values) }).isEmpty else { return }
        try await database.write { transaction in
            for row in try transaction.rows(others, values) {
                guard let person = try person(sub: row.text("sub"), in: transaction) else { continue }
                try letGo(person, by: "coordinator", in: transaction)
            }
        }
    }

    /// Takes away what a provider has said of a person: the groups, the role that they gave, and that it is asked.
    func letGo(_ person: Person, by who: String, in transaction: SQLTransaction) throws {
        _ = try follow(nil, of: person, in: transaction)
        try transaction.execute(
            "DELETE FROM group_member WHERE sub = ? AND source = 'provider'",
            [.text(person.sub)]
        )
        try transaction.execute("DELETE FROM identity WHERE sub = ?", [.text(person.sub)])
        try state(
            "people/\(person.sub)/standing",
            before: ["is": "with the provider"],
            after: nil,
            by: who,
            in: transaction
        )
        try revisions.raisePerson(sub: person.sub, in: transaction)
    }

    /// Gives a person another address, as the provider has it; false where somebody else has that.
    package func rename(_ person: Person, to email: EmailAddress, in transaction: SQLTransaction) throws -> Bool {
        guard try self.person(email: email, in: transaction) == nil else { return false }
        try transaction.execute(
            "UPDATE person SET email = ? WHERE sub = ?",
            [.text(email.text), .text(person.sub)]
        )
        try state(
            "people/\(person.sub)/email",
            before: ["email": .text(person.email)],
            after: ["email": .text(email.text)],
            by: Self.provider,
            in: transaction
        )
        return true
    }
}
