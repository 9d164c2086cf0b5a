import ArgumentParser
internal import Contract
internal import ServiceKit

/// What `doorward admin servers add --stdio` says of a program, and what it may see and reach.
struct StdioOptions: ParsableArguments {
    @Flag(name: .long, help: "The server is a program: agents start CMD in a sandbox. Its command stands after --.")
    var stdio = false

    @Option(name: .long, help: "With --stdio: an environment variable of the agent, or NAME=VALUE; may be given again.")
    var env: [String] = []

    @Option(name: .long, help: "With --stdio: an environment variable whose value each user keeps in the keyring.")
    var secret: [String] = []

    @Flag(name: .long, help: "With --stdio: it may use the network.")
    var network = false

    @Option(name: .long, help: "With --stdio: a file or folder that it may read: /PATH, or ~/PATH in the user's home.")
    var read: [String] = []

    @Option(name: .long, help: "With --stdio: a file or folder that it may read and write.")
    var write: [String] = []

    @Argument(
        parsing: .postTerminator,
        help: ArgumentHelp("With --stdio: the program and its arguments.", valueName: "cmd")
    )
    var command: [String] = []

    /// The command; nil without `--stdio`.
    ///
    /// - Throws: where the options do not fit together, or a value looks like a secret.
    func program() throws -> StdioCommand? {
        let hasMore = network || [env, secret, read, write, command].contains { !$0.isEmpty }
        guard stdio else {
            guard !hasMore else {
                throw ValidationError("--env, --secret, --network, --read, --write and a command need --stdio")
            }
            return nil
        }
        guard let first = command.first else {
            throw ValidationError("--stdio needs the program after --: ... --stdio -- CMD ARG...")
        }
        for variable in env where variable.contains("=") {
            let name = StdioCommand.name(of: variable)
            // Whoever may read the registry would read it, and so does whoever lists the processes now.
            guard !Redaction.isSecret(name: name), !name.lowercased().hasSuffix("key") else {
                throw ValidationError(
                    "\(name) looks like a secret: use --secret \(name), and each user keeps a value in the keyring"
                )
            }
        }
        return StdioCommand(
            command: first,
            arguments: Array(command.dropFirst()),
            environment: env,
            secrets: secret,
            readable: read,
            writable: write,
            hasNetwork: network
        )
    }
}
