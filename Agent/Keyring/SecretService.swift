internal import Errors

/// The desktop's keyring, as every program of a Linux desktop sees it: the Secret Service of freedesktop.org
/// (https://specifications.freedesktop.org/secret-service/).
///
/// Secrets go into the user's default collection. There is one connection to the session bus for the life of the process,
/// since some keyrings remember for a connection what their user has allowed it; a keyring or a bus that comes back later
/// is found again with a new one.
package final class SecretService: SecretStore {
    private let attributes: @Sendable (SecretName) -> [String: String]
    /// What all secrets of this home have.
    private let common: [String: String]
    private let line: KeyringLine
    private let worker: KeyringWorker
    /// For conversations that wait for the user; callers that do not prompt need not wait behind them.
    private let prompts: KeyringWorker
    /// The keyring that has the secrets of this home, as far as is known.
    private let home: KeyringHome

    /// The keyring for the secrets of one home.
    ///
    /// - Parameters:
    ///   - namespace: tells this home's secrets from those of others; opaque.
    ///   - file: where it is kept which keyring has them, over restarts; nil: nowhere.
    ///   - deadline: how long an operation may take that does not ask the user.
    ///   - patience: how long the user may take to type a password.
    package init(
        namespace: String,
        file: String? = nil,
        deadline: Duration = .seconds(8),
        patience: Duration = .seconds(120)
    ) {
        let common = ["application": "doorward", "namespace": namespace]
        self.common = common
        attributes = { name in common.merging(["name": name.text]) { $1 } }
        home = KeyringHome(file: file)
        line = KeyringLine()
        worker = KeyringWorker(line, deadline: deadline)
        prompts = KeyringWorker(line, deadline: patience)
    }

    package let custody = "keyring"

    package var provider: KeyringProvider { line.provider }

    package var settling: Duration { line.isFlushed ? .zero : provider.settling }

    package func prepare() async { _ = await worker.run { _ in } }

    package func read(
        _ name: SecretName,
        prompting: Bool,
        accepting isRight: (@Sendable ([UInt8]) -> Bool)?
    ) async -> SecretReading {
        let attributes = attributes(name)
        var outcome = await worker.run { KeyringSearch($0, attributes).read(accepting: isRight) }
        if prompting, outcome.value?.wantsUser ?? false {
            outcome = await prompts.run { session in
                Self.open(session, attributes)
                return KeyringSearch(session, attributes).read(accepting: isRight)
            }
        }
        return judge(outcome.value ?? .unavailable(outcome.failure))
    }

    package func write(_ name: SecretName, _ secret: [UInt8], label: String, prompting: Bool) async throws {
        let attributes = attributes(name)
        var outcome = await worker.run { session in
            Self.attempt { () throws(KeyringFailure) in
                try KeyringSearch(session, attributes).store(secret, label: label, mayPrompt: false)
            }
        }
        if prompting, outcome.value?.wantsUser ?? false {
            outcome = await prompts.run { session in
                Self.open(session, attributes)
                return Self.attempt { () throws(KeyringFailure) in
                    try KeyringSearch(session, attributes).store(secret, label: label, mayPrompt: true)
                }
            }
        }
        try check(outcome)
        home.isIn(provider)
    }

    package func delete(_ name: SecretName) async throws {
        let attributes = attributes(name)
        try check(
            await worker.run { session in
                Self.attempt { () throws(KeyringFailure) in try KeyringSearch(session, attributes).removeAll() }
            }
        )
    }

    package func open() async throws {
        let common = common
        let look: @Sendable (KeyringSession) -> Writing = { session in
            Self.attempt { () throws(KeyringFailure) in try KeyringSearch(session, common).checkOpen() }
        }
        var outcome = await worker.run(look)
        if outcome.value?.wantsUser ?? false {
            _ = await prompts.run { Self.open($0, common) }
            // Also where the user has not answered: what has come of it is looked at.
            outcome = await worker.run(look)
        }
        if case .failed(let failure)? = outcome.value, failure.kind == .locked {
            // It was asked and stays closed: only its own program is left.
            throw KeyringError(.locked, KeyringError.locked.message, next: provider.byHand)
        }
        try check(outcome)
    }

    // MARK: Parts

    /// How an attempt to change the keyring ended.
    private enum Writing: Sendable {
        case done
        case failed(KeyringFailure)

        /// Whether its user could change that.
        var wantsUser: Bool {
            guard case .failed(let failure) = self else { return false }
            return [.locked, .guarded].contains(failure.kind) || failure.words == KeyringSession.noCollection
        }
    }

    private static func attempt(_ body: () throws(KeyringFailure) -> Void) -> Writing {
        do throws(KeyringFailure) {
            try body()
            return .done
        } catch {
            return .failed(error)
        }
    }

    /// Has the keyring ask its user for whatever is in the way.
    private static func open(_ session: KeyringSession, _ attributes: [String: String]) {
        guard session.unlockDefault() else { return }
        KeyringSearch(session, attributes).unlockItems()
    }

    private func check(_ outcome: KeyringWorker.Outcome<Writing>) throws {
        switch outcome.value {
        case .done?: return
        case .failed(let failure)?:
            switch failure.kind {
            case .locked: throw KeyringError.locked
            case .guarded: throw KeyringError.guarded(provider)
            case .silent, .lost, .other: throw KeyringError.unavailable(failure.words, provider)
            }
        case nil: throw KeyringError.unavailable(outcome.failure, provider)
        }
    }

    /// What a reading is worth: where one keyring had secrets of ours, another one that has none proves nothing.
    private func judge(_ reading: SecretReading) -> SecretReading {
        switch reading {
        case .found: home.isIn(provider)
        case .absent:
            if let other = home.provider, other != provider { return .elsewhere(other) }
        case .locked, .guarded, .cancelled, .unavailable, .elsewhere, .corrupt, .foreign: break
        }
        return reading
    }
}

extension SecretReading {
    /// Whether the user could change what a look-up came to.
    fileprivate var wantsUser: Bool {
        switch self {
        case .locked, .guarded: true
        // Nothing else that is unavailable is asked again: it has had its time.
        case .unavailable(let why): why == KeyringSession.noCollection
        case .found, .absent, .cancelled, .elsewhere, .corrupt, .foreign: false
        }
    }
}
