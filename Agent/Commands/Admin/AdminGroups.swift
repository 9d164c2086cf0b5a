import ArgumentParser
internal import Fetch
internal import StrictJSON

/// `doorward admin groups`: which people belong together, for the policy to bind to roles.
struct AdminGroups: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "groups",
        abstract: "List the groups, and say who is in one.",
        subcommands: [List.self, Change.self],
        defaultSubcommand: List.self
    )

    /// `doorward admin groups list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "List the groups.")

        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await report(output) { context in
                let answer = try await context.asAdmin { try await $0.list("/v1/groups", [], "groups") }
                let rows = (answer["groups"]?.array ?? []).map { group in
                    [
                        PlainText.visible(group["name"]?.text ?? ""), AdminGroups.people(group["members"]),
                        AdminGroups.people(group["from_provider"]),
                    ]
                }
                return Facts(
                    answer,
                    words: Table.lines(["GROUP", "MEMBERS", "BY THE PROVIDER"], rows, empty: "There are no groups.")
                )
            }
        }
    }

    /// `doorward admin groups change NAME --add EMAIL --remove EMAIL`.
    struct Change: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "change",
            abstract: "Put people into a group, and take people out of it.",
            discussion: "A group is there while it has members. Whom the provider names stays."
        )

        @Argument(help: "The group.")
        var name: String

        @Option(
            name: .long,
            help: ArgumentHelp("Somebody who is in it from now on; may be repeated.", valueName: "email")
        )
        var add: [String] = []

        @Option(name: .long, help: ArgumentHelp("Somebody who is not any more; may be repeated.", valueName: "email"))
        var remove: [String] = []

        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await report(output) { context in
                let path = "/v1/groups/\(try PathSegment.encoded(name))"
                let answer = try await context.asAdmin { admin in
                    let former = try await admin.send("GET", path)
                    // A group without members is not there, and is made.
                    if former.status != 404 { try AdminConnection.check(former) }
                    let group: JSONValue? =
                        former.status == 404 ? .none : .some(try JSONValue(parsing: former.body, limits: .reply))
                    var members = (group.flatMap { $0["members"]?.array } ?? []).compactMap(\.text)
                    let gone = Set(remove.map { $0.lowercased() })
                    members.removeAll { gone.contains($0) }
                    let body: JSONValue = ["members": .array((members + add).map { .text($0) })]
                    let tag = group.flatMap { $0["etag"]?.text }
                    let changed = try await admin.send(
                        "PUT",
                        path,
                        headers: [("Content-Type", "application/json")] + (tag.map { [("If-Match", $0)] } ?? []),
                        body: body.bytes
                    )
                    try AdminConnection.check(changed)
                    return try JSONValue(parsing: changed.body, limits: .reply)
                }
                return Facts(answer, words: ["\(name): \(AdminGroups.people(answer["members"]))"])
            }
        }
    }

    private static func people(_ list: JSONValue?) -> String {
        (list?.array ?? []).compactMap(\.text).joined(separator: ", ")
    }
}
