internal import Glibc
internal import ServiceKit
internal import StrictJSON
package import TransparencyLog

/// An enrolment that was begun: which key was made for which token.
///
/// It is written before the token is sent. If the answer is lost, the next try with the same token sends the same key,
/// and the coordinator can tell that it is the same machine, and answer again instead of saying that the token is spent.
package struct PendingEnrolment: Sendable, Equatable {
    package let publicKey: VerifyingKey
    /// The key's name in the keyring.
    package let secretName: String
    /// The hash of the token: the token itself is on no disk.
    package let tokenHash: Hash

    /// An enrolment with this key, for a token of this hash.
    package init(publicKey: VerifyingKey, secretName: String, tokenHash: Hash) {
        self.publicKey = publicKey
        self.secretName = secretName
        self.tokenHash = tokenHash
    }

    private static func path(_ home: AgentHome) -> String { home.path(.enrolment) }

    /// What was begun; nil if nothing was, or it cannot be read any more.
    package static func load(_ home: AgentHome) throws -> PendingEnrolment? {
        guard let bytes = try DurableFile.read(path(home), maxBytes: 64 << 10),
            let json = try? JSONValue(parsing: bytes),
            let pending = try? ObjectReader.read(
                json,
                { reader in
                    guard let hash = Hash(base64URL: try reader.text("token_hash")) else {
                        throw ShapeError("token_hash", "must be a hash")
                    }
                    return PendingEnrolment(
                        publicKey: try reader.key("public_key"),
                        secretName: try reader.text("secret"),
                        tokenHash: hash
                    )
                }
            )
        else { return nil }
        return pending
    }

    /// Writes it down; it is durable on return.
    package func save(_ home: AgentHome) throws {
        let json: JSONValue = [
            "public_key": .text(publicKey.base64URL), "secret": .text(secretName),
            "token_hash": .text(tokenHash.base64URL),
        ]
        try DurableFile.write(json.bytes, to: Self.path(home))
    }

    /// Forgets it.
    package static func remove(_ home: AgentHome) {
        unlink(path(home))
    }
}
