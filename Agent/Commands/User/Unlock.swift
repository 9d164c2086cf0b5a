import ArgumentParser
internal import AgentState
internal import Errors
internal import Keyring
internal import LocalControl
internal import StrictJSON

/// `doorward unlock`: has the keyring ask its user to open it.
struct Unlock: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unlock",
        abstract: "Ask the keyring to open; a running agent goes on by itself.",
        discussion: "A keyring that asks its user for each program is asked by the agent, if that runs."
    )

    @OptionGroup var output: OutputOptions

    /// A little longer than a user may take to type a password.
    private static let patience = Duration.seconds(135)

    func run() async throws {
        try await report(output) { context in
            if try await !agentOpens(context) { try await open(context) }
            return Facts(["open": true], "The keyring is open.")
        }
    }

    /// Has a running agent do it: what KeePassXC allows it allows to a connection.
    private func agentOpens(_ context: CommandContext) async throws -> Bool {
        do {
            _ = try await context.agent.post("unlock", timeout: Self.patience)
            return true
        } catch let failure as ControlFailure where Self.isNobody(failure) {
            return false
        }
    }

    /// Whether there is no agent that has anything to do with the keyring.
    private static func isNobody(_ failure: ControlFailure) -> Bool {
        ["agent_not_running", "not_enrolled", "unknown_operation"].contains(failure.code)
    }

    private func open(_ context: CommandContext) async throws {
        do {
            try await context.secrets.open()
            // One that is open may be another than the one that has the key.
            guard let membership = try Membership.load(context.home) else { return }
            let reading = await context.secrets.read(SecretName(membership.secretName), prompting: false)
            if let error = KeyringError(reading, context.secrets.provider), error.kind != .failed { throw error }
        } catch let error as KeyringError {
            throw CommandFailure(
                error.code,
                "\(error.message).",
                next: error.next,
                status: .needsUser
            )
        }
    }
}
