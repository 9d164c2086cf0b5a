internal import Children
internal import Contract
internal import Errors
internal import Keyring
internal import LocalControl
internal import ServiceKit
internal import StrictJSON

// The secrets of servers that are programs.
extension RunningAgent {
    /// Which secrets the user has not given yet; the keyring may ask to be opened.
    func missingSecrets(of command: StdioCommand, alias: String) async throws -> JSONValue {
        let agent = try enrolled()
        let state = await board.children.secrets.look(command, alias: alias, prompting: true)
        // It may have been opened just now: what comes next is no longer called locked.
        await agent.lookForKey()
        switch state {
        case .there: return ["state": "up"]
        case .missing(let names): return ["state": "needs_sign_in", "secrets": .array(names.map { .text($0) })]
        case .locked: throw Self.failure(.locked)
        case .unavailable(let why): throw Self.failure(.unavailable(why, agent.secrets.provider))
        }
    }

    func keepSecrets(server: String, values: [String: String]) async throws -> JSONValue {
        _ = try enrolled()
        guard let command = await board.entries.first(where: { $0.alias == server })?.command else {
            throw ControlFailure("unknown_server", "There is no program \(server) for you.", next: "doorward servers")
        }
        for (name, value) in values {
            guard command.secrets.contains(name) else {
                throw ControlFailure(
                    "unknown_secret",
                    "\(server) has no secret \(name).",
                    next: "doorward connect \(server)"
                )
            }
            guard (1...ProgramSecrets.longest).contains(value.utf8.count) else {
                throw ControlFailure(
                    "bad_secret",
                    "The secret \(name) is empty, or longer than \(ProgramSecrets.longest) bytes.",
                    next: "doorward connect \(server)"
                )
            }
        }
        let secrets = board.children.secrets
        do {
            try await secrets.store(values, of: command, alias: server)
        } catch let error as KeyringError {
            throw Self.failure(error)
        }
        // What runs was started with others.
        board.children.restart(server)
        return ["state": secrets.state(server) == .there ? "up" : "needs_sign_in"]
    }

    /// Ends the program too: it has the secrets in its memory.
    func forgetSecrets(of command: StdioCommand, alias: String) async throws -> JSONValue {
        do {
            let wasThere = try await board.children.secrets.forget(command, alias: alias)
            board.children.restart(alias)
            return ["state": wasThere ? "needs_sign_in" : "up", "revoked": false, "revocation": "forgotten"]
        } catch let error as KeyringError {
            throw Self.failure(error)
        }
    }

    private static func failure(_ error: KeyringError) -> ControlFailure {
        ControlFailure(error.code, "\(error.message).", next: error.next, needsUser: true)
    }
}
