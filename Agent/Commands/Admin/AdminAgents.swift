import ArgumentParser
internal import StrictJSON

/// `doorward admin agents`: the machines, and what to do about one that is lost.
struct AdminAgents: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agents",
        abstract: "List the machines, and take the key of one that is lost away.",
        subcommands: [List.self, Revoke.self],
        defaultSubcommand: List.self
    )

    /// `doorward admin agents list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the machines.")

        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await report(output) { context in
                let answer = try await context.asAdmin { try await $0.json("GET", "/v1/agents") }
                let rows = (answer["agents"]?.array ?? []).map { agent in
                    [
                        agent["agent_id"]?.text ?? "", agent["user"]?.text ?? "", agent["version"]?.text ?? "",
                        agent["custody"]?.text ?? "", "\(agent["policy_version"]?.int ?? 0)",
                        agent["last_seen"]?.text ?? "", agent["revoked"]?.text ?? "",
                    ]
                }
                let header = ["AGENT", "USER", "VERSION", "CUSTODY", "POLICY", "LAST SEEN", "REVOKED"]
                return Facts(answer, words: Table.lines(header, rows, empty: "No machine is enrolled."))
            }
        }
    }

    /// `doorward admin agents revoke AGENT`.
    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Take a machine's key away, for good.")

        @Argument(help: "The machine, as the list names it.")
        var agent: String

        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await report(output) { context in
                let segment = try PathSegment.encoded(agent)
                let answer = try await context.asAdmin { try await $0.json("DELETE", "/v1/agents/\(segment)") }
                return Facts(
                    answer,
                    words: [
                        "The key of \(agent), a machine of \(answer["user"]?.text ?? "somebody"), opens nothing any more.",
                        "Calls under the policy that it has go on until that expires, at most seven days from now.",
                    ]
                )
            }
        }
    }
}
