internal import AgentCore
import ArgumentParser
internal import Contract
internal import AgentState
internal import CoordinatorLink
import Foundation
internal import ServiceKit
internal import StrictJSON

/// `doorward login URL`: enrols this machine with a coordinator.
struct Login: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "login",
        abstract: "Enrol this machine with your organisation's coordinator.",
        discussion: "An administrator makes the one-time token: doorward admin invite EMAIL"
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
            guard let tokenFile else {
                throw CommandFailure(
                    "browser_sign_in_unavailable",
                    "This coordinator has no sign-in by browser: a one-time token is needed.",
                    next:
                        "doorward login \(url) --token-file FILE (an administrator makes one: doorward admin invite EMAIL)",
                    status: .needsUser
                )
            }
            let token = try Self.token(from: tokenFile)
            let enrolment = Enrolment(home: context.home, secrets: context.secrets, fetcher: context.fetcher)
            _ = try await enrolment.enrol(
                url: url,
                token: token,
                caFile: ca,
                hostname: ProcessInfo.processInfo.hostName
            )
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
