import ArgumentParser
internal import LocalControl
internal import StrictJSON

/// `doorward audit`: the records of this machine.
struct Audit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Show what was recorded on this machine.",
        subcommands: [Tail.self, Show.self]
    )

    /// `doorward audit tail`: the last records, one a line.
    struct Tail: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "tail",
            abstract: "Show the last 20 records, one a line."
        )

        @Flag(name: .long, help: "Go on and show each record as it is made.")
        var follow = false

        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await follow(output) { context in
                var facts = try await context.agent.post("records/newest", ["count": 20])
                while true {
                    for record in facts["records"]?.array ?? [] { show(record) }
                    guard follow, let next = facts["next"]?.int else { return }
                    facts = try await context.agent.post(
                        "records/from",
                        ["next": .int(next), "seconds": 25],
                        timeout: .seconds(40)
                    )
                }
            }
        }

        private func show(_ record: JSONValue) {
            guard !output.json else { return Output.line(record) }
            Output.line(PlainText.visible(RecordLine.text(record)))
        }
    }

    /// `doorward audit show ID`: every record of one call.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "show", abstract: "Show every record of one call.")

        @Argument(help: "The audit id of the call: what `doorward call` prints, and `data.record` of an error.")
        var id: String

        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await report(output) { context in
                let facts = try await context.agent.post("records/call", ["call": .text(id)])
                let records = facts["records"]?.array ?? []
                guard !records.isEmpty else {
                    throw CommandFailure(
                        "unknown_record",
                        "No record here has the id \(id).",
                        next: "doorward audit tail"
                    )
                }
                return Facts(facts, words: records.map(\.json))
            }
        }
    }
}

/// One record in a line for people.
enum RecordLine {
    static func text(_ record: JSONValue) -> String {
        var words = [record["t"]?.text ?? "", record["kind"]?.text ?? ""]
        if let server = record["srv"]?.text {
            let item = record["tool"]?.text ?? record["prompt"]?.text ?? record["method"]?.text
            words.append(item.map { "\(server)/\($0)" } ?? server)
        }
        if let decision = record["dec"] {
            words.append("\(decision["is"]?.text ?? "") \(decision["reason"]?.text ?? "")")
        }
        if let outcome = record["out"] {
            words.append("\(outcome["is"]?.text ?? "") \(outcome["ms"]?.int ?? 0) ms")
        }
        if let client = record["client"]?["id"]?.text { words.append("by \(client)") }
        if let call = record["call"]?.text { words.append(call) }
        return words.joined(separator: "  ")
    }
}
