import ArgumentParser
internal import LocalControl
internal import OAuth
internal import StrictJSON

/// `doorward open`: opens the user's own page in the browser.
struct Open: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "open",
        abstract: "Open your own page: servers, calls and clients of this machine.",
        discussion: """
            The address opens the page once, within a minute, and gives the browser that follows it a cookie for twelve hours. \
            The page lists servers with their states and begins sign-ins; it approves nothing.
            """
    )

    @Flag(name: .long, help: "Print the address to open instead of opening it.")
    var noBrowser = false

    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await report(output) { context in
            let answer = try await context.agent.post("open")
            guard let url = answer["url"]?.text else {
                throw CommandFailure("agent_answer", "The agent has no page.", next: "doorward status")
            }
            let isOpened = noBrowser ? false : await BrowserLauncher.open(url)
            let words = isOpened ? "Your browser opens the page." : "Open this address, within a minute:"
            return Facts(["url": .text(url), "opened": .bool(isOpened)], words: isOpened ? [words] : [words, url])
        }
    }
}
