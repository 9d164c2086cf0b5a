import ArgumentParser
internal import AgentState
internal import Contract
internal import CoordinatorLink
internal import Fetch
import Foundation
internal import Keyring
internal import LocalControl
internal import StrictJSON

/// What commands work with: this user's folders, keyring, agent and coordinator.
struct CommandContext: Sendable {
    let home: AgentHome
    let fetcher: Fetcher
    let secrets: any SecretStore

    /// The running agent, if there is one.
    var agent: ControlClient { ControlClient(socketPath: home.socketPath, fetcher: fetcher) }

    static func make() throws -> CommandContext {
        let home = try AgentHome.standard(environment: ProcessInfo.processInfo.environment)
        return CommandContext(
            home: home,
            fetcher: Fetcher(),
            secrets: SecretService(namespace: home.secretNamespace, file: home.path(.keyring))
        )
    }

    /// This machine's place with its coordinator.
    ///
    /// - Throws: `CommandFailure` with the code `not_enrolled` where it has none.
    func membership() throws -> Membership {
        guard let membership = try Membership.load(home) else {
            throw CommandFailure(
                "not_enrolled",
                "This machine is not enrolled with a coordinator.",
                next: "doorward login URL --token-file FILE",
                status: .needsUser
            )
        }
        return membership
    }

    /// The URL of this machine's coordinator, where that is the named one and wants the person to sign in again; nil else.
    func lapsedMembership(_ url: String) throws -> String? {
        guard let membership = try Membership.load(home), WebURL(membership.url)?.origin == WebURL(url)?.origin,
            PolicySync.lastState(membership, home: home).lock?.isLapse == true
        else { return nil }
        return membership.url
    }

    /// Tells a running agent to take what was changed on disk, and waits until it has; does nothing without one.
    func tellAgent() async {
        // The agent itself gives up after five.
        _ = try? await agent.post("reload", timeout: .seconds(8))
    }
}

extension AsyncParsableCommand {
    /// Runs a command's body and prints its answer.
    func report(_ output: OutputOptions, _ body: (CommandContext) async throws -> Facts) async throws {
        try await follow(output) { context in
            Output.print(try await body(context), asJSON: output.json)
        }
    }

    /// Runs what a command does that prints as it goes.
    func follow(_ output: OutputOptions, _ body: (CommandContext) async throws -> Void) async throws {
        do {
            try await body(try .make())
        } catch {
            throw CommandFailure(explaining: error)
        }
    }
}
