import ArgumentParser
internal import Contract
internal import StrictJSON

/// `doorward admin servers`: the registry.
struct AdminServers: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "servers",
        abstract: "Register MCP servers.",
        subcommands: [Add.self, List.self, Remove.self]
    )

    /// `doorward admin servers add NAME --url URL`.
    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Register a server.")

        /// How a server knows its callers.
        enum Authorization: String, ExpressibleByArgument, CaseIterable {
            case oauth, none
        }

        @Argument(help: "The alias: 1 to 32 of a-z, 0-9 and -.")
        var name: String

        @Option(name: .long, help: "Where the server is: https, or http on this machine with --allow-loopback.")
        var url: String

        @Option(name: .long, help: "How the server knows its callers: oauth or none.")
        var auth: Authorization = .none

        @Option(name: .customLong("client-id"), help: "With --auth oauth: the client that is registered beforehand.")
        var clientID: String?

        @Option(name: .long, help: "The port that is registered for it: http://127.0.0.1:PORT/callback.")
        var redirectPort: Int?

        @Flag(name: .long, help: "The server, and where it signs people in, may be on this machine.")
        var allowLoopback = false

        @Flag(name: .long, help: "With --allow-loopback: another user of the machine may be who runs it there.")
        var allowForeignOwner = false

        @Option(name: .long, help: "Seconds of silence after which a call is given up, 1 to 3600 (default 300).")
        var timeout: Int?

        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await report(output) { context in
                let entry: RegistryEntry
                do {
                    entry = try RegistryEntry(
                        alias: name,
                        url: url,
                        authorization: ServerEntry.Authorization(
                            kind: auth == .oauth ? .oauth : .none,
                            clientID: clientID,
                            redirectPort: redirectPort
                        ),
                        allowsLoopback: allowLoopback,
                        allowsForeignOwner: allowForeignOwner,
                        timeoutSeconds: timeout
                    )
                } catch let error as ShapeError {
                    throw CommandFailure(
                        "bad_entry",
                        "The entry is refused: \(error)",
                        next: "doorward admin servers add --help"
                    )
                }
                let answer = try await context.asAdmin { try await $0.json("POST", "/v1/servers", entry.json) }
                let next = auth == .oauth ? " Its users sign in with: doorward connect \(name)" : ""
                return Facts(answer, "\(name) is registered.\(next)")
            }
        }
    }

    /// `doorward admin servers list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the registered servers.")

        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await report(output) { context in
                let answer = try await context.asAdmin { try await $0.json("GET", "/v1/servers") }
                let rows = (answer["servers"]?.array ?? []).map { entry in
                    let settings = entry["_meta"]?[RegistryEntry.settingsName]
                    return [
                        settings?["alias"]?.text ?? "", entry["remotes"]?.array?.first?["url"]?.text ?? "",
                        settings?["auth"]?["type"]?.text ?? "",
                    ]
                }
                return Facts(
                    answer,
                    words: Table.lines(
                        ["SERVER", "URL", "AUTH"],
                        rows,
                        empty: "No server yet: doorward admin servers add NAME --url URL"
                    )
                )
            }
        }
    }

    /// `doorward admin servers remove NAME`.
    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Take a server out of the registry.")

        @Argument(help: "The alias of the server.")
        var name: String

        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await report(output) { context in
                guard ServerAlias.isValid(name) else {
                    throw CommandFailure("bad_alias", "\(name) is no alias.", next: "doorward admin servers list")
                }
                let answer = try await context.asAdmin { try await $0.json("DELETE", "/v1/servers/\(name)") }
                return Facts(answer, "\(name) is gone.")
            }
        }
    }
}
