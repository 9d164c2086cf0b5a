import ArgumentParser
internal import Policy
internal import StrictJSON

/// `doorward admin users`: the people, what each of them may do, and how a person is removed.
struct AdminUsers: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "users",
        abstract: "List the people, give somebody another role, lock or remove somebody.",
        subcommands: [List.self, Role.self, Lock.self, Unlock.self, Remove.self],
        defaultSubcommand: List.self
    )

    /// `doorward admin users list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "List the people.")

        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await report(output) { context in
                let answer = try await context.asAdmin { try await $0.list("/v1/users", [], "users") }
                let rows = (answer["users"]?.array ?? []).map { user in
                    [
                        user["email"]?.text ?? "", user["role"]?.text ?? "",
                        user["locked"]?["since"]?.text.map { "since \($0)" } ?? "",
                    ]
                }
                return Facts(answer, words: Table.lines(["USER", "ROLE", "LOCKED"], rows, empty: "Nobody yet."))
            }
        }
    }

    /// `doorward admin users role EMAIL ROLE`.
    struct Role: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "role",
            abstract: "Give somebody another role.",
            discussion: "A lower one takes from the person's tokens and invitations what it may not give any more."
        )

        @Argument(help: "The person's e-mail address.")
        var email: String

        @Argument(help: "What the person may do at the coordinator from now on.")
        var role: OrganisationRole

        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await report(output) { context in
                let answer = try await context.asAdmin { admin in
                    let id = try await admin.user(email)
                    return try await admin.json("PUT", "/v1/users/\(id)", ["role": .text(role.rawValue)])
                }
                return Facts(
                    answer,
                    words: ["\(answer["email"]?.text ?? email) is \(role.rawValue) now."] + TakenAway(answer).words
                )
            }
        }
    }

    /// `doorward admin users remove EMAIL`.
    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "remove",
            abstract: "Remove somebody, with machines, tokens and invitations.",
            discussion: "What the person did stays in the records. The person can be invited again."
        )

        @Argument(help: "The person's e-mail address.")
        var email: String

        @OptionGroup var enrolled: EnrolledOptions

        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await report(output) { context in
                let answer = try await context.asAdmin { admin in
                    let id = try await admin.user(email)
                    return try await admin.json("DELETE", "/v1/users/\(id)\(enrolled.query)")
                }
                return Facts(
                    answer,
                    words: ["\(answer["email"]?.text ?? email) was removed."] + TakenAway(answer).words
                )
            }
        }
    }
}

extension AdminConnection {
    /// The id of the person of this address, as one segment of a path; throws the coordinator's own problem or a
    /// `CommandFailure`.
    func user(_ text: String) async throws -> String {
        guard let email = EmailAddress(text) else {
            throw CommandFailure(
                "bad_email",
                "\(text) is no e-mail address.",
                next: "doorward admin users",
                status: .badUsage
            )
        }
        // An address can hold characters that have another meaning in a path; a pseudonym has none.
        let users = try await list("/v1/users", [("email", email.text)], "users")["users"]?.array ?? []
        guard let id = users.first(where: { $0["email"]?.text == email.text })?["id"]?.text else {
            throw CommandFailure(
                "unknown_user",
                "There is nobody with the address \(email).",
                next: "doorward admin users"
            )
        }
        return try PathSegment.encoded(id)
    }
}
