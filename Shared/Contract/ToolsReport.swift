package import StrictJSON
package import TransparencyLog

/// `POST /v1/agent/tools`: how a server has described its tools to one machine.
package struct ToolsReport: Sendable, Equatable {
    /// One tool.
    package struct Tool: Sendable, Equatable {
        package let name: JSONText
        /// The text of the definition, which is what is hashed and what an administrator reads.
        package let definition: [UInt8]

        package init(name: JSONText, definition: [UInt8]) {
            self.name = name
            self.definition = definition
        }
    }

    /// The server's alias.
    package let server: String
    /// The hash of the entry by which it was asked: an alias may have become another server's since.
    package let entry: Hash
    /// Whether these are all tools of a server that this machine has met for the first time.
    package let isFirst: Bool
    package let tools: [Tool]
    /// The hashes of all definitions that the server shows this machine now, by tool; nil where nothing is said of that.
    package var shown: [JSONText: Hash]?

    /// The largest body: agents keep 6 MiB of definitions, and escaping makes them longer.
    package static let largest = 14 << 20
    /// The most tools of one server.
    package static let mostTools = 10_000

    package init(
        server: String,
        entry: Hash,
        isFirst: Bool,
        tools: [Tool],
        shown: [JSONText: Hash]? = nil
    ) {
        self.server = server
        self.entry = entry
        self.isFirst = isFirst
        self.tools = tools
        self.shown = shown
    }

    package var json: JSONValue {
        let tools = tools.map { tool -> JSONValue in
            ["name": .string(tool.name), "definition": .string(JSONText(utf8: tool.definition))]
        }
        var object: JSONObject = [
            "server": .text(server), "entry": .text(entry.base64URL), "first": .bool(isFirst), "tools": .array(tools),
        ]
        if let shown {
            let sorted = shown.sorted { $0.key < $1.key }
            object["shown"] = .array(sorted.map { .array([.string($0.key), .text($0.value.base64URL)]) })
        }
        return .object(object)
    }

    /// Reads a report; throws `ShapeError`.
    package init(_ json: JSONValue) throws {
        self = try ObjectReader.read(json) { reader in
            let server = try reader.alias("server")
            guard let entry = Hash(try reader.bytes("entry", count: Hash.length)) else {
                throw ShapeError(reader.path("entry"), "must be a hash")
            }
            let isFirst = try reader.bool("first")
            let elements = try reader.elements("tools")
            guard elements.count <= Self.mostTools else { throw ShapeError(reader.path("tools"), "are too many") }
            let tools = try elements.map { element in
                try ObjectReader.read(element.value, at: element.place) { tool in
                    Tool(
                        name: try ObjectReader.text(try tool.required("name"), at: tool.path("name")),
                        definition: try ObjectReader.text(try tool.required("definition"), at: tool.path("definition"))
                            .utf8
                    )
                }
            }
            let shown = try reader.optionalElements("shown").map(Self.shown)
            return ToolsReport(server: server, entry: entry, isFirst: isFirst, tools: tools, shown: shown)
        }
    }

    private static func shown(_ elements: [ObjectReader.Element]) throws(ShapeError) -> [JSONText: Hash] {
        guard elements.count <= mostTools else { throw ShapeError("shown", "are too many") }
        var shown: [JSONText: Hash] = [:]
        for element in elements {
            let pair = element.value.array ?? []
            guard pair.count == 2, let name = pair[0].string, let hash = pair[1].text.flatMap({ Hash(base64URL: $0) })
            else {
                throw ShapeError(element.place, "must be a tool with its hash")
            }
            guard shown.updateValue(hash, forKey: name) == nil else {
                throw ShapeError(element.place, "is a tool twice")
            }
        }
        return shown
    }
}

extension ServerEntry {
    /// What tells this entry from another one of the same alias.
    package var digest: Hash { .of((try? json.canonicalBytes()) ?? json.bytes) }
}
