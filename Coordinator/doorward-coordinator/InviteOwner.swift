import ArgumentParser
import CoordinatorCore
import ServiceKit
import StrictJSON

extension DoorwardCoordinator {
    /// `doorward-coordinator invite-owner`.
    struct InviteOwner: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "invite-owner",
            abstract: "Make a one-time token for an owner, where the last owner has lost every machine."
        )

        @Option(name: .long, help: "The folder of the coordinator, which must not run.")
        var data: String

        @Option(name: .long, help: "The owner's e-mail address.")
        var owner: String

        @Flag(name: .long, help: "Print exactly one JSON object on standard output.")
        var json = false

        func run() async throws {
            let made = try await OwnerInvitation(data: data, owner: owner).run()
            guard !json else { return Console.answer(made.json.bytes) }
            for line in made.words { Console.answer(line) }
        }
    }
}
