import ArgumentParser
internal import LocalControl
internal import StrictJSON

/// `doorward servers`: the servers that the user may call, and their states.
struct Servers: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show the servers that you may use, and their states.")

    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await report(output) { context in
            let facts = try await context.agent.get("servers")
            let rows = (facts["servers"]?.array ?? []).map { server in
                [
                    server["alias"]?.text ?? "", server["state"]?.text ?? "", server["account"]?.text ?? "",
                    server["error"]?.text ?? "",
                ]
            }
            return Facts(
                facts,
                words: Table.lines(
                    ["SERVER", "STATE", "ACCOUNT", ""],
                    rows,
                    empty: "No server yet: an administrator adds one with `doorward admin servers add`."
                )
            )
        }
    }
}
