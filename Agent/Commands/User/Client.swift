import ArgumentParser
internal import AgentCore
internal import AgentState
internal import StrictJSON

/// `doorward client`: credentials for MCP clients.
struct Client: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "client",
        abstract: "Make and remove credentials for MCP clients.",
        subcommands: [Add.self, List.self, Remove.self]
    )

    /// `doorward client add NAME`: a new credential, shown once.
    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "add",
            abstract: "Make a credential for a client, and show how to connect it."
        )

        @Argument(help: "What rules and records call this client: a-z, 0-9, - and _.")
        var name: String

        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await report(output) { context in
                let credential = try ClientCredentials(home: context.home).add(name)
                await context.tellAgent()
                let listen = AgentAddress.last(context.home)
                let connection = ClientConnection(
                    name: name,
                    credential: credential,
                    listen: listen,
                    socketPath: context.home.socketPath,
                    aliases: try ServersOfUser.aliases(context).sorted(),
                    shim: .current
                )
                return Facts(connection.json, words: connection.words)
            }
        }
    }

    /// `doorward client list`: which clients have one.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "List the clients that have a credential."
        )

        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await report(output) { context in
                let clients = try ClientCredentials(home: context.home).list()
                let documents: [JSONValue] = clients.map { ["name": .text($0.name), "created": .text($0.created)] }
                return Facts(
                    ["clients": .array(documents)],
                    words: Table.lines(
                        ["CLIENT", "SINCE"],
                        clients.map { [$0.name, $0.created] },
                        empty: "No client has a credential yet: doorward client add NAME"
                    )
                )
            }
        }
    }

    /// `doorward client remove NAME`: its credential is worthless at once.
    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "remove",
            abstract: "Take a client's credential away."
        )

        @Argument(help: "The name of the client.")
        var name: String

        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await report(output) { context in
                try ClientCredentials(home: context.home).remove(name)
                await context.tellAgent()
                return Facts(["removed": .text(name)], "\(name) is out.")
            }
        }
    }
}
