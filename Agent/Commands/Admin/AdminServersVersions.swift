import ArgumentParser
internal import Contract
internal import ServiceKit
internal import StrictJSON

extension AdminServers {
    /// `doorward admin servers versions NAME [VERSION]`.
    struct Versions: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "versions",
            abstract: "Show the versions of a server that were in use, or what one differs in from the one in use."
        )

        @Argument(help: "The alias of the server.")
        var name: String

        @Argument(help: "A version.")
        var version: String?

        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await report(output) { context in
                let path = "/v1/servers/\(try AdminServers.alias(name))/versions"
                let answer = try await context.asAdmin { try await $0.json("GET", path) }
                let versions = answer["versions"]?.array ?? []
                guard let version else { return Facts(answer, words: Self.table(versions)) }
                guard let one = versions.first(where: { $0["version"]?.text == version }) else {
                    throw CommandFailure(
                        "unknown_server_version",
                        "\(name) was never in use in the version \(version).",
                        next: "doorward admin servers versions \(name)"
                    )
                }
                let current = versions.first { $0["in_use"]?.bool == true }
                let diff = JSONDiff.text(from: current?["entry"]?.bytes, to: one["entry"]?.bytes ?? [])
                guard case .object(var facts) = one else { return Facts(one, words: []) }
                facts["diff"] = .text(diff)
                let none = "It is what is in use."
                return Facts(.object(facts), words: diff.isEmpty ? [none] : AdminServers.lines(.text(diff)))
            }
        }

        private static func table(_ versions: [JSONValue]) -> [String] {
            let rows = versions.map { version in
                [
                    version["version"]?.text ?? "", version["in_use"]?.bool == true ? "in use" : "",
                    version["status"]?.text ?? "", version["updated"]?.text ?? "",
                    version["published_by"]?.text ?? "", version["message"]?.text ?? "",
                ]
            }
            return Table.lines(["VERSION", "", "STATUS", "SINCE", "BY", ""], rows, empty: "")
        }
    }

    /// `doorward admin servers use NAME VERSION`.
    struct Use: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "use",
            abstract: "Put a version of a server back into use: agents hear of it at once."
        )

        @Argument(help: "The alias of the server.")
        var name: String

        @Argument(help: "A version that was in use before.")
        var version: String

        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await report(output) { context in
                let path = "/v1/servers/\(try AdminServers.alias(name))/version"
                let body: JSONValue = ["version": .text(version)]
                let answer = try await context.asAdmin { try await $0.json("PUT", path, body) }
                return Facts(answer, "\(name) is used in the version \(version).")
            }
        }
    }

    /// `doorward admin servers deprecate NAME`.
    struct Deprecate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "deprecate",
            abstract: "Say that a server is about to go, or that it is not: its users are told."
        )

        @Argument(help: "The alias of the server.")
        var name: String

        @Option(name: .long, help: "What its users are told, such as what to use in its place.")
        var message: String?

        @Flag(name: .long, help: "It is not about to go any more.")
        var undo = false

        @OptionGroup var output: OutputOptions

        func validate() throws {
            guard undo != (message != nil) else { throw ValidationError("Give either --message TEXT, or --undo.") }
        }

        func run() async throws {
            try await report(output) { context in
                let path = "/v1/servers/\(try AdminServers.alias(name))/status"
                var body: JSONObject = ["status": undo ? "active" : "deprecated"]
                body["message"] = message.map { .text($0) }
                let object = JSONValue.object(body)
                let answer = try await context.asAdmin { try await $0.json("PUT", path, object) }
                return Facts(
                    answer,
                    undo ? "\(name) is not about to go." : "\(name) is about to go, and its users are told."
                )
            }
        }
    }

    /// The alias, as a segment of a path.
    static func alias(_ name: String) throws -> String {
        guard ServerAlias.isValid(name) else {
            throw CommandFailure("bad_alias", "\(name) is no alias.", next: "doorward admin servers list")
        }
        return name
    }
}
