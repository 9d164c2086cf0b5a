import ArgumentParser
internal import StrictJSON

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

/// The word that may follow a noun.
enum Listing: String, ExpressibleByArgument, CaseIterable {
    case list
}
