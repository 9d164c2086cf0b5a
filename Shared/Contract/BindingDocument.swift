package import StrictJSON

/// Who the person of one agent is, as it is signed for this agent alone.
package struct BindingDocument: Sendable, Equatable {
    package let agentID: String
    /// The sync counter at which it was made: an agent takes none that is lower than what it has.
    package let counter: Int
    package let expires: UTCTime
    /// `sub`, `user`, `groups` and `roles`: see `Binding` of the policy.
    package let binding: JSONObject

    /// A document of these parts.
    package init(agentID: String, counter: Int, expires: UTCTime, binding: JSONObject) {
        self.agentID = agentID
        self.counter = counter
        self.expires = expires
        self.binding = binding
    }

    /// The document.
    package var json: JSONValue {
        var object: JSONObject = [
            "v": 1, "kind": "binding", "agent": .text(agentID), "counter": .int(counter),
            "expires": .text(expires.text),
        ]
        for member in binding.members { object[member.name] = member.value }
        return .object(object)
    }

    /// Reads a document; throws `ShapeError`.
    ///
    /// What stands in `binding` is read by the policy.
    package init(_ json: JSONValue) throws {
        self = try ObjectReader.read(json) { reader in
            try reader.header(kind: "binding")
            let agentID = try reader.agentID("agent")
            let counter = try reader.int("counter")
            let expires = try reader.time("expires")
            var binding = JSONObject()
            for name in ["sub", "user", "groups", "roles"] as [JSONText] { binding[name] = try reader.required(name) }
            return BindingDocument(agentID: agentID, counter: counter, expires: expires, binding: binding)
        }
    }
}

/// The servers that the person of one agent may know, as they are signed for this agent alone.
package struct EntriesDocument: Sendable, Equatable {
    package let agentID: String
    /// The sync counter at which it was made: an agent takes none that is lower than what it has.
    package let counter: Int
    package let entries: [ServerEntry]

    /// A document of these parts.
    package init(agentID: String, counter: Int, entries: [ServerEntry]) {
        self.agentID = agentID
        self.counter = counter
        self.entries = entries
    }

    /// The document.
    package var json: JSONValue {
        [
            "v": 1, "kind": "entries", "agent": .text(agentID), "counter": .int(counter),
            "entries": .array(entries.map(\.json)),
        ]
    }

    /// Reads a document; throws `ShapeError`.
    package init(_ json: JSONValue) throws {
        self = try ObjectReader.read(json) { reader in
            try reader.header(kind: "entries")
            return EntriesDocument(
                agentID: try reader.agentID("agent"),
                counter: try reader.int("counter"),
                entries: try reader.elements("entries").map { try ServerEntry($0.value, at: $0.place) }
            )
        }
    }
}
