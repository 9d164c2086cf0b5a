package import Policy
package import StrictJSON

/// A call that nobody has made, about which a policy is asked.
package struct PolicyQuestion: Sendable, Equatable {
    /// What the call would be about.
    package enum Item: Sendable, Equatable {
        case tool(JSONText), prompt(JSONText)
        /// A resource, by its URI.
        case resource(JSONText)
    }

    /// Who would call; it need not be somebody who is there already.
    package let user: EmailAddress
    /// The groups of that person; nil: those that are known.
    package let groups: [JSONText]?
    package let client: JSONText
    package let server: JSONText
    package let item: Item
    /// The arguments of the call; nil: it has none.
    package let arguments: JSONValue?

    /// Reads the members `user`, `groups`, `client`, `server`, `tool`, `prompt`, `uri` and `arguments`; throws `ShapeError`.
    package init(members reader: inout ObjectReader) throws(ShapeError) {
        let text = try reader.text("user")
        guard let email = EmailAddress(text) else {
            throw ShapeError(reader.path("user"), "must be one e-mail address of ASCII characters")
        }
        user = email
        groups = try reader.optionalIdentifiers("groups")
        client = try reader.optionalIdentifier("client") ?? "local"
        server = try reader.identifier("server")
        var items: [Item] = []
        if let name = try reader.optionalIdentifier("tool") { items.append(.tool(name)) }
        if let name = try reader.optionalIdentifier("prompt") { items.append(.prompt(name)) }
        if let uri = try reader.optionalIdentifier("uri") { items.append(.resource(uri)) }
        guard items.count == 1, let item = items.first else {
            throw ShapeError(reader.place, "must have one of tool, prompt, uri")
        }
        self.item = item
        arguments = reader.optional("arguments")
        guard arguments?.object != nil || arguments == nil else {
            throw ShapeError(reader.path("arguments"), "must be an object")
        }
    }

    var tool: JSONText? { if case .tool(let name) = item { name } else { nil } }

    /// Lends what is asked to `body`.
    func withAsk<Answer>(_ body: (Ask, CallArguments) -> Answer) -> Answer {
        let (name, kind): (JSONText, (UnsafeBufferPointer<UInt8>) -> Ask) =
            switch item {
            case .tool(let name): (name, { .tool($0) })
            case .prompt(let name): (name, { .prompt($0) })
            case .resource(let uri): (uri, { .resource($0) })
            }
        return name.utf8.withUnsafeBufferPointer { name in
            guard let arguments else { return body(kind(name), .none) }
            return arguments.bytes.withUnsafeBufferPointer { body(kind(name), .json($0)) }
        }
    }
}
