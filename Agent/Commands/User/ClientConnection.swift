internal import Contract
internal import AgentState
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
    /// What a client has to launch that only launches commands.
    let shim: ShimCommand

    private var authorization: String { "Bearer \(credential)" }

    /// All servers through one address.
    private var everything: String { "http://\(listen)/mcp" }

    private func url(_ alias: String) -> String { "http://\(listen)/servers/\(alias)/mcp" }

    var json: JSONValue {
        var urls = JSONObject()
        for alias in aliases { urls[JSONText(alias)] = .text(url(alias)) }
        return [
            "name": .text(name), "mcp_url": .text(everything), "server_urls": .object(urls),
            "header": ["name": "Authorization", "value": .text(authorization)],
            "socket": .text(socketPath), "snippets": snippets,
        ]
    }

    /// Every server, or a place for one.
    private var names: [String] { aliases.isEmpty ? ["SERVER"] : aliases }

    /// Ready to paste into files, for the clients that are met most: a command would show the credential to every user
    /// who lists processes.
    private var snippets: JSONValue {
        var servers = JSONObject()
        for alias in names {
            servers[JSONText(alias)] = [
                "type": "http", "url": .text(url(alias)), "headers": ["Authorization": .text(authorization)],
            ]
        }
        return [
            "claude-code": .text(JSONValue.object(["mcpServers": .object(servers)]).json),
            "vscode": .text(JSONValue.object(["servers": .object(servers)]).json),
            "cursor": .text(JSONValue.object(["mcpServers": .object(servers)]).json),
            "codex": .text(codex), "claude-desktop": .text(shim.servers(names, client: name).json),
            "one-endpoint": .text(oneEndpoint),
            "stdio": .text(names.map { shim.line($0, client: name) }.joined(separator: "\n")),
        ]
    }

    /// In the form of Claude Code and Cursor, one entry in the place of one for each server.
    private var oneEndpoint: String {
        let entry: JSONValue = [
            "type": "http", "url": .text(everything), "headers": ["Authorization": .text(authorization)],
        ]
        return JSONValue.object(["mcpServers": ["doorward": entry]]).json
    }

    /// Lines for `~/.codex/config.toml`; aliases are bare keys, and neither a URL nor a credential needs an escape.
    private var codex: String {
        names.map { alias in
            """
            [mcp_servers.\(alias)]
            url = "\(url(alias))"
            http_headers = { Authorization = "\(authorization)" }

            """
        }.joined(separator: "\n")
    }

    var words: [String] {
        let places = [
            ("claude-code", "For Claude Code, in .mcp.json (keep it out of version control):"),
            ("vscode", "For VS Code, in mcp.json:"), ("cursor", "For Cursor, in ~/.cursor/mcp.json:"),
            ("codex", "For Codex, in ~/.codex/config.toml:"),
            ("one-endpoint", "Or all servers through one address, with tools named ALIAS__TOOL:"),
            ("claude-desktop", "For Claude Desktop, which only launches commands, in claude_desktop_config.json:"),
            ("stdio", "For any other client that only launches commands:"),
        ]
        return ["The client \(name) may connect to"] + names.map { "  \(url($0))" } + [
            "with this header, which is shown this once:", "  Authorization: \(authorization)",
        ]
            + places.flatMap { place, title in
                let lines = (snippets[JSONText(place)]?.text ?? "").split(separator: "\n").map { "  \($0)" }
                return [title] + lines
            }
    }
}
