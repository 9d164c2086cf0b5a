import ArgumentParser
internal import Contract
internal import ServiceKit
internal import StrictJSON

extension AdminPolicy {
    /// `doorward admin policy check FILE`: everything that can be said about a file without a coordinator, and what it would
    /// change where there is one.
    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "check",
            abstract: "Check a policy file, run its tests, and show what it would change."
        )

        @Argument(help: "The policy file: YAML or JSON.")
        var file: String

        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await report(output) { context in
                let text = try PolicyText.read(file)
                let warnings = try PolicyVerdict(text).check()
                let present = await PresentPolicy.ifAtHand(context)
                let diff = present.map { LineDiff.text(from: $0.file, to: text) }
                return Facts(
                    [
                        "ok": true, "problems": [], "warnings": .array(warnings.map(\.json)),
                        "diff": diff.map { .text($0) } ?? .null,
                        "compared_with": present.map { .int($0.version) } ?? .null,
                    ],
                    words: PolicyVerdict.words("The file is good, and its tests pass.", warnings)
                        + PresentPolicy.words(present, diff),
                    payload: diff.map { [$0] } ?? []
                )
            }
        }
    }
}
