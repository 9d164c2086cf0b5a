import ArgumentParser
internal import LocalControl
internal import OAuth
internal import StrictJSON

/// `doorward connect SERVER`: signs in to a server with the user's own browser.
struct Connect: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "connect",
        abstract: "Sign in to a server (OAuth).",
        discussion: """
            The tokens go into your keyring, and nowhere else. So does the secret of a client that was registered beforehand \
            (client_id in the server's entry): it is given once, with the first sign-in. A server that is a program is given the \
            secrets that its entry names: type them, or write one a line to the standard input, in the order in which they \
            are asked for.
            """
    )

    @Argument(help: "The alias of the server.")
    var server: String

    @Flag(name: .long, help: "Print the address to open instead of opening it.")
    var noBrowser = false

    @Option(
        name: .long,
        help: "A file with the secret of a client that was registered beforehand; - is standard input."
    )
    var clientSecretFile: String?

    @OptionGroup var output: OutputOptions

    func run() async throws {
        let secret = try clientSecretFile.map(Self.clientSecret)
        try await report(output) { context in
            do {
                return try await signIn(context, secret)
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

    /// The secret in a file; the end of its last line is not part of it.
    private static func clientSecret(in file: String) throws -> String {
        var bytes = try InputFile.read(file, naming: "Name the file with the client's secret.")
        if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
        if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
        // RFC 6749, appendix A.2.
        guard (1...4096).contains(bytes.count), bytes.allSatisfy({ (0x20...0x7E).contains($0) }) else {
            throw CommandFailure(
                "bad_client_secret",
                "What is in \(file == "-" ? "the standard input" : file) is no client's secret: one line of printable ASCII.",
                next: "Put the secret alone into a file, and name that file."
            )
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private func signIn(_ context: CommandContext, _ clientSecret: String?) async throws -> Facts {
        var question: JSONObject = ["server": .text(server)]
        question["client_secret"] = clientSecret.map { .text($0) }
        let begun = try await context.agent.post("sign-in", .object(question))
        if let names = begun["secrets"]?.array?.compactMap(\.text) { return try await give(names, context) }
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

// Secrets of a server that is a program.
extension Connect {
    private func give(_ names: [String], _ context: CommandContext) async throws -> Facts {
        var values = JSONObject()
        for name in names {
            guard let value = SecretInput.line("\(name) of \(server): "), !value.isEmpty else {
                throw CommandFailure(
                    "no_secret",
                    "\(server) needs \(names.joined(separator: ", ")), and \(name) was not given.",
                    next: "doorward connect \(server)",
                    status: .needsUser
                )
            }
            values[JSONText(name)] = .text(value)
        }
        let kept = try await context.agent.post("secrets", ["server": .text(server), "values": .object(values)])
        return Facts(["state": kept["state"] ?? "up"], "The keyring has what \(server) needs.")
    }
}

/// `doorward disconnect SERVER`: revokes a sign-in and forgets it.
struct Disconnect: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "disconnect",
        abstract: "Revoke your sign-in to a server and forget it.",
        discussion: "It is forgotten also where its server cannot be told; then the exit status is 1."
    )

    @Argument(help: "The alias of the server.")
    var server: String

    @Flag(name: .long, help: "Forget the secret of the client that was registered beforehand, too.")
    var forgetSecret = false

    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await report(output) { context in
            let question: JSONValue = ["server": .text(server), "forget_secret": .bool(forgetSecret)]
            let facts = try await context.agent.post("sign-out", question)
            let issuer = facts["issuer"]?.text ?? "its authorization server"
            switch facts["revocation"]?.text {
            case "refused":
                let words = facts["words"]?.text.map { " (\($0))" } ?? ""
                throw notRevoked("revocation_refused", "\(issuer) did not take it back\(words)", issuer, facts)
            case "unreachable":
                throw notRevoked("revocation_unreachable", "\(issuer) did not answer", issuer, facts)
            case "not_offered":
                return Facts(
                    facts,
                    "The sign-in to \(server) is forgotten. \(issuer) takes none back: there it ends when its time is over."
                )
            case "forgotten": return Facts(facts, "The secrets of \(server) are forgotten.")
            case "none": return Facts(facts, "The secret is forgotten. There was no sign-in to \(server).")
            default: return Facts(facts, "The sign-in to \(server) is revoked and forgotten.")
            }
        }
    }

    /// Half done: this machine no longer has the tokens, and they may be good all the same.
    private func notRevoked(_ code: String, _ why: String, _ issuer: String, _ facts: JSONValue) -> CommandFailure {
        var failure = CommandFailure(
            code,
            "The sign-in to \(server) is forgotten here, but \(why): what it opened may stay open there.",
            next: "End Doorward's access by hand, in your account at \(issuer)."
        )
        failure.json = ["state": "needs_sign_in", "revoked": false, "error": failure.document["error"] ?? .null]
        return failure
    }
}
