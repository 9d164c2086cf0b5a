import ArgumentParser
internal import Fetch
internal import StrictJSON

extension AdminPolicy {
    /// `doorward admin policy suggest --since T`: the least policy for what people used.
    struct Suggest: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "suggest",
            abstract: "Write a policy that opens what people were seen to use, and nothing else.",
            discussion: """
                The file is printed, with tests that it passes: doorward admin policy suggest --since -7d > policy.yaml. \
                Nothing is applied. Under `mode: observe` everything that was called is seen, whatever is granted.
                """
        )

        @OptionGroup var replay: ReplayOptions

        @Flag(help: "Open names that begin alike by their beginning, such as get_*; without it, each by itself.")
        var prefixes = false

        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await report(output) { context in
                var question = replay.members()
                question["prefixes"] = .bool(prefixes)
                let answer = try await context.asAdmin { admin in
                    let response = try await admin.send(
                        "POST",
                        "/v1/policy/suggestions",
                        headers: [("Content-Type", "application/json")],
                        body: JSONValue.object(question).bytes,
                        timeout: .seconds(600)
                    )
                    try AdminConnection.check(response)
                    return try JSONValue(parsing: response.body, limits: .reply)
                }
                if !output.json {
                    for note in answer["notes"]?.array ?? [] { Output.note(PlainText.visible(note.text ?? "")) }
                }
                return Facts(answer, words: [], payload: PolicyText.lines(answer["file"]?.text ?? ""))
            }
        }
    }
}
