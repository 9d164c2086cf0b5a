import ArgumentParser
internal import StrictJSON

/// `doorward admin tokens`: credentials for scripts that use the web API.
struct AdminTokens: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokens",
        abstract: "Make and remove tokens of the web API, for curl and automation.",
        subcommands: [Add.self, List.self, Remove.self]
    )

    /// What a token opens.
    enum Scope: String, ExpressibleByArgument, CaseIterable {
        case admin, read, policy, audit, metrics
    }

    /// `doorward admin tokens add NAME --scope SCOPE`.
    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "add", abstract: "Make a token, shown this once.")

        @Argument(help: "What the token is called.")
        var name: String

        @Option(name: .long, help: "What it opens, of what its maker may do; can be given more than once.")
        var scope: [Scope]

        @Option(name: .long, help: "How long it can be used, such as 30d.")
        var expires = DurationArgument(seconds: 30 * 86_400)

        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await report(output) { context in
                let question: JSONValue = [
                    "name": .text(name), "scopes": .array(scope.map { .text($0.rawValue) }),
                    "expires_in": .int(expires.seconds),
                ]
                let answer = try await context.asAdmin { try await $0.json("POST", "/v1/tokens", question) }
                return Facts(
                    answer,
                    words: [
                        "The token \(name), shown this once; it expires \(answer["expires"]?.text ?? ""):",
                        answer["token"]?.text ?? "",
                    ]
                )
            }
        }
    }

    /// `doorward admin tokens list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "List the tokens.")

        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await report(output) { context in
                let answer = try await context.asAdmin { try await $0.list("/v1/tokens", [], "tokens") }
                let rows = (answer["tokens"]?.array ?? []).map { token in
                    [
                        token["name"]?.text ?? "",
                        (token["scopes"]?.array ?? []).compactMap(\.text).joined(separator: " "),
                        token["user"]?.text ?? "", token["expires"]?.text ?? "",
                    ]
                }
                return Facts(
                    answer,
                    words: Table.lines(["TOKEN", "SCOPES", "MADE BY", "EXPIRES"], rows, empty: "There are no tokens.")
                )
            }
        }
    }

    /// `doorward admin tokens remove NAME`.
    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "remove",
            abstract: "Take a token away.",
            discussion: "The tokens and the unused invitations that were made with it end with it."
        )

        @Argument(help: "The name of the token.")
        var name: String

        @OptionGroup var enrolled: EnrolledOptions

        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await report(output) { context in
                let path = "/v1/tokens/\(try PathSegment.encoded(name))\(enrolled.query)"
                let answer = try await context.asAdmin { try await $0.json("DELETE", path) }
                return Facts(answer, words: ["The token \(name) is worthless now."] + TakenAway(answer).words)
            }
        }
    }
}

/// One segment of a path, made of what the user typed.
enum PathSegment {
    static func encoded(_ text: String) throws -> String {
        let plain = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~".utf8)
        guard !text.isEmpty, text != ".", text != "..", text.utf8.allSatisfy(plain.contains) else {
            throw CommandFailure("bad_name", "A name is made of A-Z, a-z, 0-9, -, ., _ and ~.", status: .badUsage)
        }
        return text
    }
}
