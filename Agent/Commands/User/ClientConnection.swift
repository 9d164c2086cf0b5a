internal import Contract
internal import CoordinatorLink
internal import Policy
internal import StrictJSON

/// The servers that this user may use, by what was last heard from the coordinator.
enum ServersOfUser {
    static func aliases(_ context: CommandContext) throws -> [String] {
        guard let membership = try Membership.load(context.home) else { return [] }
        let state = PolicySync.lastState(membership, home: context.home)
        guard let bundle = state.bundle, let rules = state.rules, let binding = state.binding else { return [] }
        let policy = PolicySnapshot(rules: rules, binding: binding, version: bundle.version, digest: bundle.digest)
        return state.entries.map(\.alias).filter { policy.knows(server: JSONText($0)) }
    }
}

/// How a client is connected to this machine's agent.
struct ClientConnection {
    let name: String
    /// The secret itself, shown this once.
    let credential: String
    let listen: String
    let socketPath: String
    let aliases: [String]

    private var authorization: String { "Bearer \(credential)" }

    private func url(_ alias: String) -> String { "http://\(listen)/servers/\(alias)/mcp" }

    var json: JSONValue {
        var urls = JSONObject()
        for alias in aliases { urls[JSONText(alias)] = .text(url(alias)) }
        return [
            "name": .text(name), "mcp_url": .text("http://\(listen)/mcp"), "server_urls": .object(urls),
            "header": ["name": "Authorization", "value": .text(authorization)],
            "socket": .text(socketPath), "snippets": snippets,
        ]
    }

    /// Ready to paste, for the clients that are met most.
    private var snippets: JSONValue {
        let alias = aliases.first ?? "SERVER"
        let headers: JSONValue = ["Authorization": .text(authorization)]
        let entry: JSONValue = ["type": "http", "url": .text(url(alias)), "headers": headers]
        var servers = JSONObject()
        servers[JSONText(alias)] = entry
        return [
            // For a file each: a command would show the credential to everybody who lists processes.
            "claude-code": .text(JSONValue.object(["mcpServers": .object(servers)]).json),
            "vscode": .text(JSONValue.object(["servers": .object(servers)]).json),
            "cursor": .text(JSONValue.object(["mcpServers": .object(servers)]).json),
        ]
    }

    var words: [String] {
        let servers = aliases.isEmpty ? ["  \(url("SERVER"))"] : aliases.map { "  \(url($0))" }
        return ["The client \(name) may connect to"] + servers + [
            "with this header, which is shown this once:", "  Authorization: \(authorization)",
            "For Claude Code, in .mcp.json (keep it out of version control):",
            "  \(snippets["claude-code"]?.text ?? "")",
        ]
    }
}
