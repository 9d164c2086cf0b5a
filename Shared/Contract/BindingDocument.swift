package import Bytes
package import StrictJSON

/// Who the person of one agent is, as it is signed for this agent alone.
package struct BindingDocument: Sendable, Equatable {
    package let agentID: String
    /// The version of the policy that it was made for; 0 before the first policy.
    package let policyVersion: Int
    package let expires: UTCTime
    /// `sub`, `user`, `groups` and `roles`: see `Binding` of the policy.
    package let binding: JSONObject

    package init(agentID: String, policyVersion: Int, expires: UTCTime, binding: JSONObject) {
        self.agentID = agentID
        self.policyVersion = policyVersion
        self.expires = expires
        self.binding = binding
    }

    package var json: JSONValue {
        var object: JSONObject = [
            "v": 1, "kind": "binding", "agent": .text(agentID), "policy": .int(policyVersion),
            "expires": .text(expires.text),
        ]
        for member in binding.members { object[member.name] = member.value }
        return .object(object)
    }

    /// Reads a document; throws `ShapeError`.
    ///
    /// The policy reads the contents of `binding`.
    package init(_ json: JSONValue) throws {
        self = try ObjectReader.read(json) { reader in
            try reader.header(kind: "binding")
            let agentID = try reader.agentID("agent")
            let policyVersion = try reader.int("policy", in: 0...Int.max)
            let expires = try reader.time("expires")
            var binding = JSONObject()
            for name in ["sub", "user", "groups", "roles"] as [JSONText] { binding[name] = try reader.required(name) }
            return BindingDocument(
                agentID: agentID,
                policyVersion: policyVersion,
                expires: expires,
                binding: binding
            )
        }
    }
}

/// The servers that the person of one agent may know, as they are signed for this agent alone.
///
/// The same list is the same text, whenever it is signed, so that an agent need not be sent it again.
package struct EntriesDocument: Sendable, Equatable {
    package let agentID: String
    package let entries: [ServerEntry]

    package init(agentID: String, entries: [ServerEntry]) {
        self.agentID = agentID
        self.entries = entries
    }

    package var json: JSONValue {
        ["v": 1, "kind": "entries", "agent": .text(agentID), "entries": .array(entries.map(\.json))]
    }

    /// Reads a document; throws `ShapeError`.
    package init(_ json: JSONValue) throws {
        self = try ObjectReader.read(json) { reader in
            try reader.header(kind: "entries")
            return EntriesDocument(
                agentID: try reader.agentID("agent"),
                entries: try reader.elements("entries").map { try ServerEntry($0.value, at: $0.place) }
            )
        }
    }
}
