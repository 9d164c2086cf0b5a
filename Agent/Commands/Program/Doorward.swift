import ArgumentParser
import Foundation
internal import ServiceKit
internal import Contract

/// The agent and the commands of the user and of the administrator.
struct Doorward: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doorward",
        abstract: "Lets MCP clients through to MCP servers: decided, recorded, proven.",
        version: Release.version,
        groupedSubcommands: [
            CommandGroup(
                name: "This machine",
                subcommands: [Login.self, Logout.self, Unlock.self, Agent.self, Status.self, Open.self, Doctor.self]
            ),
            CommandGroup(
                name: "Servers and clients",
                subcommands: [Servers.self, Connect.self, Disconnect.self, Client.self, Stdio.self]
            ),
            CommandGroup(name: "Calls and records", subcommands: [Call.self, Explain.self, Audit.self, Verify.self]),
            CommandGroup(name: "The organisation", subcommands: [Admin.self]),
        ]
    )

}

extension CommandFailure {
    /// What the parser did not take; `help` is its whole message, and names the command whose help tells more.
    fileprivate init(usage message: String, help: String) {
        let command = help.firstMatch(of: /See '(doorward[^']* --help)'/).map { String($0.1) }
        self.init("bad_usage", message, next: command ?? "doorward --help", status: .badUsage)
    }
}

/// Parses and runs one command, and ends the program with its exit status: 0 done, 1 failed, 2 bad usage, 3 needs the
/// user.
package enum Program {
    /// Runs what the process was asked for; never returns.
    package static func main() async -> Never {
        ProcessHardening.apply()
        DispatchNotes.silence()
        let arguments = withTimesJoined(Array(CommandLine.arguments.dropFirst()))
        do {
            var command = try Doorward.parseAsRoot(arguments)
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            endProcess(0)
        } catch let failure as CommandFailure {
            // What the service itself says goes into its log.
            let isLogged = arguments.first == "agent" && isatty(STDERR_FILENO) == 0
            Output.print(failure, asJSON: wantsJSON(arguments), isLogged: isLogged)
            endProcess(failure.status.rawValue)
        } catch {
            end(with: error, asJSON: wantsJSON(arguments))
        }
    }

    /// A usage error, a request for help, or the version: the parser's own text.
    private static func end(with error: any Error, asJSON: Bool) -> Never {
        let text = Doorward.fullMessage(for: error)
        guard Doorward.exitCode(for: error) == .success else {
            Output.note(text)
            if asJSON { Output.line(CommandFailure(usage: Doorward.message(for: error), help: text).document) }
            endProcess(CommandFailure.Status.badUsage.rawValue)
        }
        Output.line(text)
        endProcess(0)
    }

    /// `--from -24h` as `--from=-24h`: where something else is missing, the parser takes the time for a cry for help.
    private static func withTimesJoined(_ arguments: [String]) -> [String] {
        let ours = arguments.prefix { $0 != "--" }
        return ours.reduce(into: []) { joined, argument in
            if let option = joined.last, option == "--from" || option == "--to", argument.hasPrefix("-"),
                TimeArgument(argument: argument) != nil
            {
                joined[joined.count - 1] = "\(option)=\(argument)"
            } else {
                joined.append(argument)
            }
        } + arguments[ours.endIndex...]
    }

    /// Whether a failure is to be told in JSON as well; the arguments behind `--` belong to another program.
    private static func wantsJSON(_ arguments: [String]) -> Bool {
        arguments.prefix { $0 != "--" }.contains("--json")
    }
}
