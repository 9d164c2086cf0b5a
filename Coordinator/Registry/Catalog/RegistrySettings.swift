internal import Contract
package import Database
package import StrictJSON

/// How the registry is published, and which upstream registries are asked.
package struct RegistrySettings: Sendable, Equatable {
    /// Whether anybody who reaches the coordinator may read the official Registry API: what everybody may use.
    package var isPublic = false
    /// The address of users' agents that it names.
    package var agentURL = Self.usualAgent
    package var upstreams: [UpstreamSetting] = []

    /// Where agents listen that were told nothing else.
    package static let usualAgent = "http://127.0.0.1:7717"
    private static let mostUpstreams = 16
    private static let row: SQLValue = "registry"

    package init() {}

    /// Reads a closed object; throws `ShapeError`.
    package init(_ json: JSONValue) throws {
        self = try ObjectReader.read(json) { reader in
            var settings = RegistrySettings()
            settings.isPublic = try reader.optionalBool("public") ?? false
            if let text = try reader.optionalText("agent_url") {
                guard let url = try? ServerURL(text), url.isLoopback, url.target == "/", !text.hasSuffix("/") else {
                    throw ShapeError(reader.path("agent_url"), "must be an address of agents like \(Self.usualAgent)")
                }
                settings.agentURL = text
            }
            let elements = try reader.optionalElements("upstreams") ?? []
            guard elements.count <= Self.mostUpstreams else {
                throw ShapeError(reader.path("upstreams"), "has more than \(Self.mostUpstreams) members")
            }
            for element in elements {
                let upstream = try ObjectReader.read(element.value, at: element.place, UpstreamSetting.init(members:))
                guard !settings.upstreams.contains(where: { $0.name == upstream.name }) else {
                    throw ShapeError("\(element.place)/name", "is another one's too")
                }
                settings.upstreams.append(upstream)
            }
            return settings
        }
    }

    package var json: JSONValue {
        [
            "public": .bool(isPublic), "agent_url": .text(agentURL), "upstreams": .array(upstreams.map(\.json)),
        ]
    }

    /// The settings as they are stored; those of a new coordinator where nothing is.
    package static func stored(in view: some SQLReading) throws -> RegistrySettings {
        guard let row = try view.first("SELECT value FROM setting WHERE name = ?", [row]) else {
            return RegistrySettings()
        }
        return try RegistrySettings(try JSONValue(parsing: Array(try row.text("value").utf8)))
    }

    func store(in transaction: SQLTransaction) throws {
        try transaction.execute(
            "INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            [Self.row, .text(json.json)]
        )
    }
}
