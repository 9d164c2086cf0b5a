import ArgumentParser
import CoordinatorCore
import ServiceKit
import StrictJSON

extension DoorwardCoordinator {
    /// `doorward-coordinator sign-in-link`.
    struct SignInLink: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "sign-in-link",
            abstract: "Make a one-time link that signs a browser in, without an identity provider."
        )

        @Option(name: .long, help: "The folder of the coordinator, which may run.")
        var data: String

        @Option(name: .long, help: "The e-mail address of the person; without it the owner, where there is one.")
        var user: String?

        @Flag(name: .long, help: "Print exactly one JSON object on standard output.")
        var json = false

        func run() async throws {
            let made = try await LinkForBrowser(data: data, user: user).run()
            guard !json else { return Console.answer(made.json.bytes) }
            for line in made.words { Console.answer(line) }
        }
    }
}
