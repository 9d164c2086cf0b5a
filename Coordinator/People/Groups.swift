internal import Contract
package import Database
package import Policy
package import Rights
package import StrictJSON

/// A group of people, which the policy binds to roles.
package struct Group: Sendable, Equatable {
    package let name: String
    /// The members' e-mail addresses, as administrators have put them in.
    package internal(set) var members: [String] = []
    /// Those whom the provider names as members when they sign in.
    package internal(set) var fromProvider: [String] = []

    /// Names what of it can be changed here: an entity tag without its quotation marks.
    package var tag: String { get throws { try Expectation.tag(["name": .text(name), "group": stated]) } }

    /// What the organisation's log has the digest of.
    var stated: JSONValue { ["members": .array(members.map { .text($0) })] }

    /// As `GET /v1/groups` shows it.
    package var json: JSONValue {
        [
            "name": .text(name), "members": .array(members.map { .text($0) }),
            "from_provider": .array(fromProvider.map { .text($0) }),
        ]
    }
}

/// Which people are in which groups.
///
/// The provider says it of those who sign in, and administrators of anybody.
package struct Groups: Sendable {
    private let people: People

    /// How many people an administrator may put into one group: they are written in one transaction.
    package static let mostMembers = 2000

    /// The groups of these people.
    package init(_ people: People) { self.people = people }

    // MARK: Looking

    private static let names = Listing("SELECT DISTINCT name FROM group_member", by: [.init("name", "name")])

    /// The groups, by name.
    package func list(_ page: PageRequest, for _: Permit<Right.ReadPeople>) async throws -> Page<Group> {
        try await people.database.read { view in
            try Self.names.page(page, in: view) { try group(try $0.text("name"), in: view) }
        }
    }

    /// One group; throws a `Refused`, `unknown_group`, for one that has no members.
    package func group(_ name: String, for _: Permit<Right.ReadPeople>) async throws -> Group {
        try await people.database.read { view in
            let group = try group(name, in: view)
            guard !group.members.isEmpty || !group.fromProvider.isEmpty else { throw Refused.unknownGroup }
            return group
        }
    }

    private func group(_ name: String, in view: some SQLReading) throws -> Group {
        var group = Group(name: name)
        let rows = try view.rows(
            """
            SELECT person.email, source FROM group_member JOIN person ON person.sub = group_member.sub
            WHERE name = ? ORDER BY person.email
            """,
            [.text(name)]
        )
        for row in rows {
            let email = try row.text("email")
            if try row.text("source") == "provider" {
                group.fromProvider.append(email)
            } else {
                group.members.append(email)
            }
        }
        return group
    }

    /// The groups of a person, by name, whoever says so.
    package static func of(_ sub: String, in view: some SQLReading) throws -> [JSONText] {
        try view.rows("SELECT DISTINCT name FROM group_member WHERE sub = ? ORDER BY name", [.text(sub)])
            .map { JSONText(try $0.text("name")) }
    }

    // MARK: Changing

    /// Says who is in a group; one without members is none any more.
    ///
    /// What the provider says of its people stays.
    ///
    /// - Parameters:
    ///   - name: 1 to 64 of `A-Z`, `a-z`, `0-9`, `.`, `_` and `-`.
    ///   - members: all members; people who were not invited yet may be among them.
    ///   - expectation: what is believed to be there; needed where there is something.
    ///   - permit: who does it.
    /// - Returns: the group.
    /// - Throws: `Refused`: `invalid_request`, `too_many`, `precondition_required`, `precondition_failed`.
    package func put(
        _ name: String,
        members: [EmailAddress],
        expecting expectation: Expectation?,
        by permit: Permit<Right.EditPeople>
    ) async throws -> Group {
        guard People.isName(name) else { throw Refused.badGroupName }
        guard members.count <= Self.mostMembers else { throw Refused.groupTooLarge }
        return try await people.database.write { transaction in
            let caller = try people.standing(permit, in: transaction).caller
            let former = try group(name, in: transaction)
            if let expectation {
                try expectation.check(former.tag)
            } else if !former.members.isEmpty {
                throw Refused.preconditionRequired
            }
            let before = Set(former.members)
            let after = Set(members.map(\.text))
            guard before != after else { return former }
            for email in before.subtracting(after).sorted() {
                try transaction.execute(
                    """
                    DELETE FROM group_member WHERE name = ? AND source = 'coordinator'
                        AND sub = (SELECT sub FROM person WHERE email = ?)
                    """,
                    [.text(name), .text(email)]
                )
            }
            for email in members where !before.contains(email.text) {
                try transaction.execute(
                    """
                    INSERT INTO group_member (name, sub, source) VALUES (?, ?, 'coordinator') ON CONFLICT DO NOTHING
                    """,
                    [.text(name), .text(try people.pseudonym(of: email, in: transaction))]
                )
            }
            // Each of them may have other roles now, and the person's machines have to hear of it.
            for email in before.symmetricDifference(after).compactMap({ EmailAddress($0) }) {
                guard let person = try people.person(email: email, in: transaction) else { continue }
                try people.revisions.raisePerson(sub: person.sub, in: transaction)
            }
            let group = try group(name, in: transaction)
            try people.state(
                "groups/\(name)",
                // Written so that nothing is not taken for null.
                before: former.members.isEmpty ? .none : .some(former.stated),
                after: group.members.isEmpty ? .none : .some(group.stated),
                by: caller.sub,
                in: transaction
            )
            return group
        }
    }
}

extension Refused {
    static let unknownGroup = Refused(
        "unknown_group",
        "No group of this name has members.",
        next: "See which there are: doorward admin groups"
    )

    static let badGroupName = malformed(
        ShapeError("name", "must be 1 to 64 of A-Z, a-z, 0-9, ., _ and -"),
        code: "invalid_request"
    )

    static let groupTooLarge = malformed(
        ShapeError("members", "has more than \(Groups.mostMembers) members"),
        code: "invalid_request"
    )
}
