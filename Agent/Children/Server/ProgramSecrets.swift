package import Contract
package import Keyring
internal import Synchronization
internal import TransparencyLog

/// The secrets that users give to programs: one item of the keyring for each variable of each server's command.
///
/// They are read when a child is started, and given to that child alone. Kept is whether they are there, so that a call can
/// be refused without asking the keyring.
package final class ProgramSecrets: Sendable {
    /// What is known of the secrets of a server.
    package enum State: Sendable, Equatable {
        /// All of them are there.
        case there
        /// These are not.
        case missing([String])
        /// The keyring has to be opened before anybody can tell.
        case locked
        /// The keyring cannot be used; a message that says why.
        case unavailable(String)
    }

    /// The most bytes of a secret: it goes into an environment.
    package static let longest = 32_768
    /// How often a keyring that was closed is looked at again.
    private static let rest = Duration.seconds(2)
    private let store: any SecretStore
    private let wanted = Mutex<[String: StdioCommand]>([:])
    private let known = Mutex<[String: State]>([:])

    package init(_ store: any SecretStore) {
        self.store = store
    }

    /// What is known of a server; nil where nothing is yet.
    package func state(_ alias: String) -> State? { known.withLock { $0[alias] } }

    /// The entries that are in force now.
    package func configure(_ entries: [ServerEntry]) {
        var commands: [String: StdioCommand] = [:]
        for entry in entries {
            if let command = entry.command, !command.secrets.isEmpty { commands[entry.alias] = command }
        }
        let changed = wanted.withLock { wanted in
            defer { wanted = commands }
            return wanted.keys.filter { wanted[$0] != commands[$0] }
        }
        known.withLock { known in for alias in changed { known[alias] = nil } }
    }

    /// Looks in the keyring for what the servers need.
    package func load() async {
        for (alias, command) in wanted.withLock({ $0 }) { await look(command, alias: alias, prompting: false) }
    }

    /// Looks again, now and then, where the keyring could not be looked into, until the task is cancelled.
    package func run() async {
        while (try? await Task.sleep(for: Self.rest)) != nil {
            for (alias, command) in wanted.withLock({ $0 }) {
                switch state(alias) {
                case .locked, .unavailable: await look(command, alias: alias, prompting: false)
                case .there, .missing, nil: break
                }
            }
        }
    }

    /// Looks in the keyring for the secrets of one server.
    ///
    /// - Parameters:
    ///   - command: what is to be started.
    ///   - alias: the server's.
    ///   - prompting: whether the keyring may ask its user to open it.
    /// - Returns: what was found.
    @discardableResult
    package func look(_ command: StdioCommand, alias: String, prompting: Bool) async -> State {
        var missing: [String] = []
        var state: State?
        for name in command.secrets where state == nil {
            switch await store.read(Self.item(name, command, alias), prompting: prompting) {
            case .found: break
            case .absent, .foreign, .corrupt: missing.append(name)
            case .locked, .guarded, .cancelled: state = .locked
            case .unavailable(let why): state = .unavailable(why)
            case .elsewhere(let provider): state = .unavailable("\(provider.name) has what is looked for")
            }
        }
        let found = state ?? (missing.isEmpty ? .there : .missing(missing))
        known.withLock { $0[alias] = found }
        return found
    }

    /// Stores what the user gives.
    ///
    /// - Throws: `KeyringError`.
    package func store(_ values: [String: String], of command: StdioCommand, alias: String) async throws {
        for name in command.secrets {
            guard let value = values[name] else { continue }
            let label = "Doorward: \(name) of \(alias)"
            try await store.write(Self.item(name, command, alias), Array(value.utf8), label: label, prompting: true)
        }
        await look(command, alias: alias, prompting: false)
    }

    /// Forgets all secrets of a server; whether there was one.
    ///
    /// - Throws: `KeyringError`.
    package func forget(_ command: StdioCommand, alias: String) async throws -> Bool {
        var wasThere = false
        for name in command.secrets {
            let item = Self.item(name, command, alias)
            if case .absent = await store.read(item, prompting: false) { continue }
            try await store.delete(item)
            wasThere = true
        }
        await look(command, alias: alias, prompting: false)
        return wasThere
    }

    /// The values for a child that is about to be started, by the names of their variables.
    func values(of command: StdioCommand, alias: String) async throws(ChildFailure) -> [String: String] {
        var values: [String: String] = [:]
        for name in command.secrets {
            let reading = await store.read(Self.item(name, command, alias), prompting: false)
            guard case .found(let bytes) = reading, let value = String(validating: bytes, as: UTF8.self) else {
                await look(command, alias: alias, prompting: false)
                throw Self.failure(reading, name, alias)
            }
            values[name] = value
        }
        if !command.secrets.isEmpty { known.withLock { $0[alias] = .there } }
        return values
    }

    private static func failure(_ reading: SecretReading, _ name: String, _ alias: String) -> ChildFailure {
        switch reading {
        case .found, .absent, .foreign, .corrupt:
            ChildFailure(
                .secrets,
                "The secret \(name) of \(alias) is not in your keyring: run `doorward connect \(alias)`."
            )
        case .locked, .guarded, .cancelled:
            ChildFailure(
                .secrets,
                "The secrets of \(alias) lie in your keyring, which is locked: run `doorward unlock`."
            )
        case .unavailable, .elsewhere:
            ChildFailure(
                .secrets,
                "The secrets of \(alias) lie in your keyring, which cannot be used: run `doorward unlock`."
            )
        }
    }

    /// Opaque, since a keyring does not keep names secret.
    ///
    /// The command is part of it: what the user gave to one program is
    /// not handed to another that an entry of the same alias names later.
    private static func item(_ name: String, _ command: StdioCommand, _ alias: String) -> SecretName {
        let text = [alias, command.command, name].joined(separator: "\n")
        return SecretName("program-\(Hash.of(text.utf8).base64URL.prefix(22))")
    }
}
