internal import MCP
package import StrictJSON

extension PolicyRules {
    /// The version of the rule language; a document of another is refused whole.
    package static let languageVersion = 1

    /// The rules as they are signed, in names that have a canonical spelling: the names of roles are values here.
    ///
    /// What came into the language later is there only where it says something: agents that do not know it refuse the
    /// whole, and take all other rules.
    package var json: JSONValue {
        let predicates = predicates
        let form = RuleForm.signed(predicates)
        var object: JSONObject = [
            "version": .int(Self.languageVersion),
            "roles": .array(
                roles.map { ["name": .string($0.name), "grant": .array($0.grants.map { $0.json(form) })] }
            ),
            "forbid": .array(forbids.map { $0.json(form) }),
            "limits": .array(limits.map(\.json)),
        ]
        if !requirements.isEmpty { object["require"] = .array(requirements.map { $0.json(form) }) }
        if mode != .enforce { object["mode"] = .text(mode.rawValue) }
        if !predicates.isEmpty { object["args"] = .array(predicates.map(\.json)) }
        return .object(object)
    }

    /// Reads rules as they are signed; throws `ShapeError` at anything that it does not know.
    package init(_ json: JSONValue, at place: String = "") throws {
        self = try ObjectReader.read(json, at: place) { reader in
            _ = try reader.int("version", in: Self.languageVersion...Self.languageVersion)
            let predicates = try reader.optionalElements("args") ?? []
            guard predicates.count <= ArgumentPredicate.most else {
                throw ShapeError(reader.path("args"), "must have at most \(ArgumentPredicate.most) conditions")
            }
            let form = RuleForm.signed(
                try predicates.map { try ArgumentPredicate(signed: $0.value, at: $0.place) }
            )
            var names: Set<JSONText> = []
            let roles = try reader.elements("roles").map { element in
                let role = try Role(signed: element.value, form: form, at: element.place)
                guard names.insert(role.name).inserted else {
                    throw ShapeError("\(element.place)/name", "occurs twice")
                }
                return role
            }
            return PolicyRules(
                roles: roles,
                forbids: try reader.elements("forbid").map { try Forbid($0.value, form: form, at: $0.place) },
                requirements: try (reader.optionalElements("require") ?? []).map {
                    try Requirement($0.value, form: form, at: $0.place)
                },
                limits: try reader.elements("limits").enumerated().map { index, element in
                    try LimitRule(element.value, name: Self.limitName(index), at: element.place)
                },
                mode: try reader.optionalWord("mode") ?? .enforce
            )
        }
    }

    /// The name of the limit at `index`.
    package static func limitName(_ index: Int) -> JSONText { JSONText("limits/\(index)") }

    /// All conditions on arguments, each once.
    package var predicates: [ArgumentPredicate] {
        var known: Set<ArgumentPredicate> = []
        let all =
            roles.flatMap(\.grants).flatMap(\.arguments) + forbids.flatMap(\.scope.arguments)
            + requirements.flatMap(\.scope.arguments)
        return all.filter { known.insert($0).inserted }
    }
}

extension PolicyRules.Role {
    /// Checks the name of a role: in the names of rules it is between slashes.
    package static func checkName(_ name: JSONText, at place: String) throws(ShapeError) {
        _ = try ObjectReader.identifier(.string(name), at: place)
        guard name.utf8.count <= 64, !name.utf8.contains(UInt8(ascii: "/")) else {
            throw ShapeError(place, "is no name for a role: at most 64 bytes, without /")
        }
    }

    fileprivate init(signed json: JSONValue, form: RuleForm, at place: String) throws {
        self = try ObjectReader.read(json, at: place) { reader in
            let name = try reader.identifier("name")
            try Self.checkName(name, at: reader.path("name"))
            return PolicyRules.Role(
                name: name,
                grants: try reader.elements("grant").map { try PolicyRules.Grant($0.value, form: form, at: $0.place) }
            )
        }
    }
}

extension PolicyRules.Grant {
    /// The grant as it is written in a file.
    package var json: JSONValue { json(.file) }

    func json(_ form: RuleForm) -> JSONValue {
        var object: JSONObject = ["server": server.json]
        items.write(to: &object)
        form.write(arguments, to: &object)
        if serverRequests != Self.usualServerRequests {
            object["server_requests"] = .array(
                ServerRequest.allCases.filter(serverRequests.contains).map { .text($0.rawValue) }
            )
        }
        return .object(object)
    }

    /// Reads a grant; throws `ShapeError`.
    package init(_ json: JSONValue, form: RuleForm, at place: String) throws {
        self = try ObjectReader.read(json, at: place) { reader in
            let grant = PolicyRules.Grant(
                server: try reader.pattern("server"),
                items: try PolicyRules.Items(members: &reader),
                arguments: try form.arguments(&reader),
                serverRequests: try reader.optionalElements("server_requests").map { elements in
                    Set(try elements.map { try ObjectReader.word($0.value, at: $0.place) })
                } ?? Self.usualServerRequests
            )
            try grant.items.check(grant.arguments, at: reader.path("args"))
            return grant
        }
    }
}

extension PolicyRules.Forbid {
    func json(_ form: RuleForm) -> JSONValue {
        var object: JSONObject = [:]
        scope.write(to: &object, form: form)
        object["because"] = because.map(JSONValue.string)
        return .object(object)
    }

    /// Reads a rule; throws `ShapeError`.
    package init(_ json: JSONValue, form: RuleForm, at place: String) throws {
        self = try ObjectReader.read(json, at: place) { reader in
            PolicyRules.Forbid(
                scope: try RuleScope(members: &reader, form: form),
                because: try reader.because()
            )
        }
    }
}

extension PolicyRules.Requirement {
    func json(_ form: RuleForm) -> JSONValue {
        var object: JSONObject = [:]
        scope.write(to: &object, form: form)
        obligations.write(to: &object)
        object["because"] = because.map(JSONValue.string)
        return .object(object)
    }

    /// Reads a rule; throws `ShapeError`.
    package init(_ json: JSONValue, form: RuleForm, at place: String) throws {
        self = try ObjectReader.read(json, at: place) { reader in
            PolicyRules.Requirement(
                scope: try RuleScope(members: &reader, form: form),
                obligations: try Obligations(members: &reader),
                because: try reader.because()
            )
        }
    }
}

extension ObjectReader {
    /// The words of a rule's author, which may be absent.
    fileprivate mutating func because() throws(ShapeError) -> JSONText? {
        guard let because = try optionalText("because") else { return nil }
        guard (1...512).contains(because.utf8.count) else {
            throw ShapeError(path("because"), "must be 1 to 512 bytes")
        }
        return JSONText(because)
    }
}
