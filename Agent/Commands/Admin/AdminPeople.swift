import ArgumentParser
internal import StrictJSON
internal import CoordinatorLink

/// `doorward admin invite EMAIL`: a one-time token for somebody's machine.
struct AdminInvite: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "invite",
        abstract: "Make a one-time token with which somebody enrols a machine."
    )

    /// What somebody may do at the coordinator.
    enum Role: String, ExpressibleByArgument, CaseIterable {
        case owner, admin, editor, auditor, member
    }

    @Argument(help: "The person's e-mail address.")
    var email: String

    @Option(name: .long, help: "What the person may do at the coordinator.")
    var role: Role = .member

    @Option(name: .long, help: "How long the token can be used, such as 24h.")
    var expires = Lifetime(seconds: 86_400)

    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await report(output) { context in
            let question: JSONValue = [
                "email": .text(email), "role": .text(role.rawValue), "expires_in": .int(expires.seconds),
            ]
            let answer = try await context.asAdmin { try await $0.json("POST", "/v1/invitations", question) }
            return Facts(
                answer,
                words: [
                    "Give this token to \(email); it can be used once, until \(answer["expires"]?.text ?? ""):",
                    answer["token"]?.text ?? "",
                    "There: doorward login \(try context.membership().url) --token-file FILE",
                ]
            )
        }
    }
}

/// `doorward admin users`.
struct AdminUsers: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "users", abstract: "List the people.")

    @Argument(help: .hidden)
    var verb = Listing.list

    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await report(output) { context in
            let answer = try await context.asAdmin { try await $0.json("GET", "/v1/users") }
            let rows = (answer["users"]?.array ?? []).map { [$0["email"]?.text ?? "", $0["role"]?.text ?? ""] }
            return Facts(answer, words: Table.lines(["USER", "ROLE"], rows, empty: "Nobody yet."))
        }
    }
}

/// `doorward admin roles`: the roles of the policy in force.
struct AdminRoles: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "roles", abstract: "List the roles of the policy.")

    @Argument(help: .hidden)
    var verb = Listing.list

    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await report(output) { context in
            let answer = try await context.asAdmin { try await $0.json("GET", "/v1/roles") }
            let rows = (answer["roles"]?.array ?? []).map { [$0["name"]?.text ?? $0.json] }
            return Facts(answer, words: Table.lines(["ROLE"], rows, empty: "The policy names no role."))
        }
    }
}

/// The word that may stand behind a noun.
enum Listing: String, ExpressibleByArgument, CaseIterable {
    case list
}
