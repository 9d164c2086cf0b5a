import ArgumentParser
internal import Contract
internal import StrictJSON

/// How a proposal is taken: the options of `doorward admin servers approve`.
struct EntryOptions: ParsableArguments {
    @Option(name: .long, help: "The alias: 1 to 32 of a-z, 0-9 and -; without it one that is made of the name.")
    var alias: String?

    @Option(name: .long, help: "Take this of the remotes that the proposal shows (the first one without it).")
    var remote: Int?

    @Option(name: .long, help: "Take this of its packages, as a program that agents start in a sandbox.")
    var package: Int?

    @Option(name: .long, help: "With --package: the program that is installed on the machines of its users.")
    var command: String?

    @Flag(name: .long, help: "With --package and --network: uvx or npx gets the package at each start.")
    var download = false

    @Flag(name: .long, help: "With --package: it may use the network.")
    var network = false

    @Option(name: .long, help: "With --package: a file or folder that it may read; may be given again.")
    var read: [String] = []

    @Option(name: .long, help: "With --package: a file or folder that it may read and write.")
    var write: [String] = []

    @Option(name: .long, help: "A value that the proposal asks for: NAME=VALUE; may be given again.")
    var value: [String] = []

    @Option(name: .long, help: "How the server knows its callers: oauth or none.")
    var auth: AdminServers.Add.Authorization?

    @Option(name: .customLong("client-id"), help: "With --auth oauth: the client that is registered beforehand.")
    var clientID: String?

    @Option(name: .long, help: "The port that is registered for it: http://127.0.0.1:PORT/callback.")
    var redirectPort: Int?

    @Flag(name: .long, help: "The server, and where it signs people in, may be on this machine.")
    var allowLoopback = false

    @Option(name: .long, help: "Seconds of silence after which a call is given up, 1 to 3600 (default 300).")
    var timeout: Int?

    @OptionGroup(title: "Servers within the organisation") var reach: ReachOptions
    @OptionGroup var sharing: SharingOptions

    func validate() throws {
        guard package != nil || command == nil && !download && !network && read.isEmpty && write.isEmpty else {
            throw ValidationError("--command, --download, --network, --read and --write need --package")
        }
        guard auth != nil || clientID == nil && redirectPort == nil else {
            throw ValidationError("--client-id and --redirect-port need --auth oauth")
        }
        for each in value where !each.contains("=") { throw ValidationError("--value is NAME=VALUE") }
    }

    /// The body of a request that chooses.
    func choice() throws -> JSONObject {
        var choice = JSONObject()
        choice["alias"] = alias.map { .text($0) }
        choice["remote"] = remote.map { .int($0) }
        choice["package"] = package.map { .int($0) }
        choice["command"] = command.map { .text($0) }
        if download { choice["download"] = true }
        if !read.isEmpty { choice["read"] = .array(read.map { .text($0) }) }
        if !write.isEmpty { choice["write"] = .array(write.map { .text($0) }) }
        var values = JSONObject()
        for each in value {
            let parts = each.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            values[JSONText(String(parts[0]))] = .text(String(parts[1]))
        }
        if !values.isEmpty { choice["values"] = .object(values) }
        let settings = try settings()
        if !settings.isEmpty { choice["settings"] = .object(settings) }
        return choice
    }

    private func settings() throws -> JSONObject {
        var settings = sharing.settings
        for member in try reach.settings().members { settings[member.name] = member.value }
        if let auth {
            var object: JSONObject = ["type": .text(auth.rawValue)]
            object["client_id"] = clientID.map { .text($0) }
            object["redirect_port"] = redirectPort.map { .int($0) }
            settings["auth"] = .object(object)
        }
        if allowLoopback { settings["allow_loopback"] = true }
        if network { settings["network"] = true }
        settings["timeout_s"] = timeout.map { .int($0) }
        return settings
    }
}

extension AdminServers {
    /// `doorward admin servers approve ID`.
    struct Approve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "approve",
            abstract: "Sign a proposal off: agents hear of its server at once.",
            discussion: """
                The id of a proposal stands for exactly what `proposals ID` showed of it. A later version of a server keeps \
                what was chosen for the version in use, where nothing else is said here.
                """
        )

        @Argument(help: "The proposal.")
        var proposal: String

        @OptionGroup var entry: EntryOptions

        @Flag(name: .long, help: "It may take the place of a server of that alias that has come from elsewhere.")
        var replace = false

        @Flag(name: .long, help: "Only show what would become of it.")
        var dryRun = false

        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await report(output) { context in
                var body = try entry.choice()
                if replace { body["replace"] = true }
                let path = "/v1/proposals/\(try PathSegment.encoded(proposal))"
                let (choice, isDry) = (JSONValue.object(body), dryRun)
                let answer = try await context.asAdmin {
                    try await $0.json("POST", "\(path)/\(isDry ? "review" : "approval")", choice)
                }
                guard !dryRun else { return Facts(answer, words: Proposals.page(answer)) }
                let alias = answer["entry"]?["_meta"]?[RegistryEntry.settingsName]?["alias"]?.text ?? ""
                let diff = AdminServers.lines(answer["diff"])
                return Facts(answer, words: ["\(alias) is registered, and agents hear of it at once:", ""] + diff)
            }
        }
    }
}
