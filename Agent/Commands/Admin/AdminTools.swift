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
                let answer = try await context.asAdmin { try await $0.list("/v1/tools", query, "tools") }
                let tools = answer["tools"]?.array ?? []
                let rows = tools.map { tool in
                    [
                        tool["server"]?.text ?? "", PlainText.visible(tool["tool"]?.text ?? ""),
                        tool["state"]?.text ?? "", tool["since"]?.text ?? "",
                        "\(tool["machines"]?.int ?? 0)", tool["last_seen"]?.text ?? "",
                        tool["differs"]?.array?.isEmpty ?? true ? "" : "SHOWN DIFFERENTLY",
                    ]
                }
                let none =
                    "No machine was shown any tool yet: a server's tools are known once a client has listed them."
                return Facts(
                    answer,
                    words: Table.lines(
                        ["SERVER", "TOOL", "STATE", "SINCE", "MACHINES", "LAST SEEN", ""],
                        rows,
                        empty: none
                    ) + tools.filter(AdminTools.isWorthALook).flatMap(AdminTools.difference)
                        + (answer["waiting"]?.array ?? []).flatMap(AdminTools.advice)
                )
            }
        }
    }

    /// `doorward admin tools approve SERVER TOOL`, or `SERVER --all --listing HASH`.
    struct Approve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "approve",
            abstract: "Let clients be shown the definition of a tool that is held back, or all that wait of a server.",
            discussion: """
                --all without --listing shows what would be approved, and the hash that stands for it: with that hash \
                exactly this is approved, and nothing else. Tools that machines were shown differently are left out.
                """
        )

        @Argument(help: "The alias of the server.")
        var server: String

        @Argument(help: "The name of the tool, as the server has it.")
        var tool: String?

        @Option(help: "The hash of the definition that was reviewed: another one is then not approved.")
        var definition: String?

        @Flag(name: .long, help: "All that wait of the server.")
        var all = false

        @Option(help: "With --all: the hash of the listing that was reviewed.")
        var listing: String?

        @OptionGroup var output: OutputOptions

        func validate() throws {
            guard all != (tool != nil) else { throw ValidationError("Give either the name of a tool, or --all.") }
            guard all ? definition == nil : listing == nil else {
                throw ValidationError("--definition is for one tool, --listing for --all.")
            }
        }

        func run() async throws {
            try await report(output) { context in
                guard let tool else {
                    guard let listing else { return try await look(context) }
                    return try await approveAll(listing, context)
                }
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

        /// What would be approved; nothing is.
        private func look(_ context: CommandContext) async throws -> Facts {
            let query = try AdminTools.query(server)
            let answer = try await context.asAdmin { try await $0.list("/v1/tools", query, "tools") }
            let waiting = (answer["tools"]?.array ?? []).filter { $0["state"]?.text == "quarantined" }
            guard let listing = answer["waiting"]?.array?.first else {
                throw CommandFailure(
                    "nothing_waits",
                    "No definition of \(server) waits for approval.",
                    next: "doorward admin tools list"
                )
            }
            let words = waiting.flatMap(AdminTools.difference)
            for word in words where !output.json { Output.line(PlainText.visible(word)) }
            let hash = listing["listing"]?.text ?? ""
            let message = "Nothing is approved: look at these \(waiting.count) definitions first."
            let next = "doorward admin tools approve \(server) --all --listing \(hash)"
            throw CommandFailure(
                "look_first",
                message,
                next: next,
                status: .needsUser,
                json: [
                    "error": ["code": "look_first", "message": .text(message), "next": .text(next)],
                    "listing": .text(hash), "tools": .array(waiting),
                ]
            )
        }

        private func approveAll(_ listing: String, _ context: CommandContext) async throws -> Facts {
            let body: JSONValue = ["server": .text(server), "listing": .text(listing)]
            let answer = try await context.asAdmin { try await $0.json("POST", "/v1/tools/approvals/all", body) }
            let approved = (answer["tools"]?.array ?? []).compactMap { $0["tool"]?.text }
            let left = answer["left"]?.array ?? []
            var words = ["Approved of \(server): \(approved.joined(separator: ", "))"]
            if approved.isEmpty { words = ["Nothing of \(server) is approved."] }
            if !left.isEmpty {
                words.append("Left out, as machines were shown different definitions; approve the right one of each:")
                words += left.flatMap(AdminTools.difference)
            }
            return Facts(answer, words: words)
        }
    }

    private static func isWorthALook(_ tool: JSONValue) -> Bool {
        tool["state"]?.text == "quarantined" || tool["differs"]?.array?.isEmpty == false
    }

    /// What an administrator has to look at, line by line, with who was shown it.
    private static func difference(_ tool: JSONValue) -> [String] {
        let isFlagged = tool["differs"]?.array?.isEmpty == false
        guard let diff = tool["diff"]?.text, !diff.isEmpty || isFlagged else { return [] }
        let title = "\(tool["server"]?.text ?? "") \(tool["tool"]?.text ?? "") (\(tool["definition"]?.text ?? "")):"
        let machines = (tool["seen_by"]?.array ?? []).map { machine in
            "\(machine["user"]?.text ?? "") (\(machine["agent_id"]?.text ?? "")), "
                + "\(machine["first"]?.text ?? "") to \(machine["last"]?.text ?? "")"
        }
        var words = ["", title]
        if isFlagged { words.append("At the same time other machines were shown another definition of it.") }
        if isFlagged || !diff.isEmpty { words += machines.prefix(10).map { "seen by \($0)" } }
        return words
            + (diff.isEmpty ? [] : diff.split(separator: "\n", omittingEmptySubsequences: false).map(String.init))
    }

    private static func advice(_ waiting: JSONValue) -> [String] {
        let (server, listing) = (waiting["server"]?.text ?? "", waiting["listing"]?.text ?? "")
        return ["", "All of these together: doorward admin tools approve \(server) --all --listing \(listing)"]
    }

    private static func query(_ server: String?) throws -> [(String, String)] {
        guard let server else { return [] }
        guard ServerAlias.isValid(server) else {
            throw CommandFailure("bad_alias", "\(server) is no alias.", next: "doorward admin servers list")
        }
        return [("server", server)]
    }
}
