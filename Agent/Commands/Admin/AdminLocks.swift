import ArgumentParser
internal import StrictJSON

/// Why somebody or something is locked.
struct LockOptions: ParsableArguments {
    @Option(name: .long, help: "Why, in one line: it is shown to whoever is locked out, and stays in the log.")
    var why: String?

    var body: JSONValue {
        var object: JSONObject = [:]
        object["why"] = why.map { .text($0) }
        return .object(object)
    }
}

extension AdminAgents {
    /// `doorward admin agents lock AGENT`.
    struct Lock: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "lock",
            abstract: "Lock a machine out until the lock is taken off.",
            discussion: """
                No call passes on it, and nothing that it has made opens anything: tokens, invitations, browsers. It goes on \
                sending its records, and nothing is taken away.
                """
        )

        @Argument(help: "The machine, as the list names it.")
        var agent: String

        @OptionGroup var lock: LockOptions

        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await report(output) { context in
                let path = "/v1/agents/\(try PathSegment.encoded(agent))/lock"
                let answer = try await context.asAdmin { try await $0.json("PUT", path, lock.body) }
                return Facts(
                    answer,
                    words: [
                        "\(agent), a machine of \(answer["user"]?.text ?? "somebody"), is locked: online it hears of it at once.",
                        "Take the lock off with: doorward admin agents unlock \(agent)",
                    ]
                )
            }
        }
    }

    /// `doorward admin agents unlock AGENT`.
    struct Unlock: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "unlock",
            abstract: "Take the lock off a machine."
        )

        @Argument(help: "The machine, as the list names it.")
        var agent: String

        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await report(output) { context in
                let path = "/v1/agents/\(try PathSegment.encoded(agent))/lock"
                let answer = try await context.asAdmin { try await $0.json("DELETE", path) }
                let isUserLocked = answer["user_locked"]?.bool ?? false
                let words =
                    isUserLocked
                    ? "\(agent) has no lock of its own any more; its person is still locked."
                    : "\(agent) is not locked any more."
                return Facts(answer, words: [words])
            }
        }
    }
}

extension AdminUsers {
    /// `doorward admin users lock EMAIL`.
    struct Lock: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "lock",
            abstract: "Lock somebody out, with all machines, until the lock is taken off."
        )

        @Argument(help: "The person's e-mail address.")
        var email: String

        @OptionGroup var lock: LockOptions

        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await report(output) { context in
                let answer = try await context.asAdmin { admin in
                    let id = try await admin.user(email)
                    return try await admin.json("PUT", "/v1/users/\(id)/lock", lock.body)
                }
                let name = answer["email"]?.text ?? email
                return Facts(
                    answer,
                    words: ["\(name) is locked.", "Take the lock off with: doorward admin users unlock \(name)"]
                )
            }
        }
    }

    /// `doorward admin users unlock EMAIL`.
    struct Unlock: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "unlock",
            abstract: "Take the lock off somebody."
        )

        @Argument(help: "The person's e-mail address.")
        var email: String

        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await report(output) { context in
                let answer = try await context.asAdmin { admin in
                    let id = try await admin.user(email)
                    return try await admin.json("DELETE", "/v1/users/\(id)/lock")
                }
                return Facts(answer, words: ["\(answer["email"]?.text ?? email) is not locked any more."])
            }
        }
    }
}
