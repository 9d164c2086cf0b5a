import ArgumentParser
internal import LocalControl
internal import OAuth
internal import StrictJSON

/// `doorward connect SERVER`: signs in to a server with the user's own browser.
struct Connect: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Sign in to a server (OAuth).",
        discussion: "The tokens go into your keyring, and nowhere else."
    )

    @Argument(help: "The alias of the server.")
    var server: String

    @Flag(name: .long, help: "Print the address to open instead of opening it.")
    var noBrowser = false

    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await report(output) { context in
            do {
                return try await signIn(context)
            } catch let failure as ControlFailure where failure.code != "agent_not_running" {
                var told = CommandFailure(
                    failure.code,
                    failure.message,
                    next: failure.next ?? "doorward servers",
                    status: failure.needsUser ? .needsUser : .failed
                )
                told.json = ["state": "needs_sign_in", "error": told.document["error"] ?? .null]
                throw told
            }
        }
    }

    private func signIn(_ context: CommandContext) async throws -> Facts {
        let begun = try await context.agent.post("sign-in", ["server": .text(server)])
        guard let url = begun["authorization_url"]?.text, let flow = begun["flow"]?.text else {
            return Facts(["state": begun["state"] ?? "up"], "\(server) needs no sign-in.")
        }
        if noBrowser {
            output.json ? Output.line(["authorization_url": .text(url)]) : Output.line(PlainText.visible(url))
            Output.note("Open this address in a browser on this machine. Waiting for the sign-in to end ...")
        } else if await BrowserLauncher.open(url) {
            Output.note("Your browser shows the sign-in page. Waiting for it to end ...")
        } else {
            Output.note("No browser could be started. Open this address on this machine:", stranger: url)
        }
        // As long as the agent itself waits for the redirect, and a little more.
        let ended = try await context.agent.post("sign-in/wait", ["flow": .text(flow)], timeout: .seconds(330))
        return Facts(["state": ended["state"] ?? "up"], "Signed in to \(server).")
    }
}

/// `doorward disconnect SERVER`: revokes a sign-in and forgets it.
struct Disconnect: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Revoke your sign-in to a server and forget it.")

    @Argument(help: "The alias of the server.")
    var server: String

    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await report(output) { context in
            let facts = try await context.agent.post("sign-out", ["server": .text(server)])
            let words = facts["revoked"]?.bool == false ? " Its server could not be told." : ""
            return Facts(facts, "The sign-in to \(server) is forgotten.\(words)")
        }
    }
}
