/// Where the secrets of one home are kept.
///
/// * Deadlines: every call ends within ten seconds, but for one that makes the keyring ask its user.
/// * Durability: what was written is kept, by the store's own word, when `write` returns; a store that gives its word
///   too early says for how long that is so (`settling`).
/// * Concurrency: calls may come from anywhere at once; they are carried out one after the other.
/// * Idempotence: writing the same secret again, or deleting an absent one, changes nothing.
/// * Retries: none. The caller decides whether to ask again.
///
/// Only `absent` is proof that there is no such secret: a store that is locked, hangs or is away says so instead, so
/// that no caller makes a second key because the first could not be seen.
package protocol SecretStore: Sendable {
    /// What the store is called in records and in `doorward status`, such as `keyring`.
    var custody: String { get }

    /// The program that keeps them, as far as one has answered.
    var provider: KeyringProvider { get }

    /// For how long it may lose what it has acknowledged.
    var settling: Duration { get }

    /// Connects, so that the first look-up does not have to; whether that works is not told.
    ///
    /// A keyring whose conversations begin with a key agreement takes longer for that than for a look-up.
    func prepare() async

    /// Looks a secret up.
    ///
    /// - Parameters:
    ///   - name: which.
    ///   - prompting: whether the keyring may ask its user to unlock it.
    ///   - isRight: of several secrets of one name, the one that this accepts counts; without it the newest does.
    /// - Returns: the secret, or why it cannot be had. Where `isRight` accepts none, what the newest one is.
    func read(
        _ name: SecretName,
        prompting: Bool,
        accepting isRight: (@Sendable ([UInt8]) -> Bool)?
    ) async -> SecretReading

    /// Stores a secret in place of what has this name.
    ///
    /// - Parameters:
    ///   - name: under which it is found again.
    ///   - secret: any bytes.
    ///   - label: what the user sees of it in a keyring program; no secret.
    ///   - prompting: whether the keyring may ask its user to unlock it.
    /// - Throws: `KeyringError`.
    func write(_ name: SecretName, _ secret: [UInt8], label: String, prompting: Bool) async throws

    /// Removes a secret, which may be absent.
    ///
    /// - Throws: `KeyringError`.
    func delete(_ name: SecretName) async throws

    /// Has the store ask its user to open it, with everything that is kept there for this home, as far as it is closed.
    ///
    /// - Throws: `KeyringError` where it is not open then.
    func open() async throws
}

extension SecretStore {
    /// No known one.
    package var provider: KeyringProvider { .unknown }

    /// Not at all.
    package var settling: Duration { .zero }

    /// There is nothing to connect to.
    package func prepare() async {}

    /// It has no user to ask.
    package func open() async throws {}

    /// Looks up the newest secret of a name.
    package func read(_ name: SecretName, prompting: Bool) async -> SecretReading {
        await read(name, prompting: prompting, accepting: nil)
    }
}

/// The name of a secret: opaque, since a keyring does not keep names secret.
package struct SecretName: Hashable, Sendable, CustomStringConvertible {
    package let text: String

    package init(_ text: String) {
        self.text = text
    }

    package var description: String { text }
}

/// What a look-up found.
package enum SecretReading: Sendable, Equatable {
    case found([UInt8])
    /// The store is open, was searched, and has no such secret.
    case absent
    /// The store has to be unlocked first.
    case locked
    /// The store is open, and wants to ask its user for this one first.
    case guarded
    /// The user did not let the store be unlocked.
    case cancelled
    /// No store is there, or it does not answer; with a message that says why and is safe to show.
    case unavailable(String)
    /// The store that answers has no such secret, and another program kept those of this home until now: that one.
    case elsewhere(KeyringProvider)
    /// There is one of ours that cannot be read.
    case corrupt
    /// What has this name was made by another program for itself.
    case foreign
}

extension SecretReading: CustomStringConvertible, CustomDebugStringConvertible {
    package var description: String {
        switch self {
        case .found: "[found]"
        case .absent: "absent"
        case .locked: "locked"
        case .guarded: "guarded"
        case .cancelled: "cancelled"
        case .unavailable(let why): "unavailable: \(why)"
        case .elsewhere(let provider): "elsewhere: \(provider.name)"
        case .corrupt: "corrupt"
        case .foreign: "foreign"
        }
    }

    package var debugDescription: String { description }
}
