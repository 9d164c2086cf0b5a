internal import CLibSecret

/// The desktop's keyring, as every program of a Linux desktop sees it: the Secret Service of freedesktop.org, through
/// libsecret (https://specifications.freedesktop.org/secret-service/).
///
/// Secrets go into the user's default collection. Each operation has a connection of its own to the session bus, so a
/// keyring or a bus that comes back later is found again without anything being remembered of the old one.
package final class SecretService: SecretStore {
    private let namespace: String
    private let worker: KeyringWorker

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

    package func read(_ name: SecretName, prompting: Bool) async -> SecretReading {
        let reading = await look(name)
        guard prompting, reading == .locked else { return reading }
        switch await unlock() {
        case .done: return await look(name)
        case .refused: return .locked
        case .failed(let why): return .unavailable(why)
        }
    }

    package func write(_ name: SecretName, _ secret: [UInt8], label: String, prompting: Bool) async throws {
        var outcome = await store(name, secret, label: label)
        if prompting, case .locked = outcome {
            switch await unlock() {
            case .done: outcome = await store(name, secret, label: label)
            case .refused: throw KeyringError.locked
            case .failed(let why): throw KeyringError.unavailable(why)
            }
        }
        try outcome.check()
    }

    package func delete(_ name: SecretName) async throws {
        let namespace = namespace
        let outcome = await worker.run { session -> Writing in
            let attributes = dw_attributes(namespace, name.text)
            defer { g_hash_table_unref(attributes) }
            var error: UnsafeMutablePointer<GError>?
            let service = session.service
            secret_service_clear_sync(service, dw_get_schema(), attributes, session.cancellable, &error)
            if let why = session.take(error) { return Writing(why) }
            // Nothing was removed: because there was nothing, or because it could not be touched.
            return session.isDefaultLocked() == true ? .locked : .done
        }
        try (outcome.value ?? .failed(outcome.failure)).check()
    }

    // MARK: Parts

    private func look(_ name: SecretName) async -> SecretReading {
        let namespace = namespace
        let outcome = await worker.run { session in
            KeyringSearch(session, namespace: namespace, name: name.text).read()
        }
        return outcome.value ?? .unavailable(outcome.failure)
    }

    private func store(_ name: SecretName, _ secret: [UInt8], label: String) async -> Writing {
        let namespace = namespace
        let outcome = await worker.run { session -> Writing in
            // Asked first, because storing into a locked collection makes the keyring ask its user.
            switch session.isDefaultLocked() {
            case true?: return .locked
            case nil: return .failed("it has no default collection")
            case false?: break
            }
            let attributes = dw_attributes(namespace, name.text)
            defer { g_hash_table_unref(attributes) }
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
                session.service,
                dw_get_schema(),
                attributes,
                SECRET_COLLECTION_DEFAULT,
                label,
                value,
                session.cancellable,
                &error
            )
            return session.take(error).map(Writing.init) ?? .done
        }
        return outcome.value ?? .failed(outcome.failure)
    }

    /// How asking the user ended.
    private enum Unlocking: Sendable {
        case done, refused
        case failed(String)
    }

    private func unlock() async -> Unlocking {
        // As long as somebody may take to type a password.
        let outcome = await worker.run(within: .seconds(120)) { session -> Unlocking in
            session.unlockDefault() ? .done : .refused
        }
        return outcome.value ?? .failed(outcome.failure)
    }
}

/// How an attempt to change the keyring ended.
private enum Writing: Sendable {
    case done, locked
    case failed(String)

    init(_ failure: KeyringSession.Failure) {
        self = failure.isLocked ? .locked : .failed(failure.words)
    }

    func check() throws {
        switch self {
        case .done: return
        case .locked: throw KeyringError.locked
        case .failed(let why): throw KeyringError.unavailable(why)
        }
    }
}
