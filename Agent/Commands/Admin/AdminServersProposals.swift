import ArgumentParser
internal import StrictJSON

extension AdminServers {
    /// `doorward admin servers proposals [ID]`.
    struct Proposals: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "proposals",
            abstract: "Show what was brought in and waits, or one of these with all that it would change."
        )

        @Argument(help: "A proposal.")
        var proposal: String?

        @Option(name: .long, help: "Only those whose name, title or description has this in it.")
        var search: String?

        @Option(name: .long, help: "Only those of this upstream registry.")
        var source: String?

        @Flag(name: .long, help: "Also those that were approved or rejected.")
        var all = false

        @OptionGroup var output: OutputOptions

        static let next = "Look at one with `doorward admin servers proposals ID`, then `approve ID` or `reject ID`."

        func run() async throws {
            try await report(output) { context in
                if let proposal {
                    let answer = try await context.asAdmin {
                        try await $0.json("GET", "/v1/proposals/\(try PathSegment.encoded(proposal))")
                    }
                    return Facts(answer, words: Self.page(answer))
                }
                var query = all ? [] : [("state", "waiting")]
                if let search { query.append(("search", search)) }
                if let source { query.append(("source", source)) }
                let asked = query
                let answer = try await context.asAdmin { try await $0.list("/v1/proposals", asked, "proposals") }
                let proposals = answer["proposals"]?.array ?? []
                let words = Self.table(proposals)
                return Facts(answer, words: proposals.isEmpty ? ["Nothing waits."] : words + [Self.next])
            }
        }

        static func table(_ proposals: [JSONValue]) -> [String] {
            let rows = proposals.map { proposal in
                let updates = proposal["updates"]?.text.map { "updates \($0)" } ?? ""
                let status = proposal["status"]?.text ?? ""
                let state = proposal["state"]?.text ?? ""
                return [
                    proposal["id"]?.text ?? "", proposal["name"]?.text ?? "", proposal["version"]?.text ?? "",
                    proposal["source"]?.text ?? "",
                    [state == "waiting" ? "" : state, status == "active" ? "" : status, updates]
                        .filter { !$0.isEmpty }.joined(separator: ", "),
                ]
            }
            return Table.lines(["PROPOSAL", "NAME", "VERSION", "SOURCE", ""], rows, empty: "")
        }

        /// One proposal: what it is, how it is offered, and what it would change.
        static func page(_ proposal: JSONValue) -> [String] {
            let name = "\(proposal["name"]?.text ?? "") \(proposal["version"]?.text ?? "")"
            var words = [name, proposal["description"]?.text ?? ""]
            if let status = proposal["status"]?.text, status != "active" {
                let message = proposal["status_message"]?.text.map { ": \($0)" } ?? ""
                words.append("Its source says that it is \(status)\(message)")
            }
            for offer in proposal["offers"]?.array ?? [] {
                let needs = (offer["needs"]?.array ?? []).compactMap(\.text).map { "--value \($0)=..." }
                let kind = offer["kind"]?.text ?? ""
                words.append(
                    "--\(kind) \(offer["index"]?.int ?? 0): \(offer["what"]?.text ?? "") \(needs.joined(separator: " "))"
                )
                if let problem = offer["problem"]?.text { words.append("    not as it is offered: \(problem)") }
            }
            for name in proposal["unknown"]?.array ?? [] {
                words.append("Its member \(name.text ?? "") means nothing to this release.")
            }
            if let problem = proposal["problem"]?.text { words.append("Something has to be chosen: \(problem)") }
            let title = proposal["updates"]?.text.map { "It would change \($0):" } ?? "It would be new:"
            return words + ["", title] + AdminServers.lines(proposal["diff"])
        }
    }

    /// `doorward admin servers reject ID`.
    struct Reject: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "reject",
            abstract: "Say that a proposal is not taken, until its source says something else."
        )

        @Argument(help: "The proposal.")
        var proposal: String

        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await report(output) { context in
                let path = "/v1/proposals/\(try PathSegment.encoded(proposal))/rejection"
                let answer = try await context.asAdmin { try await $0.json("POST", path) }
                return Facts(answer, "\(answer["name"]?.text ?? "") \(answer["version"]?.text ?? "") is not taken.")
            }
        }
    }

    /// The lines of a text that the coordinator has made of several.
    static func lines(_ text: JSONValue?) -> [String] {
        (text?.text ?? "").split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }
}
