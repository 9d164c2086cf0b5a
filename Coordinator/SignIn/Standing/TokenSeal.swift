internal import Crypto
internal import Foundation

/// Seals what the provider has handed out, for the database: a copy of that alone opens nothing.
package struct TokenSeal: Sendable {
    private let key: SymmetricKey

    /// - Parameter secret: what only the coordinator has, such as the seed of its signing key; another key is made of it.
    package init(secret: [UInt8]) {
        key = HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(data: secret),
            info: Data("doorward tokens of the identity provider".utf8),
            outputByteCount: 32
        )
    }

    /// A token as it is stored, tied to what it is of.
    func seal(_ token: String, of owner: String) throws -> [UInt8] {
        Array(try ChaChaPoly.seal(Data(token.utf8), using: key, authenticating: Data(owner.utf8)).combined)
    }

    /// The token again; nil where it was sealed with another key, or is not of this owner.
    func open(_ sealed: [UInt8], of owner: String) -> String? {
        guard let box = try? ChaChaPoly.SealedBox(combined: Data(sealed)),
            let token = try? ChaChaPoly.open(box, using: key, authenticating: Data(owner.utf8))
        else { return nil }
        return String(validating: Array(token), as: UTF8.self)
    }
}
