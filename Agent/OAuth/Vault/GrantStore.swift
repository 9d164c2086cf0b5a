internal import Keyring
internal import StrictJSON
internal import TransparencyLog

/// The grants of one home in its keyring: one item a server.
struct GrantStore: Sendable {
    let secrets: any SecretStore
    /// What the keyring may still lose.
    let unsettled = UnsettledGrants()

    /// Opaque, since the keyring does not keep names secret.
    private func name(_ alias: String) -> SecretName {
        SecretName("grant-\(Hash.of(Array(alias.utf8)).base64URL.prefix(22))")
    }

    func read(_ alias: String, prompting: Bool = false) async -> RefreshMachine.Stored {
        switch await secrets.read(name(alias), prompting: prompting) {
        // KWallet answers for a closed wallet with an empty secret.
        case .found(let bytes) where bytes.isEmpty: .locked
        case .found(let bytes): Grant(bytes).map { .grant($0) } ?? .damaged
        case .absent, .foreign: .absent
        case .corrupt: .damaged
        case .locked, .guarded, .cancelled: .locked
        case .unavailable, .elsewhere: .unavailable
        }
    }

    /// Stores a grant, and reads it again before anybody uses it.
    func write(_ grant: Grant, _ alias: String, prompting: Bool = false) async throws {
        try await secrets.write(name(alias), grant.json.bytes, label: "Doorward: \(alias)", prompting: prompting)
        guard await read(alias) == .grant(grant) else {
            throw KeyringError.forgetful(secrets.provider)
        }
        unsettled.add(grant, alias, for: secrets.settling)
    }

    func delete(_ alias: String) async throws {
        unsettled.remove(alias)
        try await secrets.delete(name(alias))
    }
}
