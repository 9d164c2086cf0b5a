internal import MCP
package import StrictJSON

/// Whom and what a rule that forbids is about: everything that it says must be so.
package struct RuleScope: Hashable, Sendable {
    /// The one person; nil: everybody.
    package var person: JSONText?
    package var group: Pattern?
    /// Nil: through every client.
    package var clients: [Pattern]?
    /// Nil: on every server.
    package var server: Pattern?
    package var items: PolicyRules.Items
    /// What the tool's definition must say, which makes it a rule about tools; nil: whatever it says.
    package var annotation: Annotation?
    /// The role whose holders the rule spares.
    package var unlessRole: JSONText?
    /// Of a call's arguments; a condition of which it is unknown whether it holds counts as one that does.
    package var arguments: [ArgumentPredicate]

    /// What a definition can say of a tool, in the word of a rule.
    package enum Annotation: String, CaseIterable, Hashable, Sendable {
        case destructive
        case idempotent
        case openWorld = "open_world"
        case readOnly = "read_only"

        /// The hint that it is about.
        var hint: ToolHints {
            switch self {
            case .destructive: .destructive
            case .idempotent: .idempotent
            case .openWorld: .openWorld
            case .readOnly: .readOnly
            }
        }
    }

    package init(
        person: JSONText? = nil,
        group: Pattern? = nil,
        clients: [Pattern]? = nil,
        server: Pattern? = nil,
        items: PolicyRules.Items = .everything,
        annotation: Annotation? = nil,
        unlessRole: JSONText? = nil,
        arguments: [ArgumentPredicate] = []
    ) {
        self.person = person
        self.group = group
        self.clients = clients
        self.server = server
        self.items = items
        self.annotation = annotation
        self.unlessRole = unlessRole
        self.arguments = arguments
    }
}

extension RuleScope {
    init(members reader: inout ObjectReader, form: RuleForm) throws {
        self.init(
            person: try reader.optionalIdentifier(form.person),
            group: try reader.optionalPattern("group"),
            clients: try Self.clients(&reader),
            server: try reader.optionalPattern("server"),
            items: try PolicyRules.Items(members: &reader),
            annotation: try reader.optionalWord("annotation"),
            unlessRole: try reader.optionalIdentifier("unless_role"),
            arguments: try form.arguments(&reader)
        )
        guard annotation == nil || items.resources == nil && items.prompts == nil else {
            throw ShapeError(reader.path("annotation"), "is about tools: the rule must name no resources or prompts")
        }
        if annotation == nil { try items.check(arguments, at: reader.path("args")) }
    }

    private static func clients(_ reader: inout ObjectReader) throws(ShapeError) -> [Pattern]? {
        let one = try reader.optionalPattern("client")
        let several = try reader.optionalPatterns("clients")
        guard one == nil || several == nil else {
            throw ShapeError(reader.path("clients"), "must not stand beside client")
        }
        return one.map { [$0] } ?? several
    }

    func write(to object: inout JSONObject, form: RuleForm) {
        object[form.person] = person.map(JSONValue.string)
        object["group"] = group?.json
        if let clients {
            if clients.count == 1 {
                object["client"] = clients[0].json
            } else {
                object["clients"] = .array(clients.map(\.json))
            }
        }
        object["server"] = server?.json
        items.write(to: &object)
        if let annotation { object["annotation"] = .text(annotation.rawValue) }
        object["unless_role"] = unlessRole.map(JSONValue.string)
        form.write(arguments, to: &object)
    }
}

extension PolicyRules.Items {
    /// Everything on a server.
    package static let everything = PolicyRules.Items(tools: nil, resources: nil, prompts: nil)

    /// Refuses conditions on the arguments of what has none.
    func check(_ arguments: [ArgumentPredicate], at place: String) throws(ShapeError) {
        guard arguments.isEmpty || resources == nil && !isEverything else {
            throw ShapeError(place, "is about calls: the rule must name tools or prompts, and no resources")
        }
    }

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
