import ArgumentParser

/// The agent and the commands of the user and of the administrator.
struct Doorward: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doorward",
        abstract: "Lets MCP clients through to MCP servers: decided, recorded, proven.",
        version: "0.1.0"
    )
}

Doorward.main()
