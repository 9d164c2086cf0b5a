import ArgumentParser
internal import AgentState
internal import StrictJSON

/// What a person may do at the coordinator.
enum OrganisationRole: String, ExpressibleByArgument, CaseIterable {
    case owner, admin, editor, auditor, member
}

/// `doorward admin invite`: one-time tokens with which people enrol machines.
struct AdminInvite: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "invite",
        abstract: "Make a one-time token with which somebody enrols a machine; list them, take one back.",
        subcommands: [Make.self, List.self, Revoke.self],
        defaultSubcommand: Make.self
    )

    /// `doorward admin invite EMAIL`.
    struct Make: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "make",
            abstract: "Make a one-time token; the word `make` can be left out.",
            discussion: "The token ends with this machine, and with its time, unless it was used before."
        )

        @Argument(help: "The person's e-mail address.")
        var email: String

        @Option(name: .long, help: "What the person may do at the coordinator.")
        var role: OrganisationRole = .member

        @Option(name: .long, help: "How long the token can be used, such as 24h.")
        var expires = DurationArgument(seconds: 86_400)

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

    /// `doorward admin invite list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "List the invitations, the newest first."
        )

        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await report(output) { context in
                let answer = try await context.asAdmin { try await $0.list("/v1/invitations", [], "invitations") }
                let members: [JSONText] = [
                    "id", "email", "role", "state", "made_by", "made_with", "expires", "agent_id",
                ]
                let rows = (answer["invitations"]?.array ?? []).map { each in members.map { each[$0]?.text ?? "" } }
                let header = ["ID", "USER", "ROLE", "STATE", "MADE BY", "MADE WITH", "EXPIRES", "USED BY"]
                return Facts(answer, words: Table.lines(header, rows, empty: "Nobody was invited yet."))
            }
        }
    }

    /// `doorward admin invite revoke ID`.
    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "revoke",
            abstract: "Take an invitation back that nobody has used."
        )

        @Argument(help: "The invitation, as the list names it.")
        var id: String

        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await report(output) { context in
                let segment = try PathSegment.encoded(id)
                let answer = try await context.asAdmin { try await $0.json("DELETE", "/v1/invitations/\(segment)") }
                return Facts(
                    answer,
                    "The invitation for \(answer["email"]?.text ?? "somebody") opens nothing any more."
                )
            }
        }
    }
}
