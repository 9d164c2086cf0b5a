internal import AgentState
internal import Children
internal import CoordinatorLink
internal import Errors
internal import Forwarding
internal import Keyring
internal import Logging
internal import OAuth
internal import ServiceKit
internal import Synchronization

// The signing key, and the keyring that has it.
extension EnrolledAgent {
    /// How long the coordinator may take to answer when the key is there.
    private static let firstSync = Duration.seconds(3)

    /// Has the keyring ask its user to open, over this agent's own connection: some keyrings allow to a connection and not
    /// to a program.
    func openKeyring() async throws {
        try await secrets.open()
        do {
            try await loadKeyPatiently()
        } catch let error as LinkError where error.kind == .keyMissing {
            // It is open, and what it does not hold is told elsewhere.
        }
        await lookForKey()
        await vault.keyringOpened()
        await board.children.secrets.load()
        guard client.key.isLoaded else { return }
        // A command that follows at once finds the servers that there are by now.
        sync.retry()
        shipper.nudge()
        let deadline = ContinuousClock.now + Self.firstSync
        while [.locked, .connecting].contains(sync.condition), ContinuousClock.now < deadline, !Task.isCancelled {
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Reads the key from a keyring that was opened just now: KWallet says so a moment before it gives a secret.
    private func loadKeyPatiently() async throws {
        for _ in 0..<15 {
            do {
                return try await client.key.load()
            } catch let error as LinkError where error.kind == .locked && error.message == KeyringError.locked.message {
                try await Task.sleep(for: .milliseconds(100))
            }
        }
        try await client.key.load()
    }

    /// Looks for the key at once, where the keyring may have been opened just now.
    func lookForKey() async {
        guard (try? await client.key.load()) != nil else { return }
        keyringProblem.withLock { $0 = nil }
        await board.set(nil, for: .key)
    }

    /// Why the key cannot be read from the keyring; nil once it was.
    var keyringTrouble: LinkError? { keyringProblem.withLock { $0 } }

    /// Waits for the keyring to be open once since the start; from then on the key is in memory.
    func unlock() async {
        var isTold = false
        while !Task.isCancelled {
            defer { settle { $0.key = true } }
            do {
                try await client.key.load()
                standing.set(.keyMissing, false)
                keyringProblem.withLock { $0 = nil }
                await board.set(nil, for: .key)
                sync.retry()
                shipper.nudge()
                return
            } catch {
                // Another task may have read it meanwhile.
                if client.key.isLoaded { continue }
                let problem = error as? LinkError
                keyringProblem.withLock { $0 = problem?.kind == .keyMissing ? nil : problem }
                // A keyring that does not answer says nothing new of the key.
                switch problem?.kind {
                case .keyMissing?: standing.set(.keyMissing, true)
                case .locked?: standing.set(.keyMissing, false)
                default: break
                }
                if standing.isMissingKey {
                    await board.set(.keyMissing, for: .key)
                } else {
                    await board.set(.locked, because: problem?.sentences, for: .key)
                }
                if !isTold {
                    isTold = true
                    let words = problem?.message ?? "\(error)"
                    logger.warning("The signing key cannot be read yet.", metadata: ["error": "\(words)"])
                }
                try? await Task.sleep(for: .seconds(1))
            }
        }
    }
}

extension LinkError {
    /// What it says and what to do, for those who read nothing else.
    fileprivate var sentences: String? {
        if message == KeyringError.locked.message { return nil }
        // A program's name stays as it is written.
        let first = message.hasPrefix("the") ? message.prefix(1).uppercased() + message.dropFirst() : message
        return next.map { "\(first): \($0)" } ?? first
    }
}
