import ArgumentParser
import CoordinatorCore
import ServiceKit
import StrictJSON

extension DoorwardCoordinator {
    /// `doorward-coordinator restart-log`.
    struct RestartLog: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "restart-log",
            abstract:
                "After a restore from a backup: begin a new epoch of the organisation's log, so that agents go on."
        )

        @Option(name: .long, help: "The folder of the coordinator, which must not run.")
        var data: String

        @Option(name: .long, help: "Why, in a few words; everybody who verifies a report reads them.")
        var reason: String

        @Option(name: .long, help: "The newest state of the log that is known: a signed note that an agent has kept.")
        var oldHead: String?

        @Flag(name: .long, help: "Print exactly one JSON object on standard output.")
        var json = false

        func run() async throws {
            let done = try await LogRestart(.init(data: data, reason: reason, oldHead: oldHead)).run()
            guard !json else { return Console.answer(done.json.bytes) }
            for line in done.words { Console.answer(line) }
        }
    }
}
