import ArgumentParser
internal import Contract
internal import LocalControl
internal import StrictJSON

/// `doorward servers`: the servers that the user may call, their states, and what went wrong with them lately.
struct Servers: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "servers",
        abstract: "Show the servers that you may use, and their states."
    )

    @Argument(help: "Show this server alone, with its last errors.")
    var server: String?

    @Flag(name: .long, help: "Show the last errors of all servers.")
    var errors = false

    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await report(output) { context in
            let facts = try await context.agent.get("servers")
            guard let server else {
                let servers = facts["servers"]?.array ?? []
                return Facts(facts, words: errors ? Self.errors(servers) : Self.table(servers))
            }
            guard let one = facts["servers"]?.array?.first(where: { $0["alias"]?.text == server }) else {
                throw CommandFailure(
                    "unknown_server",
                    "There is no server \(server) for you.",
                    next: "doorward servers"
                )
            }
            return Facts(["servers": [one]], words: Self.page(one))
        }
    }

    private static func table(_ servers: [JSONValue]) -> [String] {
        let rows = servers.map { server in
            [
                server["alias"]?.text ?? "", server["state"]?.text ?? "", server["account"]?.text ?? "",
                [server["error"]?.text, server["deprecated"]?.text.map { "about to go: \($0)" }]
                    .compactMap { $0 }.joined(separator: "; "),
            ]
        }
        return Table.lines(
            ["SERVER", "STATE", "ACCOUNT", ""],
            rows,
            empty: "No server yet: an administrator adds one with `doorward admin servers add`."
        )
    }

    private static func page(_ server: JSONValue) -> [String] {
        let alias = server["alias"]?.text ?? ""
        let since = server["since"]?.text.map { " since \($0)" } ?? ""
        let state = server["state"]?.text ?? ""
        var words = ["\(alias) is \(state == "needs_sign_in" ? "waiting for your sign-in" : state)\(since)."]
        if let error = server["error"]?.text { words.append(error) }
        if let message = server["deprecated"]?.text { words.append("It is about to go: \(message)") }
        if state == "needs_sign_in" { words.append("Sign in: doorward connect \(alias)") }
        let errors = errors([server])
        return words
            + (server["errors"]?.array?.isEmpty ?? true ? ["No call has failed since the agent began."] : errors)
    }

    /// The last errors, the newest first.
    private static func errors(_ servers: [JSONValue]) -> [String] {
        let errors = servers.flatMap { server in
            (server["errors"]?.array ?? []).map { error in
                [
                    error["last"]?.text ?? "", server["alias"]?.text ?? "", "\(error["count"]?.int ?? 1)",
                    error["message"]?.text ?? "",
                ]
            }
        }
        return Table.lines(
            ["LAST", "SERVER", "TIMES", ""],
            errors.sorted { $0[0] > $1[0] },
            empty: "No server has failed since the agent began."
        )
    }
}
