internal import Policy
internal import StrictJSON
internal import StrictYAML

/// Reads the parts of a policy file and gathers what is wrong with each, so that an author mends all at once.
struct PolicyReading {
    /// The parts of a file, each of them good.
    struct Parts {
        var roles: [PolicyRules.Role] = []
        var binds: [PolicyBind] = []
        var forbids: [PolicyRules.Forbid] = []
        var requirements: [PolicyRules.Requirement] = []
        var limits: [LimitRule] = []
        var tests: [PolicyTest] = []
        var mode = PolicyRules.Mode.enforce
    }

    /// Each is judged against every rule, so their number is bounded.
    static let mostTests = 2000
    private static let limits = JSONLimits(maxBytes: PolicyFile.largest, maxDepth: 12)

    private var problems: [PolicyProblem] = []

    mutating func parts(of bytes: [UInt8]) throws(PolicyRefusal) -> Parts {
        let json: JSONValue
        do {
            json = try StrictYAML.parse(bytes, limits: Self.limits)
        } catch {
            throw PolicyRefusal([PolicyProblem(error)])
        }
        guard case .object(let object) = json else {
            throw PolicyRefusal([PolicyProblem("", "a policy is an object with version, roles, bind and more")])
        }
        let parts = parts(of: object)
        guard problems.isEmpty else { throw PolicyRefusal(problems) }
        return parts
    }

    private mutating func parts(of object: JSONObject) -> Parts {
        var reader = ObjectReader(object, at: "")
        var parts = Parts()
        let version = noting {
            try reader.int("version", in: PolicyRules.languageVersion...PolicyRules.languageVersion)
        }
        // What the rest of a file of another version means is unknown.
        if version == nil { return parts }
        parts.mode = noting { try reader.optionalWord("mode") ?? .enforce } ?? .enforce
        let roles = noting { try reader.optionalMap("roles") ?? [] } ?? []
        // Also those with a problem of their own, which would otherwise be told twice.
        let names = Set(roles.map(\.name))
        for role in roles {
            parts.roles += noting { try Self.role(role.name, role.element) }.map { [$0] } ?? []
        }
        parts.binds = each("bind", &reader) { _, element in
            try PolicyBind(element.value, roles: names, at: element.place)
        }
        parts.forbids = each("forbid", &reader) { _, element in try Self.forbid(element, roles: names) }
        parts.requirements = each("require", &reader) { _, element in
            var rule = try PolicyRules.Requirement(element.value, form: .file, at: element.place)
            try Self.complete(&rule.scope, because: rule.because, roles: names, at: element.place)
            return rule
        }
        parts.limits = each("limits", &reader) { index, element in
            let limit = try LimitRule(element.value, name: PolicyRules.limitName(index), at: element.place)
            try Self.check(limit.role, among: names, at: "\(element.place)/role")
            return limit
        }
        parts.tests = each("tests", &reader) { index, element in
            guard index < Self.mostTests else {
                throw ShapeError(element.place, "is one too many: a file has at most \(Self.mostTests) tests")
            }
            return try PolicyTest(element.value, at: element.place)
        }
        _ = noting { try reader.finish() }
        let rules = PolicyRules(roles: parts.roles, forbids: parts.forbids, requirements: parts.requirements)
        _ = noting {
            guard rules.predicates.count <= ArgumentPredicate.most else {
                throw ShapeError("", "has too many different conditions in args: \(ArgumentPredicate.most) at most")
            }
        }
        return parts
    }

    private static func role(_ name: JSONText, _ element: ObjectReader.Element) throws -> PolicyRules.Role {
        try PolicyRules.Role.checkName(name, at: element.place)
        return try ObjectReader.read(element.value, at: element.place) { reader in
            PolicyRules.Role(
                name: name,
                grants: try reader.elements("grant").map {
                    try PolicyRules.Grant($0.value, form: .file, at: $0.place)
                }
            )
        }
    }

    private static func check(_ role: JSONText?, among roles: Set<JSONText>, at place: String) throws(ShapeError) {
        guard role.map(roles.contains) ?? true else { throw ShapeError(place, "is no role of this file") }
    }

    private static func forbid(_ element: ObjectReader.Element, roles: Set<JSONText>) throws -> PolicyRules.Forbid {
        var forbid = try PolicyRules.Forbid(element.value, form: .file, at: element.place)
        try complete(&forbid.scope, because: forbid.because, roles: roles, at: element.place)
        return forbid
    }

    /// Checks what a rule names beside itself, and gives its person the one spelling.
    private static func complete(
        _ scope: inout RuleScope,
        because: JSONText?,
        roles: Set<JSONText>,
        at place: String
    ) throws(ShapeError) {
        try check(scope.unlessRole, among: roles, at: "\(place)/unless_role")
        if because?.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) == true {
            throw ShapeError("\(place)/because", "must be one line without control characters")
        }
        guard let person = scope.person else { return }
        guard let email = EmailAddress(person.string) else {
            throw ShapeError("\(place)/user", "must be one e-mail address of ASCII characters")
        }
        scope.person = JSONText(email.text)
    }

    // MARK: Gathering

    private mutating func each<Value>(
        _ name: JSONText,
        _ reader: inout ObjectReader,
        _ body: (Int, ObjectReader.Element) throws -> Value
    ) -> [Value] {
        let elements = noting { try reader.optionalElements(name) ?? [] } ?? []
        return elements.enumerated().compactMap { index, element in noting { try body(index, element) } }
    }

    private mutating func noting<Value>(_ body: () throws -> Value) -> Value? {
        // More would not be shown.
        guard problems.count < PolicyRefusal.most else { return nil }
        do {
            return try body()
        } catch let error as ShapeError {
            problems.append(PolicyProblem(error))
        } catch {
            // Nothing else is thrown by readers of shapes.
            problems.append(PolicyProblem("", "it cannot be read"))
        }
        return nil
    }
}
