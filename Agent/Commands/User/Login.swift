internal import AgentCore
import ArgumentParser
internal import Contract
internal import AgentState
internal import CoordinatorLink
import Foundation
internal import OAuth
internal import ServiceKit
internal import StrictJSON

/// `doorward login URL`: enrols this machine with a coordinator.
struct Login: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "login",
        abstract: "Enrol this machine with your organisation's coordinator.",
        discussion: """
            Your browser asks you to sign in, and whether this machine may come in as yours. A machine without a browser takes a \
            one-time token, which an administrator makes: doorward admin invite EMAIL
            """
    )

    @Argument(help: "The coordinator's URL.")
    var url: String

    @Option(name: .long, help: "A file with the one-time token; - reads standard input.")
    var tokenFile: String?

    @Option(
        name: .long,
        help: "Certificates to trust for the coordinator, in place of the system's and the token's (PEM)."
    )
    var ca: String?

    @Flag(name: .long, help: "Print an address instead of opening a browser.")
    var noBrowser = false

    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await report(output) { context in
            try Enrolment.check(url: url)
            let enrolment = Enrolment(home: context.home, secrets: context.secrets, fetcher: context.fetcher)
            let hostname = ProcessInfo.processInfo.hostName
            if let tokenFile {
                let token = try Self.token(from: tokenFile)
                _ = try await enrolment.enrol(url: url, token: token, caFile: ca, hostname: hostname)
            } else if let address = try context.lapsedMembership(url) {
                return try await signInAgain(context, address)
            } else {
                try await ask(enrolment, hostname)
            }
            await context.tellAgent()
            let facts = try await StatusFacts.ask(context)
            return Facts(
                facts,
                words: [
                    "Enrolled as \(facts["user"]?.text ?? ""); this machine is \(facts["agent_id"]?.text ?? "").",
                    "Its signing key is in the \(facts["custody"]?.text ?? "keyring").",
                    facts["running"]?.bool == true
                        ? "Next: doorward client add NAME"
                        : "Next: systemctl --user enable --now doorward (or: doorward agent)",
                ]
            )
        }
    }

    /// Has the person say yes in a browser, and enrols.
    private func ask(_ enrolment: Enrolment, _ hostname: String) async throws {
        let question = try await enrolment.begin(url: url, caFile: ca, hostname: hostname)
        if noBrowser, output.json {
            Output.line([
                "authorization_url": .text(question.url), "words": .text("\(question.words)"),
                "hostname": .text(question.hostname), "custody": .text(question.custody),
            ])
        }
        try await show(question.url)
        Output.note(
            "The page asks whether \(question.hostname) may come in as yours, with its key in \(question.custody)."
        )
        Output.note("Say yes only if it shows these words too:  \(question.words)")
        _ = try await question.finish()
    }

    /// Opens an address in the browser, or prints it.
    private func show(_ address: String) async throws {
        if noBrowser {
            if !output.json { Output.line(PlainText.visible(address)) }
            Output.note("Open this address in a browser on this machine. Waiting for your answer ...")
        } else if await BrowserLauncher.open(address) {
            Output.note("Your browser shows the page. Waiting for your answer ...")
        } else {
            Output.note("No browser could be started. Open this address on this machine:", stranger: address)
        }
    }

    /// Has a person sign in again whom the organisation's provider did not name any more.
    private func signInAgain(_ context: CommandContext, _ address: String) async throws -> Facts {
        try await show("\(address)/sign-in?again=1")
        return Facts(
            try await StatusFacts.ask(context),
            words: ["Once you have signed in there, the agent goes on by itself: doorward status"]
        )
    }

    private static func token(from file: String) throws -> EnrolmentToken {
        // A token has at most 8 KiB; anything longer is not a token.
        let bytes = try InputFile.read(file, naming: "Name the token's file.")
        guard let token = EnrolmentToken(String(decoding: bytes, as: UTF8.self)) else {
            throw CommandFailure(
                "bad_token",
                "This is no one-time token.",
                next: "Copy the whole token, from dwi1. to its end, or ask for another: doorward admin invite EMAIL"
            )
        }
        return token
    }
}
