import Foundation
internal import StrictJSON

/// How a client launches `doorward stdio`.
struct ShimCommand {
    /// The path of this program: a client that was started from a menu often finds no program by its name.
    let program: String
    /// The folder of this user's agent, where it is not the usual one: clients hand little of their environment on.
    let home: String?

    /// The command that leads to the agent of this environment.
    static var current: ShimCommand {
        ShimCommand(
            program: (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? "doorward",
            home: ProcessInfo.processInfo.environment["DOORWARD_HOME"].flatMap { $0.isEmpty ? nil : $0 }
        )
    }

    private func arguments(_ server: String, client: String) -> [String] { ["stdio", server, "--client", client] }

    /// The `mcpServers` of a configuration file.
    func servers(_ names: [String], client: String) -> JSONValue {
        var servers = JSONObject()
        for name in names {
            var entry: JSONObject = [
                "command": .text(program),
                "args": .array(arguments(name, client: client).map { .text($0) }),
            ]
            if let home { entry["env"] = ["DOORWARD_HOME": .text(home)] }
            servers[JSONText(name)] = .object(entry)
        }
        return ["mcpServers": .object(servers)]
    }

    /// The line of a shell.
    func line(_ server: String, client: String) -> String {
        let words = (home.map { ["env", "DOORWARD_HOME=\($0)"] } ?? []) + [program] + arguments(server, client: client)
        return words.map(Self.quoted).joined(separator: " ")
    }

    /// A word as a shell reads it back.
    private static func quoted(_ word: String) -> String {
        let isPlain = word.utf8.allSatisfy { byte in
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                || Set("/-_.=:".utf8).contains(byte)
        }
        return isPlain ? word : "'\(word.replacing("'", with: "'\\''"))'"
    }
}
