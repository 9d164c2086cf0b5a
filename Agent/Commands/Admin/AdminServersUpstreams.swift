import ArgumentParser
internal import Contract
internal import Fetch
internal import StrictJSON

extension AdminServers {
    /// `doorward admin servers upstreams`: the registries that the coordinator asks again and again what there is.
    struct Upstreams: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "upstreams",
            abstract: "Show the upstream registries and how they do, add and remove them.",
            discussion: """
                What they have becomes proposals: doorward admin servers proposals. A registry that asks for a token gets \
                the one in the file upstreams/HOST.token in the coordinator's data folder.
                """,
            subcommands: [List.self, Add.self, Remove.self, Pull.self],
            defaultSubcommand: List.self
        )

        /// `doorward admin servers upstreams list`.
        struct List: AsyncParsableCommand {
            static let configuration = CommandConfiguration(commandName: "list", abstract: "Show how they do.")

            @OptionGroup var output: OutputOptions

            func run() async throws {
                try await report(output) { context in
                    let answer = try await context.asAdmin { try await $0.json("GET", "/v1/upstreams") }
                    let upstreams = answer["upstreams"]?.array ?? []
                    let rows = upstreams.map { upstream in
                        [
                            upstream["name"]?.text ?? "", upstream["url"]?.text ?? "", upstream["state"]?.text ?? "",
                            upstream["succeeded"]?.text ?? "never", "\(upstream["waiting"]?.int ?? 0)",
                            upstream["error"]?.text ?? "",
                        ]
                    }
                    let empty = "None: doorward admin servers upstreams add NAME URL"
                    return Facts(
                        answer,
                        words: Table.lines(["REGISTRY", "URL", "STATE", "READ", "WAITING", ""], rows, empty: empty)
                            + upstreams.flatMap(Self.problems)
                    )
                }
            }

            private static func problems(_ upstream: JSONValue) -> [String] {
                let skipped = upstream["skipped"]?.int ?? 0
                guard skipped > 0 else { return [] }
                return ["", "\(upstream["name"]?.text ?? ""): \(skipped) of its servers cannot be taken, such as"]
                    + FieldProblem.list(upstream["problems"]).map { "  \($0.place) \($0.why)" }
            }
        }

        /// `doorward admin servers upstreams add NAME URL`.
        struct Add: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "add",
                abstract: "Have a registry asked that speaks the official API."
            )

            @Argument(help: "A name for it: 1 to 32 of a-z, 0-9 and -.")
            var name: String

            @Argument(help: "Where it is, such as https://registry.modelcontextprotocol.io")
            var url: String

            @Option(name: .long, help: "How often it is asked, such as 6h (default 1h).")
            var every: DurationArgument?

            @Option(name: .long, help: "Only servers of this name, such as 'io.github.example/*'; may be given again.")
            var only: [String] = []

            @Flag(name: .long, help: "It may be on the coordinator's own machine.")
            var allowLoopback = false

            @OptionGroup(title: "Registries within the organisation") var reach: ReachOptions
            @OptionGroup var output: OutputOptions

            func run() async throws {
                try await report(output) { context in
                    var upstream: JSONObject = ["name": .text(name), "url": .text(RegistryURL.base(url))]
                    upstream["every"] = every.map { .int($0.seconds) }
                    if !only.isEmpty { upstream["only"] = .array(only.map { .text($0) }) }
                    if allowLoopback { upstream["allow_loopback"] = true }
                    for member in try reach.settings().members { upstream[member.name] = member.value }
                    let new = JSONValue.object(upstream)
                    let settings = try await context.asAdmin { admin in
                        try await admin.changeUpstreams { all in
                            guard !all.contains(where: { $0["name"]?.text == name }) else {
                                throw CommandFailure(
                                    "name_taken",
                                    "There is an upstream registry \(name).",
                                    next: "doorward admin servers upstreams remove \(name)"
                                )
                            }
                            return all + [new]
                        }
                    }
                    return Facts(settings, "\(name) is asked within seconds: doorward admin servers upstreams")
                }
            }
        }

        /// `doorward admin servers upstreams remove NAME`.
        struct Remove: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "remove",
                abstract: "Have a registry asked no more; servers and proposals stay."
            )

            @Argument(help: "Its name.")
            var name: String

            @OptionGroup var output: OutputOptions

            func run() async throws {
                try await report(output) { context in
                    let settings = try await context.asAdmin { admin in
                        try await admin.changeUpstreams { all in
                            let rest = all.filter { $0["name"]?.text != name }
                            guard rest.count < all.count else {
                                throw CommandFailure(
                                    "unknown_upstream",
                                    "There is no upstream registry \(name).",
                                    next: "doorward admin servers upstreams"
                                )
                            }
                            return rest
                        }
                    }
                    return Facts(settings, "\(name) is asked no more.")
                }
            }
        }

        /// `doorward admin servers upstreams pull NAME`.
        struct Pull: AsyncParsableCommand {
            static let configuration = CommandConfiguration(commandName: "pull", abstract: "Have one asked at once.")

            @Argument(help: "Its name.")
            var name: String

            @OptionGroup var output: OutputOptions

            func run() async throws {
                try await report(output) { context in
                    let path = "/v1/upstreams/\(try PathSegment.encoded(name))/pull"
                    let answer = try await context.asAdmin { try await $0.json("POST", path) }
                    return Facts(answer, "\(name) is asked within seconds: doorward admin servers upstreams")
                }
            }
        }
    }
}

/// The URL of a registry as people copy it.
enum RegistryURL {
    /// Without the path of the API, and without a slash at its end.
    static func base(_ text: String) -> String {
        var base = text
        while base.hasSuffix("/") { base.removeLast() }
        for path in ["/v0.1/servers", "/v0.1"] where base.hasSuffix(path) { base.removeLast(path.utf8.count) }
        return base
    }
}

extension AdminConnection {
    /// Changes the list of upstream registries.
    fileprivate func changeUpstreams(_ change: ([JSONValue]) throws -> [JSONValue]) async throws -> JSONValue {
        try await changeRegistry { settings in
            settings["upstreams"] = .array(try change(settings["upstreams"]?.array ?? []))
        }
    }
}
