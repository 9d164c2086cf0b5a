internal import AgentState
internal import Bytes
internal import Contract
internal import Errors
internal import Keyring
internal import ServiceKit
internal import TransparencyLog

extension Enrolment {
    /// The key of this machine: the one that a first try with this token, or with a browser at this coordinator, has made, or a
    /// new one; in the keyring, read back from there.
    ///
    /// A try that fails here leaves no key behind: its name is on the disk before the key is in the keyring, and what was
    /// written and cannot be read back is taken away.
    func makeKey(for tokenHash: Hash) async throws -> (MachineKey, PendingEnrolment) {
        let begun = try PendingEnrolment.load(home)
        if let begun, begun.tokenHash == tokenHash, let key = try await begunKey(begun) {
            return (MachineKey(key, name: SecretName(begun.secretName), secrets: secrets), begun)
        }
        let key = SigningKey()
        // Under the name of a try before, if there was one: what it left is overwritten.
        let secretName = begun?.secretName ?? "signing-key/\(RandomID())"
        let pending = PendingEnrolment(publicKey: key.publicKey, secretName: secretName, tokenHash: tokenHash)
        try pending.save(home)
        let name = SecretName(secretName)
        do {
            try await keep(key, name)
            try await settle(key, name)
        } catch {
            await takeAway(name)
            throw error is CancellationError ? error : LinkError(keyring: error)
        }
        return (MachineKey(key, name: name, secrets: secrets), pending)
    }

    /// The key of a try before; nil where the keyring is open and does not have it.
    private func begunKey(_ begun: PendingEnrolment) async throws -> SigningKey? {
        let reading = await secrets.read(SecretName(begun.secretName), prompting: true)
        if let error = KeyringError(reading, secrets.provider), error.kind != .failed {
            throw LinkError(keyring: error)
        }
        guard case .found(let seed) = reading, let key = SigningKey(seed: seed), key.publicKey == begun.publicKey else {
            return nil
        }
        return key
    }

    /// Removes a key that is of no use: also what was called a failure may have been carried out.
    ///
    /// A keyring that hangs is not waited for again; then the next try overwrites it.
    private func takeAway(_ name: SecretName) async {
        let (ends, end) = AsyncStream.makeStream(of: Never.self)
        Task {
            if (try? await secrets.delete(name)) != nil { PendingEnrolment.remove(home) }
            end.finish()
        }
        let timer = Task {
            try await Task.sleep(for: .seconds(1))
            end.finish()
        }
        for await _ in ends {}
        timer.cancel()
    }

    private func keep(_ key: SigningKey, _ name: SecretName) async throws {
        try await secrets.write(name, key.seed, label: "Doorward: this machine's signing key", prompting: true)
        let reading = await secrets.read(name, prompting: true)
        if let error = KeyringError(reading, secrets.provider) { throw error }
        guard reading == .found(key.seed) else { throw KeyringError.forgetful(secrets.provider) }
    }

    /// Waits until the keyring has its word on the disk, and stores the key again where it has not kept it.
    ///
    /// Before the token is used: a machine that is enrolled and has lost its key would have to enrol anew.
    private func settle(_ key: SigningKey, _ name: SecretName) async throws {
        guard secrets.settling > .zero else { return }
        for _ in 0..<3 {
            try await Task.sleep(for: secrets.settling)
            if await secrets.read(name, prompting: true) == .found(key.seed) { return }
            try await keep(key, name)
        }
        throw KeyringError.forgetful(secrets.provider)
    }
}
