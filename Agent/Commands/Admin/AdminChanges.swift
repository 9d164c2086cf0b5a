import ArgumentParser
internal import Bytes
internal import StrictJSON

/// `doorward admin changes`: what administrators have changed, from the organisation's log.
struct AdminChanges: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "changes",
        abstract: "List what administrators have changed, the newest first."
    )

    @Option(name: .long, help: "Only what this person has changed: an e-mail address.")
    var who: String?

    @Option(name: .long, help: "Only changes of this: policy, servers, servers/github, people, groups, tokens.")
    var what: String?

    @Option(name: .long, help: "From this time on: 2026-11-22T11:35:50Z, or -24h.")
    var since: String?

    @Option(name: .long, help: "At most so many.")
    var limit = 50

    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await report(output) { context in
            guard (1...1000).contains(limit) else {
                throw CommandFailure(
                    "usage",
                    "--limit is a number from 1 to 1000.",
                    next: "doorward admin changes --help",
                    status: .badUsage
                )
            }
            let fields =
                [("limit", "\(limit)")]
                + [("who", who), ("what", what), ("from", since)].compactMap { name, value in
                    value.map { (name, $0) }
                }
            let answer = try await context.asAdmin { try await $0.json("GET", "/v1/changes?\(FormBody.query(fields))") }
            let rows = (answer["changes"]?.array ?? []).map { change in
                [
                    "\(change["position"]?.int ?? 0)", change["time"]?.text ?? "",
                    change["user"]?.text ?? change["who"]?.text ?? "", PlainText.visible(change["what"]?.text ?? ""),
                    Self.kind(change),
                ]
            }
            return Facts(
                answer,
                words: Table.lines(["LEAF", "TIME", "BY", "WHAT", "HOW"], rows, empty: "Nothing was changed yet.")
            )
        }
    }

    /// Whether something came, went or became another.
    private static func kind(_ change: JSONValue) -> String {
        switch (change["before"] == .null, change["after"] == .null) {
        case (true, _): "made"
        case (_, true): "taken away"
        default: "changed"
        }
    }
}
