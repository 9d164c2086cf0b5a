import ArgumentParser
import CoordinatorCore
import Foundation
import Logging
import ServiceKit
import StrictJSON

/// Parses and runs one command, and ends the program with its exit status: 0 done, 1 failed, 2 bad usage.
enum Program {
    static func main() async -> Never {
        let arguments = Array(CommandLine.arguments.dropFirst())
        do {
            var command = try DoorwardCoordinator.parseAsRoot(arguments)
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            endProcess(0)
        } catch {
            end(with: error, asJSON: arguments.contains("--json"), isService: arguments.first == "serve")
        }
    }

    private static func end(with error: any Error, asJSON: Bool, isService: Bool) -> Never {
        let isParsers = DoorwardCoordinator.exitCode(for: error) == .success || isUsage(error)
        guard isParsers else { finish(CommandEnd(error), asJSON: asJSON, isService: isService) }
        let text = DoorwardCoordinator.fullMessage(for: error)
        // A cry for help, or the version.
        guard DoorwardCoordinator.exitCode(for: error) != .success else {
            Console.answer(text)
            endProcess(0)
        }
        let end = CommandEnd(usage: DoorwardCoordinator.message(for: error), next: "doorward-coordinator --help")
        Console.note(text)
        if asJSON { Console.answer(end.json.bytes) }
        endProcess(end.status)
    }

    /// Whether the parser itself has refused the arguments.
    private static func isUsage(_ error: any Error) -> Bool {
        DoorwardCoordinator.exitCode(for: error) == .validationFailure
    }

    /// A message on a terminal and for `init`; for a service, whose standard error is a log, a line of it.
    private static func finish(_ end: CommandEnd, asJSON: Bool, isService: Bool) -> Never {
        if isService, isatty(STDERR_FILENO) == 0 {
            Logger(label: "coordinator").error(
                "\(end.message)",
                metadata: ["error.code": "\(end.code)", "next": "\(end.next)"]
            )
        } else {
            Console.note("doorward-coordinator: error: \(end.message)")
            Console.note("doorward-coordinator: next: \(end.next)")
        }
        if asJSON { Console.answer(end.json.bytes) }
        endProcess(end.status)
    }
}
