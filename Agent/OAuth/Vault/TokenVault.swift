package import Fetch
package import Keyring
package import ServiceKit
internal import Synchronization

/// The tokens of one user for all servers, and the only one that renews them.
///
/// The state of a server's token is told without waiting (`current`). Renewals happen once for all callers that wait,
/// and survive a crash at any step (`RefreshMachine`). Tokens live in the keyring and, while they are good, in memory.
package final class TokenVault: Sendable {
    /// What is known of one server.
    enum Entry: Sendable {
        /// The keyring was not open since the server was configured.
        case locked
        case none
        case held(HeldGrant)
    }

    struct State: Sendable {
        var servers: [String: ProtectedServer] = [:]
        var entries: [String: Entry] = [:]
        var renewals: [String: Task<AccessToken, any Error>] = [:]
        /// Tokens that came for an alias and could not be stored yet.
        var unstored: [String: Grant] = [:]
        /// From here on no renewal begins.
        var isEnding = false
        var pauses: [String: Pause] = [:]
        var rejections: [String: RejectionLimit] = [:]
        var refusals: [String: WordlessRefusals] = [:]
        /// Why the last renewal for an alias came to nothing, as a message that is safe to show.
        var troubles: [String: String] = [:]
    }

    let state = Mutex(State())
    let grants: GrantStore
    /// Of the clients that were registered beforehand.
    let clientSecrets: ClientSecretStore
    let intents: IntentFolder
    /// A caller passes it before it changes what is stored for an alias.
    let mutex = KeyedMutex()
    let fetcher: Fetcher
    let clock: MachineClock
    let events: @Sendable (CredentialEvent) -> Void
    let isOwnPeer: @Sendable (Int32) -> Bool

    /// A vault without servers.
    ///
    /// - Parameters:
    ///   - store: the keyring.
    ///   - fetcher: for everything that authorization servers are asked.
    ///   - folder: of the state, for what must survive a crash and is no secret.
    ///   - clock: for the ends of tokens.
    ///   - isOwnPeer: whether the other end of a connection, given by its descriptor, belongs to this user: asked about
    ///     the process that brings the answer of a sign-in page.
    ///   - events: told of each grant, renewal, failure and revocation; must be quick.
    package init(
        store: any SecretStore,
        fetcher: Fetcher,
        folder: String,
        clock: MachineClock = .system,
        isOwnPeer: @escaping @Sendable (Int32) -> Bool,
        events: @escaping @Sendable (CredentialEvent) -> Void
    ) {
        grants = GrantStore(secrets: store)
        clientSecrets = ClientSecretStore(secrets: store)
        intents = IntentFolder(path: folder)
        self.fetcher = fetcher
        self.clock = clock
        self.events = events
        self.isOwnPeer = isOwnPeer
    }

    /// Seconds since 1970.
    var now: Int { Int(clock.wall() / 1_000_000) }

    func hold(_ grant: Grant) -> Entry { .held(HeldGrant(grant, wall: now, boot: clock.boot())) }

    // MARK: What there is

    /// The token of a server; from any thread, without waiting.
    ///
    /// - Parameters:
    ///   - alias: the server.
    ///   - url: where the token would go; an alias that names another server by now has none for it.
    /// - Returns: the token, or why it is missing.
    package func current(_ alias: String, at url: String? = nil) -> TokenState {
        let boot = clock.boot()
        return state.withLock { state in
            if let url, state.servers[alias]?.url != url { return .needsSignIn }
            return switch state.entries[alias] {
            case .locked?: .locked
            case .none?, nil: .needsSignIn
            case .held(let held)?: held.state(at: boot)
            }
        }
    }

    /// Why the last renewal for a server came to nothing, as a message that is safe to show; nil where none did.
    package func trouble(_ alias: String) -> String? { state.withLock { $0.troubles[alias] } }

    /// Whether the tokens of a server wait for the keyring.
    package func waitsForKeyring(_ alias: String) -> Bool {
        state.withLock { $0.pauses[alias].map { $0.cause != .server } ?? false }
    }

    /// Takes the servers that want a sign-in; what the keyring has for those that are new or changed is for `load` to find.
    ///
    /// The grant of a server that is not among them stays in the keyring.
    package func configure(_ servers: [ProtectedServer]) {
        state.withLock { state in
            let old = state.servers
            state.servers = Dictionary(servers.map { ($0.alias, $0) }, uniquingKeysWith: { first, _ in first })
            for alias in old.keys where state.servers[alias] != old[alias] {
                state.entries[alias] = nil
                state.troubles[alias] = nil
            }
            for (alias, grant) in state.unstored { state.keep(unstored: grant, for: alias) }
            // Unknown until it was looked up.
            for alias in state.servers.keys where state.entries[alias] == nil { state.entries[alias] = .locked }
        }
    }

    /// Loads what the keyring has for servers whose state is unknown yet.
    ///
    /// A keyring that takes its time is waited for no longer than a second.
    package func load() async {
        await Deadline.leaving(after: .seconds(1)) { await self.loadUnknown() }
    }

    /// The keyring was opened just now: what has waited for it is tried at once.
    package func keyringOpened() async {
        state.withLock { state in
            for (alias, pause) in state.pauses where pause.cause != .server {
                state.pauses[alias] = nil
                state.troubles[alias] = nil
            }
        }
        await load()
    }

    /// Looks again, every two seconds, for grants that a locked keyring did not show, and stores those that it did not
    /// take; returns when its task is cancelled.
    package func run() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(2))
            await loadUnknown()
            for alias in state.withLock({ Array($0.unstored.keys) }) { await storeLate(alias) }
            await settle()
        }
    }

    /// Lets the renewals that are under way come to their end, and begins no other.
    ///
    /// What was sent for is good once: tokens for which no caller waits any more would be lost, and the sign-in with
    /// them. To be called when no caller asks any more; also in a task that is cancelled.
    ///
    /// - Parameter time: the most that it may take; an intent names what is open by then.
    package func end(atMost time: Duration) async {
        let running = state.withLock { state in
            state.isEnding = true
            return Array(state.renewals.values)
        }
        await Deadline.leaving(after: time) {
            for renewal in running { _ = await renewal.result }
            for alias in self.state.withLock({ Array($0.unstored.keys) }) { await self.storeLate(alias) }
        }
    }

    private func loadUnknown() async {
        let waiting = state.withLock { state in
            state.servers.values.filter { if case .locked? = state.entries[$0.alias] { true } else { false } }
        }
        for server in waiting {
            // A keyring that is locked, or away, is so for the others too.
            guard take(await grants.read(server.alias), for: server) else { return }
        }
    }

    /// Remembers what the keyring has for a server whose state was unknown; whether the keyring said so.
    @discardableResult
    func take(_ stored: RefreshMachine.Stored, for server: ProtectedServer) -> Bool {
        let entry: Entry
        switch stored {
        case .locked, .unavailable: return false
        // What cannot be read opens nothing: a sign-in takes its place.
        case .absent, .damaged: entry = .none
        // An entry that names another server now must not get the old one's tokens.
        case .grant(let grant): entry = ResourceMetadata.isFor(server, grant.resource) ? hold(grant) : .none
        }
        state.withLock { state in
            // What has happened since the look-up counts more.
            if state.servers[server.alias] == server, case .locked? = state.entries[server.alias] {
                state.entries[server.alias] = entry
            }
        }
        return true
    }

    /// Remembers something for a server, if it still is what it was.
    func set(_ entry: Entry, for server: ProtectedServer) {
        state.withLock { state in
            if state.servers[server.alias] == server { state.entries[server.alias] = entry }
        }
    }
}

extension TokenVault.State {
    /// Keeps tokens until they can be stored, but not for an alias that names another server by now.
    mutating func keep(unstored grant: Grant?, for alias: String) {
        unstored[alias] = grant.flatMap { grant in
            let isForIt = servers[alias].map { ResourceMetadata.isFor($0, grant.resource) }
            return isForIt ?? true ? grant : nil
        }
    }
}

extension ResourceMetadata {
    /// Whether a grant for this resource may be used at a server.
    static func isFor(_ server: ProtectedServer, _ resource: String) -> Bool {
        WebURL(server.url).map { covers(resource, $0) } ?? false
    }
}
