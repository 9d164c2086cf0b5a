internal import Contract
internal import Database
internal import MCP
internal import Policy
internal import StrictJSON

/// What definitions say of tools, as far as policies may go by it: as it is approved now, at servers that are trusted with it
/// now.
struct KnownHints: Sendable {
    /// By server and tool; nil where approved definitions of one tool say different things.
    private var servers: [JSONText: [JSONText: ToolHints?]] = [:]

    /// Any that a definition may have: for a doubt that closes.
    static let all: ToolHints = [.readOnly, .destructive, .idempotent, .openWorld]

    /// Looked up for rules that go by it; for others there is nothing to know.
    init(for rules: PolicyRules, in view: some SQLReading) throws {
        let scopes = rules.forbids.map(\.scope) + rules.requirements.map(\.scope)
        guard scopes.contains(where: { $0.annotation != nil }) else { return }
        for row in try view.rows("SELECT alias, entry FROM server") {
            let json = try JSONValue(parsing: try row.blob("entry"), limits: RegistryEntry.limits)
            guard try RegistryEntry(json).server.annotations == .trusted else { continue }
            let alias = try row.text("alias")
            var tools: [JSONText: ToolHints?] = [:]
            try view.each(
                "SELECT tool, definition FROM tool_definition WHERE server = ? AND approved_at IS NOT NULL",
                [.text(alias)]
            ) { row in
                let name = JSONText(try row.text("tool"))
                let hints = try row.blob("definition").withUnsafeBufferPointer { ToolDefinition($0).hints }
                tools[name] = .some(tools[name].map { $0 == hints ? hints : nil } ?? hints)
                return true
            }
            servers[JSONText(alias)] = tools
        }
    }

    /// What a policy believes of a tool: what is assumed of every tool, unless its server is trusted and its definition
    /// approved; nil where it cannot be told.
    func hints(server: JSONText, tool: JSONText?) -> ToolHints? {
        guard let tools = servers[server] else { return .assumed }
        guard let tool else { return nil }
        return tools[tool] ?? .assumed
    }
}
