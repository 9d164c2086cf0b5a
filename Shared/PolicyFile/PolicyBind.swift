package import Policy
package import StrictJSON

/// Who has a role.
package struct PolicyBind: Hashable, Sendable {
    /// Whom it is about.
    package enum Who: Hashable, Sendable {
        case user(EmailAddress)
        case group(Pattern)
        case everyone
    }

    package let who: Who
    package let role: JSONText
    /// The clients through which the role is had; nil: all of them.
    package let clients: [Pattern]?

    /// Whether a person has the role through this rule.
    func binds(_ email: EmailAddress, groups: [JSONText]) -> Bool {
        switch who {
        case .user(let user): user == email
        case .group(let group): groups.contains { group.matches($0) }
        case .everyone: true
        }
    }
}

extension PolicyBind {
    init(_ json: JSONValue, roles: Set<JSONText>, at place: String) throws {
        self = try ObjectReader.read(json, at: place) { reader in
            let who = try Who(members: &reader)
            let role = try reader.identifier("role")
            guard roles.contains(role) else {
                throw ShapeError(reader.path("role"), "is no role of this file")
            }
            let clients = try reader.optionalElements("clients").map { elements in
                guard !elements.isEmpty else {
                    throw ShapeError(reader.path("clients"), "must not be empty: leave it out, or name something")
                }
                return try elements.map { try Pattern($0.value, at: $0.place) }
            }
            return PolicyBind(who: who, role: role, clients: clients)
        }
    }
}

extension PolicyBind.Who {
    fileprivate init(members reader: inout ObjectReader) throws {
        var found: [Self] = []
        if let user = try reader.optionalEmail("user") { found.append(.user(user)) }
        if let group = reader.optional("group") {
            found.append(.group(try Pattern(group, at: reader.path("group"))))
        }
        if let everyone = try reader.optionalBool("everyone") {
            guard everyone else { throw ShapeError(reader.path("everyone"), "must be true: leave it out, or say who") }
            found.append(.everyone)
        }
        guard found.count == 1, let who = found.first else {
            throw ShapeError(reader.place, "must have one of user, group, everyone")
        }
        self = who
    }
}

extension ObjectReader {
    /// A person that may be absent.
    mutating func optionalEmail(_ name: JSONText) throws(ShapeError) -> EmailAddress? {
        guard let value = optional(name) else { return nil }
        guard let email = EmailAddress(try Self.text(value, at: path(name)).string) else {
            throw ShapeError(path(name), "must be one e-mail address of ASCII characters")
        }
        return email
    }

    /// A person that must be there.
    mutating func email(_ name: JSONText) throws(ShapeError) -> EmailAddress {
        guard let email = try optionalEmail(name) else { throw ShapeError(path(name), "is missing") }
        return email
    }
}
