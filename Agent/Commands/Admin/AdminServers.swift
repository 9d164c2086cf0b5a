import ArgumentParser
internal import Contract
internal import StrictJSON

/// `doorward admin servers`: the registry.
struct AdminServers: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "servers",
        abstract: "Register MCP servers.",
        subcommands: [
            Add.self, List.self, Remove.self, Versions.self, Use.self, Deprecate.self, Import.self, Proposals.self,
            Approve.self, Reject.self, Upstreams.self, Settings.self,
        ]
    )

    /// `doorward admin servers add NAME`, with `--url URL` or `--stdio ... -- CMD ARG...`.
    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "add", abstract: "Register a server.")

        /// How a server knows its callers.
        enum Authorization: String, ExpressibleByArgument, CaseIterable {
            case oauth, none
        }

        @Argument(help: "The alias: 1 to 32 of a-z, 0-9 and -.")
        var name: String

        @Option(name: .long, help: "Where the server is: https, or http on this machine with --allow-loopback.")
        var url: String?

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

        @OptionGroup(title: "Servers that are programs") var stdio: StdioOptions
        @OptionGroup(title: "Servers within the organisation") var reach: ReachOptions
        @OptionGroup var sharing: SharingOptions
        @OptionGroup var output: OutputOptions

        func validate() throws {
            let isProgram = try stdio.program() != nil
            guard isProgram != (url != nil) else {
                throw ValidationError("Give either --url URL, or --stdio and the program after --.")
            }
            guard
                !isProgram || auth == .none && clientID == nil && redirectPort == nil && !allowLoopback && reach.isEmpty
            else {
                throw ValidationError(
                    "--auth, --client-id, --redirect-port, --allow-loopback, --allow-private and --ca are about URLs."
                )
            }
        }

        func run() async throws {
            let program = try stdio.program()
            try await report(output) { context in
                let entry: RegistryEntry
                do {
                    entry = try made(program).setting(sharing.settings).setting(try reach.settings())
                } catch let error as ShapeError {
                    throw CommandFailure(
                        "bad_entry",
                        "The entry is refused: \(error)",
                        next: "doorward admin servers add --help"
                    )
                }
                let answer = try await context.asAdmin { try await $0.json("POST", "/v1/servers", entry.json) }
                return Facts(answer, "\(name) is registered.\(next(program))")
            }
        }

        private func made(_ program: StdioCommand?) throws -> RegistryEntry {
            if let program { return try RegistryEntry(alias: name, command: program, timeoutSeconds: timeout) }
            return try RegistryEntry(
                alias: name,
                url: url ?? "",
                authorization: ServerEntry.Authorization(
                    kind: auth == .oauth ? .oauth : .none,
                    clientID: clientID,
                    redirectPort: redirectPort
                ),
                allowsLoopback: allowLoopback,
                allowsForeignOwner: allowForeignOwner,
                timeoutSeconds: timeout
            )
        }

        private func next(_ program: StdioCommand?) -> String {
            if let program {
                let secrets = program.secrets.joined(separator: ", ")
                return " Approved is \(program.digest)."
                    + (secrets.isEmpty ? "" : " Its users give it \(secrets) with: doorward connect \(name)")
            }
            return auth == .oauth ? " Its users sign in with: doorward connect \(name)" : ""
        }
    }

    /// `doorward admin servers list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "List the registered servers.")

        @Option(name: .long, help: "Only those whose name, title, description or category has this in it.")
        var search: String?

        @Option(name: .long, help: "Only those of this category.")
        var category: String?

        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await report(output) { context in
                let query = [("search", search), ("category", category)].compactMap { name, value in
                    value.map { (name, $0) }
                }
                let answer = try await context.asAdmin { try await $0.list("/v1/servers", query, "servers") }
                return Facts(
                    answer,
                    words: Table.lines(
                        ["SERVER", "VERSION", "STATUS", "URL OR COMMAND", "AUTH OR APPROVED"],
                        (answer["servers"]?.array ?? []).map(Self.row),
                        empty: "No server yet: doorward admin servers add NAME --url URL"
                    )
                )
            }
        }

        private static func row(_ entry: JSONValue) -> [String] {
            let settings = entry["_meta"]?[RegistryEntry.settingsName]
            let stdio = settings?["stdio"]
            let official = entry["_meta"]?[ServerMeta.officialName]
            let message = official?["statusMessage"]?.text.map { ": \($0)" } ?? ""
            return [
                settings?["alias"]?.text ?? "", entry["version"]?.text ?? "",
                "\(official?["status"]?.text ?? "")\(message)",
                entry["remotes"]?.array?.first?["url"]?.text ?? Self.commandLine(stdio),
                stdio?["approved"]?.text ?? settings?["auth"]?["type"]?.text ?? "",
            ]
        }

        /// A command as it would be typed, with what makes an argument unclear in quotation marks.
        private static func commandLine(_ stdio: JSONValue?) -> String {
            let words = [stdio?["command"]?.text].compactMap { $0 } + (stdio?["args"]?.array ?? []).compactMap(\.text)
            return words.map { $0.isEmpty || $0.contains(" ") ? "\"\($0)\"" : $0 }.joined(separator: " ")
        }
    }

    /// `doorward admin servers remove NAME`.
    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "remove",
            abstract: "Take a server out of the registry."
        )

        @Argument(help: "The alias of the server.")
        var name: String

        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await report(output) { context in
                let path = "/v1/servers/\(try AdminServers.alias(name))"
                let answer = try await context.asAdmin { try await $0.json("DELETE", path) }
                return Facts(answer, "\(name) is gone.")
            }
        }
    }
}
