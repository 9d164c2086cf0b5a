package import StrictJSON
package import TransparencyLog

/// The definitions of tools that the organisation has approved, as they are signed for one agent alone: of the servers
/// that its person may know.
///
/// The same pins are the same text, whenever they are signed.
package struct PinsDocument: Sendable, Equatable {
    /// The hashes of the definitions of one server that may be shown, by tool.
    package typealias Tools = [JSONText: [Hash]]

    package let agentID: String
    /// By the server's alias; a server that is not there has none yet.
    package let servers: [JSONText: Tools]

    package init(agentID: String, servers: [JSONText: Tools]) {
        self.agentID = agentID
        self.servers = servers
    }

    package var json: JSONValue {
        let servers = servers.sorted { $0.key < $1.key }.map { alias, tools -> JSONValue in
            let tools = tools.sorted { $0.key < $1.key }.map { name, hashes -> JSONValue in
                .array([.string(name)] + hashes.sorted { $0.base64URL < $1.base64URL }.map { .text($0.base64URL) })
            }
            return ["alias": .string(alias), "tools": .array(tools)]
        }
        return ["v": 1, "kind": "pins", "agent": .text(agentID), "servers": .array(servers)]
    }

    /// Reads a document; throws `ShapeError`.
    package init(_ json: JSONValue) throws {
        self = try ObjectReader.read(json) { reader in
            try reader.header(kind: "pins")
            let agentID = try reader.agentID("agent")
            var servers: [JSONText: Tools] = [:]
            for element in try reader.elements("servers") {
                let (alias, tools) = try ObjectReader.read(element.value, at: element.place) { server in
                    (JSONText(try server.alias("alias")), try Self.tools(try server.elements("tools")))
                }
                guard servers.updateValue(tools, forKey: alias) == nil else {
                    throw ShapeError(element.place, "is a server twice")
                }
            }
            return PinsDocument(agentID: agentID, servers: servers)
        }
    }

    private static func tools(_ elements: [ObjectReader.Element]) throws(ShapeError) -> Tools {
        var tools: Tools = [:]
        for element in elements {
            let list = element.value.array ?? []
            let hashes = list.dropFirst().compactMap { $0.text.flatMap { Hash(base64URL: $0) } }
            guard let name = list.first?.string, !hashes.isEmpty, hashes.count == list.count - 1 else {
                throw ShapeError(element.place, "must be a tool with its hashes")
            }
            guard tools.updateValue(hashes, forKey: name) == nil else {
                throw ShapeError(element.place, "is a tool twice")
            }
        }
        return tools
    }
}
