import ArgumentParser
internal import StrictJSON

/// `doorward admin console`: a way into the coordinator's pages with nothing but this machine's key.
struct AdminConsole: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "console",
        abstract: "Print a one-time link that signs a browser in to the coordinator as you.",
        discussion: """
            The link is printed and not opened: every user of this machine can read the command line of a browser that is \
            started. What is done with it ends with this machine, as what is done with the machine itself.
            """
    )

    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await report(output) { context in
            let answer = try await context.asAdmin { try await $0.json("POST", "/v1/sign-in-links") }
            return Facts(
                answer,
                words: [
                    "Open this in a browser until \(answer["expires"]?.text ?? ""), once; it signs in as \(answer["user"]?.text ?? ""):"
                ],
                payload: [answer["url"]?.text ?? ""]
            )
        }
    }
}
