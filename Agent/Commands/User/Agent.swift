import AgentCore
import ArgumentParser
internal import Errors
internal import Logging
internal import ServiceKit

/// `doorward agent`: what systemd starts.
struct Agent: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agent",
        abstract: "Run the agent in the foreground.",
        discussion: "Installed, systemd runs it: systemctl --user enable --now doorward"
    )

    @Option(name: .long, help: "Where MCP clients connect: a loopback HOST:PORT; port 0 takes a free one.")
    var listen: String?

    func run() async throws {
        StandardLogging.bootstrap()
        do {
            let context = try CommandContext.make()
            let agent = try AgentCore.Agent(
                home: context.home,
                listen: listen,
                secrets: context.secrets,
                fetcher: context.fetcher,
                logger: Logger(label: "doorward")
            )
            try await agent.run()
        } catch let error as any ExplainedError where error.code == "not_loopback" {
            throw CommandFailure(error.code, error.message, next: error.next, status: .badUsage)
        } catch {
            throw CommandFailure(explaining: error)
        }
    }
}
