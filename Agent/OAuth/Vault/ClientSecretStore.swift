internal import Keyring
internal import StrictJSON
internal import TransparencyLog

/// The secrets of clients that were registered beforehand: one item of the keyring a server.
///
/// Apart from the grants, since a registration outlives sign-ins: a user who has to sign in anew does not need the file
/// again.
struct ClientSecretStore: Sendable {
    let secrets: any SecretStore

    private func name(_ alias: String) -> SecretName {
        SecretName("client-\(Hash.of(Array(alias.utf8)).base64URL.prefix(22))")
    }

    /// The secret of a server's client; nil if the keyring has no such secret.
    ///
    /// - Throws: `OAuthError` where the keyring does not say.
    func read(_ alias: String) async throws -> ClientSecret? {
        switch await secrets.read(name(alias), prompting: true) {
        case .found(let bytes): return ClientSecret(bytes)
        case .absent, .foreign, .corrupt: return nil
        case .locked, .guarded, .cancelled: throw OAuthError.lockedKeyring
        case .unavailable(let why): throw OAuthError(keyring: KeyringError.unavailable(why, secrets.provider))
        case .elsewhere: throw OAuthError(keyring: KeyringError.unavailable("another one answers", secrets.provider))
        }
    }

    func write(_ secret: ClientSecret, _ alias: String) async throws {
        let label = "Doorward: the client of \(alias)"
        try await secrets.write(name(alias), secret.json.bytes, label: label, prompting: true)
    }

    func delete(_ alias: String) async throws {
        try await secrets.delete(name(alias))
    }

    /// Removes the secret; whether there was one.
    func forget(_ alias: String) async throws -> Bool {
        switch await secrets.read(name(alias), prompting: false) {
        case .absent, .foreign: return false
        case .found, .corrupt, .locked, .guarded, .cancelled, .unavailable, .elsewhere:
            // A keyring that could not be read says here why.
            try await delete(alias)
            return true
        }
    }
}

/// The secret of one client at one authorization server: it is shown to no other.
struct ClientSecret: Sendable, Equatable {
    let clientID: String
    let issuer: String
    let secret: String

    /// The secret of the client that brought a grant; nil for a client that has none.
    init?(of grant: Grant) {
        guard let secret = grant.client.secret else { return nil }
        self.init(clientID: grant.client.id, issuer: grant.issuer, secret: secret)
    }

    /// Reads an item; nil if it is malformed.
    init?(_ bytes: [UInt8]) {
        let read = try? ObjectReader.read(JSONValue(parsing: bytes)) { reader in
            _ = try reader.int("v", in: 1...1)
            return ClientSecret(
                clientID: try reader.text("client_id"),
                issuer: try reader.text("issuer"),
                secret: try reader.text("secret")
            )
        }
        guard let read else { return nil }
        self = read
    }

    private init(clientID: String, issuer: String, secret: String) {
        self.clientID = clientID
        self.issuer = issuer
        self.secret = secret
    }

    /// The item's content.
    var json: JSONValue {
        ["v": 1, "client_id": .text(clientID), "issuer": .text(issuer), "secret": .text(secret)]
    }

    /// Whether it is of this client at this authorization server.
    func isFor(_ clientID: String, at issuer: String) -> Bool {
        self.clientID.utf8.elementsEqual(clientID.utf8) && AuthorizationServer.isSame(self.issuer, issuer)
    }
}

extension ClientSecret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    var description: String { "[secret of a client]" }
    var debugDescription: String { description }
    var customMirror: Mirror { Mirror(self, children: [:]) }
}
