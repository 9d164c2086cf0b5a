import ArgumentParser
internal import StrictJSON

/// `doorward admin agents`: the machines, and what to do about one that is lost.
struct AdminAgents: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agents",
        abstract: "List the machines, lock one, and take the key of one that is lost away.",
        subcommands: [List.self, Lock.self, Unlock.self, Revoke.self, DropLog.self],
        defaultSubcommand: List.self
    )

    /// `doorward admin agents list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "List the machines.")

        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await report(output) { context in
                let answer = try await context.asAdmin { try await $0.list("/v1/agents", [], "agents") }
                let rows = (answer["agents"]?.array ?? []).map { agent in
                    [
                        agent["agent_id"]?.text ?? "", agent["user"]?.text ?? "", agent["version"]?.text ?? "",
                        agent["custody"]?.text ?? "", "\(agent["policy_version"]?.int ?? 0)",
                        "\((agent["stored_bytes"]?.int ?? 0) >> 20) MiB", Self.health(agent),
                        agent["last_seen"]?.text ?? "", Self.state(agent),
                    ]
                }
                let header = [
                    "AGENT", "USER", "VERSION", "CUSTODY", "POLICY", "STORED", "SERVERS", "LAST SEEN", "STATE",
                ]
                return Facts(answer, words: Table.lines(header, rows, empty: "No machine is enrolled."))
            }
        }

        /// Whether it is heard of, and what shuts it out.
        private static func state(_ agent: JSONValue) -> String {
            if let why = agent["revoked"]?.text { return "revoked: \(why)" }
            let isLocked = agent["locked"]?.object != nil || agent["user_locked"]?.bool == true
            return (isLocked ? "locked, " : "") + (agent["presence"]?.text ?? "")
        }

        /// How the machine's servers do: those that are not up, by their names.
        private static func health(_ agent: JSONValue) -> String {
            guard let servers = agent["servers"]?.array else { return "" }
            let others = servers.filter { $0["state"]?.text != "up" }
                .map { "\($0["alias"]?.text ?? "") \($0["state"]?.text ?? "")" }
            return others.isEmpty ? "\(servers.count) up" : others.joined(separator: ", ")
        }
    }

    /// `doorward admin agents revoke AGENT`.
    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "revoke",
            abstract: "Take a machine's key away, for good.",
            discussion: "The tokens and the unused invitations that it made end with it."
        )

        @Argument(help: "The machine, as the list names it.")
        var agent: String

        @OptionGroup var enrolled: EnrolledOptions

        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await report(output) { context in
                let path = "/v1/agents/\(try PathSegment.encoded(agent))\(enrolled.query)"
                let answer = try await context.asAdmin { try await $0.json("DELETE", path) }
                return Facts(
                    answer,
                    words: [
                        "The key of \(agent), a machine of \(answer["user"]?.text ?? "somebody"), opens nothing any more.",
                        "Online it closes within a minute; offline, when its policy expires, in at most seven days.",
                    ] + TakenAway(answer).words
                )
            }
        }
    }
}
