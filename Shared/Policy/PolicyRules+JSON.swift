internal import MCP
package import StrictJSON

extension PolicyRules {
    /// The version of the rule language; a document of another is refused whole.
    package static let languageVersion = 1

    /// The rules as they are signed, in names that have a canonical spelling: the names of roles are values here.
    package var json: JSONValue {
        var object: JSONObject = [
            "version": .int(Self.languageVersion),
            "roles": .array(roles.map { ["name": .string($0.name), "grant": .array($0.grants.map(\.json))] }),
            "forbid": .array(forbids.map { $0.json(person: "sub") }),
            "limits": .array(limits.map(\.json)),
        ]
        // Only where it says something: agents that do not know it refuse the whole, and take all other rules.
        if mode != .enforce { object["mode"] = .text(mode.rawValue) }
        return .object(object)
    }

    /// Reads rules as they are signed; throws `ShapeError` at anything that it does not know.
    package init(_ json: JSONValue, at place: String = "") throws {
        self = try ObjectReader.read(json, at: place) { reader in
            _ = try reader.int("version", in: Self.languageVersion...Self.languageVersion)
            var names: Set<JSONText> = []
            let roles = try reader.elements("roles").map { element in
                let role = try Role(signed: element.value, at: element.place)
                guard names.insert(role.name).inserted else {
                    throw ShapeError("\(element.place)/name", "occurs twice")
                }
                return role
            }
            return PolicyRules(
                roles: roles,
                forbids: try reader.elements("forbid").map { try Forbid($0.value, person: "sub", at: $0.place) },
                limits: try reader.elements("limits").enumerated().map { index, element in
                    try LimitRule(element.value, name: Self.limitName(index), at: element.place)
                },
                mode: try reader.optionalWord("mode") ?? .enforce
            )
        }
    }

    /// The name of the limit at `index`.
    package static func limitName(_ index: Int) -> JSONText { JSONText("limits/\(index)") }
}

extension PolicyRules.Role {
    /// Checks the name of a role: in the names of rules it is between slashes.
    package static func checkName(_ name: JSONText, at place: String) throws(ShapeError) {
        _ = try ObjectReader.identifier(.string(name), at: place)
        guard name.utf8.count <= 64, !name.utf8.contains(UInt8(ascii: "/")) else {
            throw ShapeError(place, "is no name for a role: at most 64 bytes, without /")
        }
    }

    fileprivate init(signed json: JSONValue, at place: String) throws {
        self = try ObjectReader.read(json, at: place) { reader in
            let name = try reader.identifier("name")
            try Self.checkName(name, at: reader.path("name"))
            return PolicyRules.Role(
                name: name,
                grants: try reader.elements("grant").map { try PolicyRules.Grant($0.value, at: $0.place) }
            )
        }
    }
}

extension PolicyRules.Grant {
    /// The grant as it is written and signed.
    package var json: JSONValue {
        var object: JSONObject = ["server": server.json]
        items.write(to: &object)
        if serverRequests != Self.usualServerRequests {
            object["server_requests"] = .array(
                ServerRequest.allCases.filter(serverRequests.contains).map { .text($0.rawValue) }
            )
        }
        return .object(object)
    }

    /// Reads a grant; throws `ShapeError`.
    package init(_ json: JSONValue, at place: String) throws {
        self = try ObjectReader.read(json, at: place) { reader in
            PolicyRules.Grant(
                server: try reader.pattern("server"),
                items: try PolicyRules.Items(members: &reader),
                serverRequests: try reader.optionalElements("server_requests").map { elements in
                    Set(try elements.map { try ObjectReader.word($0.value, at: $0.place) })
                } ?? Self.usualServerRequests
            )
        }
    }
}

extension PolicyRules.Forbid {
    /// The rule, with the person under the name that a file (`user`) or a bundle (`sub`) has for it.
    package func json(person name: JSONText) -> JSONValue {
        var object: JSONObject = [:]
        object[name] = person.map(JSONValue.string)
        object["group"] = group?.json
        object["client"] = client?.json
        object["server"] = server?.json
        items.write(to: &object)
        object["because"] = because.map(JSONValue.string)
        return .object(object)
    }

    /// Reads a rule; throws `ShapeError`.
    package init(_ json: JSONValue, person name: JSONText, at place: String) throws {
        self = try ObjectReader.read(json, at: place) { reader in
            let because = try reader.optionalText("because")
            guard because.map({ (1...512).contains($0.utf8.count) }) ?? true else {
                throw ShapeError(reader.path("because"), "must be 1 to 512 bytes")
            }
            return PolicyRules.Forbid(
                person: try reader.optionalIdentifier(name),
                group: try reader.optionalPattern("group"),
                client: try reader.optionalPattern("client"),
                server: try reader.optionalPattern("server"),
                items: try PolicyRules.Items(members: &reader),
                because: because.map { JSONText($0) }
            )
        }
    }

    /// The same rule about another person.
    package func with(person: JSONText?) -> PolicyRules.Forbid {
        PolicyRules.Forbid(
            person: person,
            group: group,
            client: client,
            server: server,
            items: items,
            because: because
        )
    }
}

extension PolicyRules.Items {
    init(members reader: inout ObjectReader) throws(ShapeError) {
        tools = try reader.optionalPatterns("tools")
        resources = try reader.optionalPatterns("resources")
        prompts = try reader.optionalPatterns("prompts")
    }

    func write(to object: inout JSONObject) {
        object["tools"] = tools.map { .array($0.map(\.json)) }
        object["resources"] = resources.map { .array($0.map(\.json)) }
        object["prompts"] = prompts.map { .array($0.map(\.json)) }
    }
}
