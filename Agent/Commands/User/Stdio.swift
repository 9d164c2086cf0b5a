internal import AgentCore
internal import AgentState
import ArgumentParser
internal import Contract
import Foundation
internal import ServiceKit
internal import StdioShim

/// `doorward stdio [SERVER]`: for clients that can only launch commands.
struct Stdio: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stdio",
        abstract: "Connect a client that only launches commands: MCP over standard input and output.",
        discussion:
            "The client starts this command, one for each of its conversations. `doorward client add NAME` shows what "
            + "to write into its configuration."
    )

    @Argument(help: "The alias of the server; without it, all servers that you may use, at once.")
    var server: String?

    @Option(name: .customLong("client"), help: "Act as this client, which `doorward client add` has made.")
    var client: String?

    func run() async throws {
        if let server, !ServerAlias.isValid(server) {
            throw CommandFailure(
                "unknown_server",
                "\(PlainText.visible(server)) is no alias of a server.",
                next: "doorward servers",
                status: .badUsage
            )
        }
        if let client, !ClientCredentials.isName(client) {
            throw CommandFailure(
                "bad_name",
                "A client is called by 1 to 64 of a-z, A-Z, 0-9, -, _ and .",
                next: "doorward client list",
                status: .badUsage
            )
        }
        do {
            let environment = ProcessInfo.processInfo.environment
            let home = try AgentHome.standard(environment: environment)
            // One process of this command is one conversation of its client.
            let thread = UUID().uuidString
            var configuration = ShimConfiguration(
                socketPath: home.socketPath(environment: environment),
                target: server.map { "/servers/\($0)/threads/\(thread)/mcp" } ?? "/mcp",
                server: server ?? "the servers",
                client: client
            )
            // What the agent takes; where its settings cannot be read, it says so itself.
            if let settings = try? AgentSettings(home: home) { configuration.longestMessage = settings.longestMessage }
            try await StdioShim.run(configuration, input: STDIN_FILENO, output: STDOUT_FILENO) { Console.note($0) }
        } catch {
            throw CommandFailure(explaining: error)
        }
    }
}
