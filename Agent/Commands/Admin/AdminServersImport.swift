import ArgumentParser
internal import Contract
internal import StrictJSON

extension AdminServers {
    /// `doorward admin servers import FILE`.
    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "import",
            abstract: "Bring in servers that others have published.",
            discussion: """
                A file that has settings of Doorward and an alias that is free is registered at once, as with `add`, \
                unless it names a program. Everything else becomes a proposal, which an administrator looks at and signs \
                off: doorward admin servers proposals. Of a folder all files are taken in that end in .json, or none; of \
                a registry that speaks the official API the newest version of each server, as the coordinator reads it.
                """
        )

        @Argument(help: "A server.json, a folder of them, or the https URL of one or of a registry.")
        var path: String

        @Option(
            name: .long,
            help: "Of a registry only servers of this name, such as 'io.github.example/*'; may be given again."
        )
        var only: [String] = []

        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await report(output) { context in
                if path.hasPrefix("https://") || path.hasPrefix("http://") {
                    var question: JSONObject = ["url": .text(RegistryURL.base(path))]
                    if !only.isEmpty { question["only"] = .array(only.map { .text($0) }) }
                    let body = JSONValue.object(question)
                    let answer = try await context.asAdmin { admin in
                        try await admin.json("POST", "/v1/imports", body, timeout: .seconds(90))
                    }
                    return Facts(answer, words: Self.words(answer))
                }
                let files = try ServerFiles(path)
                guard files.problems.isEmpty else { throw Self.refusal(files.problems) }
                do {
                    let answer = try await context.asAdmin { try await $0.json("POST", "/v1/imports", files.body) }
                    return Facts(answer, words: Self.words(answer))
                } catch let problem as Problem where problem.code == "import_refused" {
                    throw Self.refusal(FieldProblem.list(problem.members["problems"]))
                }
            }
        }

        static func words(_ answer: JSONValue) -> [String] {
            let registered = (answer["registered"]?.array ?? []).compactMap(\.text)
            let proposals = answer["proposals"]?.array ?? []
            let unchanged = answer["unchanged"]?.array?.count ?? 0
            var words = registered.map { "\($0) is registered." }
            if !proposals.isEmpty { words += Proposals.table(proposals) + [Proposals.next] }
            words += FieldProblem.list(answer["problems"]).map { "Not taken: \($0.place) \($0.why)" }
            if unchanged > 0 { words.append("\(unchanged) said nothing new.") }
            return words
        }

        /// Nothing was taken in, and everything that is wrong is named at once.
        private static func refusal(_ problems: [FieldProblem]) -> CommandFailure {
            let lines = problems.map { $0.place.isEmpty ? $0.why : "\($0.place): \($0.why)" }
            let message = "Nothing was taken in:\n  \(lines.joined(separator: "\n  "))"
            let next = "Mend what is named, and import it again."
            return CommandFailure(
                "import_refused",
                message,
                next: next,
                json: [
                    "error": ["code": "import_refused", "message": .text(message), "next": .text(next)],
                    "problems": .array(problems.map(\.json)),
                ]
            )
        }
    }
}
