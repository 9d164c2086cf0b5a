internal import CLibSecret

/// The desktop's keyring, as every program of a Linux desktop sees it: the Secret Service of freedesktop.org, through
/// libsecret (https://specifications.freedesktop.org/secret-service/).
///
/// Secrets go into the user's default collection. Each operation has a connection of its own to the session bus, so a
/// keyring or a bus that comes back later is found again without anything being remembered of the old one.
package final class SecretService: SecretStore {
    private let namespace: String
    private let worker: KeyringWorker
    /// For conversations that wait for the user; whoever asks nobody need not wait behind them.
    private let prompts = KeyringWorker(deadline: .seconds(120))

    /// The keyring for the secrets of one home.
    ///
    /// - Parameters:
    ///   - namespace: tells this home's secrets from those of others; opaque.
    ///   - deadline: how long an operation may take that asks nobody.
    package init(namespace: String, deadline: Duration = .seconds(8)) {
        self.namespace = namespace
        worker = KeyringWorker(deadline: deadline)
    }

    package let custody = "keyring"

    package func read(
        _ name: SecretName,
        prompting: Bool,
        accepting isRight: (@Sendable ([UInt8]) -> Bool)?
    ) async -> SecretReading {
        let reading = await look(name, isRight)
        guard prompting, wantsUser(reading), await unlock() else { return reading }
        return await look(name, isRight)
    }

    package func write(_ name: SecretName, _ secret: [UInt8], label: String, prompting: Bool) async throws {
        var outcome = await store(name, secret, label: label)
        if prompting, outcome.wantsUser, await unlock() { outcome = await store(name, secret, label: label) }
        try outcome.check()
    }

    package func delete(_ name: SecretName) async throws {
        let attributes = attributes(name)
        let outcome = await worker.run { session -> Writing in
            let failure = attributes.use { KeyringSearch(session, attributes: $0).removeAll() }
            if let failure { return Writing(failure) }
            // Nothing is left that could be seen: of a locked collection that says nothing.
            if case .locked = session.defaultCollection() { return .locked }
            return .done
        }
        try (outcome.value ?? .failed(outcome.failure)).check()
    }

    // MARK: Parts

    private func attributes(_ name: SecretName) -> Attributes {
        Attributes(namespace: namespace, name: name.text)
    }

    private func look(_ name: SecretName, _ isRight: (@Sendable ([UInt8]) -> Bool)?) async -> SecretReading {
        let attributes = attributes(name)
        let outcome = await worker.run { session in
            attributes.use { KeyringSearch(session, attributes: $0).read(accepting: isRight) }
        }
        return outcome.value ?? .unavailable(outcome.failure)
    }

    private func store(_ name: SecretName, _ secret: [UInt8], label: String) async -> Writing {
        let attributes = attributes(name)
        let outcome = await worker.run { session -> Writing in
            // Asked first, because storing into a locked collection makes the keyring ask its user.
            switch session.defaultCollection() {
            case .open: break
            case .locked: return .locked
            case .missing: return .missing
            case .unknown(let failure): return Writing(failure)
            }
            return attributes.use { table in
                if let failure = session.store(secret, label: label, attributes: table) { return Writing(failure) }
                // One of an equal name elsewhere would come before this one as soon as it is touched.
                KeyringSearch(session, attributes: table).removeOthers(than: secret)
                return .done
            }
        }
        return outcome.value ?? .failed(outcome.failure)
    }

    /// Whether its user could change what a look-up came to.
    private func wantsUser(_ reading: SecretReading) -> Bool {
        switch reading {
        case .locked: true
        // Nothing else that is unavailable is asked again: it has had its time.
        case .unavailable(let why): why == KeyringSession.noCollection
        case .found, .absent, .cancelled, .corrupt: false
        }
    }

    /// Has the user asked; as long as somebody may take to type a password.
    private func unlock() async -> Bool {
        await prompts.run { $0.unlockDefault() }.value ?? false
    }
}

/// What an item is found by.
private struct Attributes: Sendable {
    let namespace: String
    let name: String

    func use<Result>(_ body: (OpaquePointer?) -> Result) -> Result {
        let table = dw_attributes(namespace, name)
        defer { g_hash_table_unref(table) }
        return body(table)
    }
}

/// How an attempt to change the keyring ended.
private enum Writing: Sendable {
    case done, locked
    /// There is no collection to write into.
    case missing
    case failed(String)

    init(_ failure: KeyringSession.Failure) {
        self = failure.isLocked ? .locked : .failed(failure.words)
    }

    /// Whether its user could change that.
    var wantsUser: Bool {
        switch self {
        case .locked, .missing: true
        case .done, .failed: false
        }
    }

    func check() throws {
        switch self {
        case .done: return
        case .locked: throw KeyringError.locked
        case .missing: throw KeyringError.unavailable(KeyringSession.noCollection)
        case .failed(let why): throw KeyringError.unavailable(why)
        }
    }
}

extension KeyringSession {
    /// Stores a secret in the default collection, in place of the item that has these attributes there.
    ///
    /// - Returns: nil, or why it is not stored.
    fileprivate func store(
        _ secret: [UInt8],
        label: String,
        attributes: OpaquePointer?
    ) -> Failure? {
        let value = secret.withUnsafeBytes { bytes in
            secret_value_new(
                bytes.baseAddress?.assumingMemoryBound(to: CChar.self),
                bytes.count,
                "application/octet-stream"
            )
        }
        defer { secret_value_unref(UnsafeMutableRawPointer(value)) }
        var error: UnsafeMutablePointer<GError>?
        secret_service_store_sync(
            service,
            dw_get_schema(),
            attributes,
            SECRET_COLLECTION_DEFAULT,
            label,
            value,
            cancellable,
            &error
        )
        return Self.take(error)
    }
}
