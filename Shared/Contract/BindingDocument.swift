package import Bytes
package import StrictJSON

/// Who the person of one agent is, as it is signed for this agent alone.
package struct BindingDocument: Sendable, Equatable {
    package let agentID: String
    /// The version of the policy that it was made for; 0 before the first policy.
    package let policyVersion: Int
    package let expires: UTCTime
    /// `sub`, `user`, `groups`, `roles` and perhaps `signed_in`: see `Binding` of the policy.
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
            binding["signed_in"] = reader.optional("signed_in")
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
    /// What people are told of servers that are about to go, by alias: no part of an entry, as nothing else of it changes.
    package let deprecated: [JSONText: String]

    package init(agentID: String, entries: [ServerEntry], deprecated: [JSONText: String] = [:]) {
        self.agentID = agentID
        self.entries = entries
        self.deprecated = deprecated
    }

    package var json: JSONValue {
        var document: JSONObject = [
            "v": 1, "kind": "entries", "agent": .text(agentID), "entries": .array(entries.map(\.json)),
        ]
        // Only where it says something: agents of an earlier release refuse a document with a member that they do not know.
        if !deprecated.isEmpty {
            let sorted = deprecated.sorted { $0.key < $1.key }
            document["deprecated"] = .array(sorted.map { .array([.string($0.key), .text($0.value)]) })
        }
        return .object(document)
    }

    /// Reads a document; throws `ShapeError`.
    package init(_ json: JSONValue) throws {
        self = try ObjectReader.read(json) { reader in
            try reader.header(kind: "entries")
            return EntriesDocument(
                agentID: try reader.agentID("agent"),
                entries: try reader.elements("entries").map { try ServerEntry($0.value, at: $0.place) },
                deprecated: try (try reader.optionalElements("deprecated")).map(Self.deprecated) ?? [:]
            )
        }
    }

    private static func deprecated(_ elements: [ObjectReader.Element]) throws(ShapeError) -> [JSONText: String] {
        var deprecated: [JSONText: String] = [:]
        for element in elements {
            let pair = element.value.array ?? []
            guard pair.count == 2, let alias = pair[0].string, let message = pair[1].text else {
                throw ShapeError(element.place, "must be an alias with a message")
            }
            deprecated[alias] = message
        }
        return deprecated
    }
}
