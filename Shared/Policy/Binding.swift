package import StrictJSON

/// Who one person is to the policy: it comes signed, for that person's agents alone.
package struct Binding: Hashable, Sendable {
    /// A role that the person has, and through which rule.
    package struct Membership: Hashable, Sendable {
        package let role: JSONText
        /// The place of the rule in the file: `bind/1`.
        package let rule: JSONText
        /// The clients through which the person has the role; nil: all of them.
        package let clients: [Pattern]?

        package init(role: JSONText, rule: JSONText, clients: [Pattern]? = nil) {
            self.role = role
            self.rule = rule
            self.clients = clients
        }
    }

    /// The person's pseudonym, the one that rules and records contain.
    package let sub: JSONText
    /// The e-mail address, for the person's own eyes; nothing is decided on it.
    package let user: String
    package let groups: [JSONText]
    package let roles: [Membership]
    /// When the person has signed in last, in seconds since 1970: said only where a rule asks for it.
    package let signedIn: Int?

    package init(
        sub: JSONText,
        user: String,
        groups: [JSONText],
        roles: [Membership],
        signedIn: Int? = nil
    ) {
        self.signedIn = signedIn
        self.sub = sub
        self.user = user
        self.groups = groups
        self.roles = roles
    }
}

extension Binding {
    /// The members that a signed binding has besides those of its envelope.
    package var members: JSONObject {
        var members: JSONObject = [
            "sub": .string(sub), "user": .text(user), "groups": .array(groups.map(JSONValue.string)),
            "roles": .array(roles.map(\.json)),
        ]
        members["signed_in"] = signedIn.map { .int($0) }
        return members
    }

    /// Reads those members; throws `ShapeError`.
    package init(_ members: JSONObject, at place: String = "") throws {
        self = try ObjectReader.read(.object(members), at: place) { reader in
            Binding(
                sub: try reader.identifier("sub"),
                user: try reader.text("user"),
                groups: try reader.identifiers("groups"),
                roles: try reader.elements("roles").map { try Membership($0.value, at: $0.place) },
                signedIn: try reader.optionalInt("signed_in")
            )
        }
    }
}

extension Binding.Membership {
    var json: JSONValue {
        var object: JSONObject = ["role": .string(role), "rule": .string(rule)]
        object["clients"] = clients.map { .array($0.map(\.json)) }
        return .object(object)
    }

    init(_ json: JSONValue, at place: String) throws {
        self = try ObjectReader.read(json, at: place) { reader in
            Binding.Membership(
                role: try reader.identifier("role"),
                rule: try reader.identifier("rule"),
                clients: try reader.optionalPatterns("clients")
            )
        }
    }
}
