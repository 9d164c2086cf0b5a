internal import Synchronization

/// A store in memory, for tests and simulations: it can be locked, be away, and be counted.
package final class MemorySecretStore: SecretStore {
    /// How the store does.
    package enum Condition: Sendable, Equatable {
        case open, locked, away
    }

    private struct State {
        var condition = Condition.open
        var secrets: [SecretName: [UInt8]] = [:]
        var writes = 0
        /// How the next writes fail.
        var failures: [WriteFailure] = []
        /// So many removals fail, before they are carried out.
        var failingDeletes = 0
    }

    /// How a write fails.
    package enum WriteFailure: Sendable {
        /// It is not carried out.
        case before
        /// It is carried out, and called a failure.
        case after
        /// It is not carried out, and called a success.
        case silently
    }

    private let state = Mutex(State())

    /// An empty store.
    ///
    /// - Parameter settling: for how long it may lose what it has acknowledged.
    package init(settling: Duration = .zero) {
        self.settling = settling
    }

    package let settling: Duration

    package let custody = "memory"

    package var condition: Condition {
        get { state.withLock { $0.condition } }
        set { state.withLock { $0.condition = newValue } }
    }

    /// How often something was written.
    package var writes: Int { state.withLock { $0.writes } }

    /// The names of what is kept.
    package var names: Set<SecretName> { state.withLock { Set($0.secrets.keys) } }

    /// All that is kept; a backup can be put back.
    package var contents: [SecretName: [UInt8]] {
        get { state.withLock { $0.secrets } }
        set { state.withLock { $0.secrets = newValue } }
    }

    /// Makes the next writes fail.
    package func failWrites(_ failures: WriteFailure...) {
        state.withLock { $0.failures += failures }
    }

    /// Makes the next removals fail.
    package func failDeletes(_ count: Int) {
        state.withLock { $0.failingDeletes += count }
    }

    package func read(
        _ name: SecretName,
        prompting: Bool,
        accepting isRight: (@Sendable ([UInt8]) -> Bool)?
    ) async -> SecretReading {
        state.withLock { state in
            switch state.condition {
            case .open: state.secrets[name].map { .found($0) } ?? .absent
            case .locked: .locked
            case .away: .unavailable("it is away")
            }
        }
    }

    package func write(_ name: SecretName, _ secret: [UInt8], label: String, prompting: Bool) async throws {
        try change { state in
            let failure = state.failures.isEmpty ? nil : state.failures.removeFirst()
            if failure == .before { throw KeyringError.unavailable("it failed") }
            if failure == .silently { return }
            state.secrets[name] = secret
            state.writes += 1
            if failure == .after { throw KeyringError.unavailable("it failed late") }
        }
    }

    package func delete(_ name: SecretName) async throws {
        try change { state in
            guard state.failingDeletes == 0 else {
                state.failingDeletes -= 1
                throw KeyringError.unavailable("it failed")
            }
            state.secrets[name] = nil
        }
    }

    private func change(_ body: (inout State) throws -> Void) throws {
        try state.withLock { state in
            switch state.condition {
            case .open: try body(&state)
            case .locked: throw KeyringError.locked
            case .away: throw KeyringError.unavailable("it is away")
            }
        }
    }
}
