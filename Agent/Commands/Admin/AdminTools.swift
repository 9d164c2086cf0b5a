import ArgumentParser
internal import Contract
internal import StrictJSON

/// `doorward admin tools`: what servers say of their tools, and what of it clients are shown.
struct AdminTools: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tools",
        abstract: "Review how servers describe their tools.",
        discussion: """
            A model acts on the name, the description and the schemas of a tool. What differs from what was approved is held \
            back: no list shows it, and no client can call it, until an administrator has approved it.
            """,
        subcommands: [List.self, Approve.self]
    )

    /// `doorward admin tools list [SERVER]`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "List the tools of servers, with what has changed in those that are held back."
        )

        @Argument(help: "The alias of a server; without one, all of them.")
        var server: String?

        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await report(output) { context in
                let query = try AdminTools.query(server)
                let answer = try await context.asAdmin { try await $0.json("GET", "/v1/tools\(query)") }
                let tools = answer["tools"]?.array ?? []
                let rows = tools.map { tool in
                    [
                        tool["server"]?.text ?? "", PlainText.visible(tool["tool"]?.text ?? ""),
                        tool["state"]?.text ?? "", tool["since"]?.text ?? "",
                    ]
                }
                let none =
                    "No machine was shown any tool yet: a server's tools are known once a client has listed them."
                return Facts(
                    answer,
                    words: Table.lines(["SERVER", "TOOL", "STATE", "SINCE"], rows, empty: none)
                        + tools.filter { $0["state"]?.text == "quarantined" }.flatMap(AdminTools.difference)
                )
            }
        }
    }

    /// `doorward admin tools approve SERVER TOOL`.
    struct Approve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "approve",
            abstract: "Let clients be shown the definition of a tool that is held back."
        )

        @Argument(help: "The alias of the server.")
        var server: String

        @Argument(help: "The name of the tool, as the server has it.")
        var tool: String

        @Option(help: "The hash of the definition that was reviewed: another one is then not approved.")
        var definition: String?

        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await report(output) { context in
                var question: JSONObject = ["server": .text(server), "tool": .text(tool)]
                question["definition"] = definition.map { .text($0) }
                let body = JSONValue.object(question)
                let answer = try await context.asAdmin { try await $0.json("POST", "/v1/tools/approvals", body) }
                return Facts(
                    answer,
                    words: ["\(tool) of \(server) is approved, and agents hear of it at once."]
                        + AdminTools.difference(answer)
                )
            }
        }
    }

    /// What an administrator has to look at, line by line.
    private static func difference(_ tool: JSONValue) -> [String] {
        guard let diff = tool["diff"]?.text, !diff.isEmpty else { return [] }
        let title = "\(tool["server"]?.text ?? "") \(tool["tool"]?.text ?? "") (\(tool["definition"]?.text ?? "")):"
        return ["", title] + diff.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    private static func query(_ server: String?) throws -> String {
        guard let server else { return "" }
        guard ServerAlias.isValid(server) else {
            throw CommandFailure("bad_alias", "\(server) is no alias.", next: "doorward admin servers list")
        }
        return "?server=\(server)"
    }
}
