package import AgentState
internal import Errors
package import Keyring
internal import ServiceKit
internal import Synchronization
package import TransparencyLog

/// The key that this machine signs its requests and its log with.
///
/// The private half is read from the keyring once and then kept in locked memory, so that a keyring that locks later
/// stops nothing.
package final class MachineKey: Sendable {
    package let publicKey: VerifyingKey
    private let name: SecretName
    private let secrets: any SecretStore
    private let seed: Mutex<LockedSeed?>

    /// The key of a membership; nothing is read yet.
    package init(_ membership: Membership, secrets: any SecretStore) {
        publicKey = membership.publicKey
        name = SecretName(membership.secretName)
        self.secrets = secrets
        seed = Mutex(nil)
    }

    /// A key that has just been made and is in the keyring under this name.
    init(_ key: SigningKey, name: SecretName, secrets: any SecretStore) {
        publicKey = key.publicKey
        self.name = name
        self.secrets = secrets
        seed = Mutex(LockedSeed(key.seed))
    }

    /// Whether it is in memory, so that signing does not need the keyring any more.
    package var isLoaded: Bool { seed.withLock { $0 != nil } }

    /// Reads it from the keyring, if that has not been done; never makes the keyring ask the user.
    ///
    /// - Throws: `LinkError`: `.locked`, `.unavailable`, or `.keyMissing` if the keyring is open and does not hold it.
    package func load() async throws {
        if isLoaded { return }
        let reading = await secrets.read(
            name,
            prompting: false,
            accepting: { [publicKey] in SigningKey(seed: $0)?.publicKey == publicKey }
        )
        switch reading {
        case .absent, .corrupt, .foreign: throw Self.missing
        case .locked, .guarded, .cancelled, .unavailable, .elsewhere:
            throw LinkError(keyring: KeyringError(reading, secrets.provider) ?? .locked)
        case .found(let bytes):
            guard let key = SigningKey(seed: bytes), key.publicKey == publicKey else { throw Self.missing }
            guard let loaded = LockedSeed(bytes) else {
                throw LinkError(.unavailable, "there is no memory for this machine's key", next: "doorward status")
            }
            keep(loaded)
        }
    }

    private func keep(_ loaded: LockedSeed) {
        seed.withLock { $0 = loaded }
    }

    /// Signs; throws `.locked` while it was not loaded.
    func signature(for message: [UInt8]) throws -> [UInt8] {
        try signingKey().signature(for: message)
    }

    /// The state of this machine's log, signed.
    func sign(_ checkpoint: Checkpoint) throws -> Note {
        try checkpoint.signed(by: try signingKey())
    }

    private func signingKey() throws -> SigningKey {
        guard let key = seed.withLock({ $0?.key() }) else { throw LinkError(keyring: KeyringError.locked) }
        return key
    }

    /// A second key is never made in its place: that is another machine to the coordinator.
    private static let missing = LinkError(
        .keyMissing,
        MembershipTrouble.keyMissing.message,
        next: MembershipTrouble.keyMissing.next
    )
}

extension LinkError {
    /// The error of the keyring, with this target's message: those who wait for an unlocking go by its kind.
    init(keyring error: any Error) {
        guard let error = error as? KeyringError else {
            self.init(.unavailable, "the keyring failed: \(error)", next: "doorward status")
            return
        }
        let kind: Kind =
            switch error.kind {
            case .locked: .locked
            case .cancelled: .cancelled
            default: .unavailable
            }
        self.init(kind, error.message, next: error.next)
    }

    /// Whether the keyring has to do something before it works.
    var isOfKeyring: Bool { [Kind.locked, .unavailable, .cancelled, .keyMissing].contains(kind) }
}
