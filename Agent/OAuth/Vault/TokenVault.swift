package import Fetch
package import Keyring
package import ServiceKit
internal import Synchronization

/// The tokens of one user for all servers, and the only one that renews them.
///
/// What there is for a server is told without waiting (`current`). Renewals happen once for everybody who waits, and
/// survive a crash at any step (`RefreshMachine`). Tokens live in the keyring and, while they are good, in memory.
package final class TokenVault: Sendable {
    /// What is known of one server.
    private enum Entry {
        /// The keyring was not open since.
        case locked
        case none
        case grant(Grant)
    }

    private struct State {
        var servers: [String: ProtectedServer] = [:]
        var entries: [String: Entry] = [:]
        var renewals: [String: Task<AccessToken, any Error>] = [:]
        /// Tokens that came for an alias and could not be stored yet.
        var unstored: [String: Grant] = [:]
    }

    private let state = Mutex(State())
    private let grants: GrantStore
    private let intents: IntentFolder
    private let fetcher: Fetcher
    private let clock: MachineClock
    private let events: @Sendable (CredentialEvent) -> Void

    /// A vault without servers.
    ///
    /// - Parameters:
    ///   - store: the keyring.
    ///   - fetcher: for everything that authorization servers are asked.
    ///   - folder: of the state, for what must survive a crash and is no secret.
    ///   - clock: for the ends of tokens.
    ///   - events: told of each grant, renewal, failure and revocation; must be quick.
    package init(
        store: any SecretStore,
        fetcher: Fetcher,
        folder: String,
        clock: MachineClock = .system,
        events: @escaping @Sendable (CredentialEvent) -> Void
    ) {
        grants = GrantStore(secrets: store)
        intents = IntentFolder(path: folder)
        self.fetcher = fetcher
        self.clock = clock
        self.events = events
    }

    private var now: Int { Int(clock.wall() / 1_000_000) }

    // MARK: What there is

    /// What there is for a server; from any thread, without waiting.
    package func current(_ alias: String) -> TokenState {
        let now = now
        return state.withLock { state in
            switch state.entries[alias] {
            case .locked?: return .locked
            case .none?, nil: return .needsSignIn
            case .grant(let grant)?:
                guard grant.isStale(now: now) else { return .ready(grant.token) }
                if grant.refreshToken != nil { return .stale(credential: grant.credential) }
                let isOver = grant.expires.map { now >= $0 } ?? false
                return isOver ? .needsSignIn : .ready(grant.token)
            }
        }
    }

    /// Takes the servers that want a sign-in, and loads what the keyring has for those that are new.
    package func configure(_ servers: [ProtectedServer]) async {
        state.withLock { state in
            let old = state.servers
            state.servers = Dictionary(servers.map { ($0.alias, $0) }, uniquingKeysWith: { first, _ in first })
            for alias in old.keys where state.servers[alias] != old[alias] { state.entries[alias] = nil }
            // Until it was looked up, nobody knows.
            for alias in state.servers.keys where state.entries[alias] == nil { state.entries[alias] = .locked }
        }
        await load()
    }

    /// Looks again, every two seconds, for what a locked keyring did not show; returns when its task is cancelled.
    package func run() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(2))
            await load()
        }
    }

    private func load() async {
        let waiting = state.withLock { state in
            state.servers.values.filter { if case .locked? = state.entries[$0.alias] { true } else { false } }
        }
        for server in waiting {
            let entry: Entry
            switch await grants.read(server.alias) {
            // A keyring that is locked, or away, is so for the others too.
            case .locked, .unavailable: return
            case .absent: entry = .none
            case .grant(let grant):
                // An entry that names another server now must not get the old one's tokens.
                entry = ResourceMetadata.isFor(server, grant.resource) ? .grant(grant) : .none
            }
            state.withLock { state in
                if state.servers[server.alias] == server, case .locked? = state.entries[server.alias] {
                    state.entries[server.alias] = entry
                }
            }
        }
    }

    // MARK: Renewal

    /// Gets another token for a server; everybody who asks at the same time gets the same one.
    ///
    /// - Parameters:
    ///   - alias: the server.
    ///   - rejected: the header that the server refused; nil where the token is stale.
    /// - Returns: a token that was not refused yet.
    /// - Throws: `OAuthError`: `.needsSignIn`, `.locked`, `.unavailable`.
    package func renew(_ alias: String, rejected: [UInt8]?) async throws -> AccessToken {
        if case .ready(let token) = current(alias), token.header != rejected { return token }
        let renewal = state.withLock { state in
            if let running = state.renewals[alias] { return running }
            // Unstructured, because whoever asked first may go away while others wait.
            let task = Task { try await self.renewOnce(alias, rejected) }
            state.renewals[alias] = task
            return task
        }
        return try await renewal.value
    }

    private func renewOnce(_ alias: String, _ rejected: [UInt8]?) async throws -> AccessToken {
        defer { state.withLock { $0.renewals[alias] = nil } }
        // Looked at again: a renewal may have ended between the look and the lock.
        if case .ready(let token) = current(alias), token.header != rejected { return token }
        let (server, entry, unstored) = state.withLock { ($0.servers[alias], $0.entries[alias], $0.unstored[alias]) }
        guard let server else { throw OAuthError.needsSignIn(alias) }
        guard case .grant(let known)? = entry else {
            if case .locked? = entry {
                throw OAuthError(.locked, "The keyring is locked.", next: "Unlock the keyring.")
            }
            throw OAuthError.needsSignIn(alias)
        }
        var machine = unstored.map { RefreshMachine(unstored: $0, known: known) } ?? RefreshMachine(known: known)
        let result = await drive(&machine, known, server)
        state.withLock { $0.unstored[alias] = machine.unstored }
        return try take(result, known, alias)
    }

    /// Does what the machine says until it has a result.
    private func drive(
        _ machine: inout RefreshMachine,
        _ known: Grant,
        _ server: ProtectedServer
    ) async -> RefreshMachine.Result {
        let endpoint = TokenEndpoint(
            fetcher: fetcher,
            url: known.tokenEndpoint,
            client: known.client,
            addresses: server.addresses
        )
        var event = RefreshMachine.Event.begin
        while true {
            switch machine.next(event) {
            case .readStore:
                event = .storeRead(await grants.read(server.alias), intents.read(known.credential))
            case .writeIntent(let intent):
                event = .intentWritten(intents.write(intent, known.credential))
            case .send(let refreshToken):
                let answer = await endpoint.ask([
                    ("grant_type", "refresh_token"), ("refresh_token", refreshToken), ("resource", known.resource),
                ])
                event = .answered(answer, now: now)
            case .wait(let duration):
                try? await Task.sleep(for: duration)
                event = .waited
            case .store(let grant):
                event = .stored((try? await grants.write(grant, server.alias)) != nil)
            case .clearIntent:
                intents.clear(known.credential)
                event = .intentCleared
            case .forget:
                try? await grants.delete(server.alias)
                intents.clear(known.credential)
                event = .forgotten
            case .finish(let result): return result
            }
        }
    }

    private func take(_ result: RefreshMachine.Result, _ known: Grant, _ alias: String) throws -> AccessToken {
        let credential = known.credential
        switch result {
        case .renewed(let grant):
            state.withLock { $0.entries[alias] = .grant(grant) }
            events(.refreshed(credential: credential, alias: alias))
            return grant.token
        case .found(let grant):
            state.withLock { $0.entries[alias] = .grant(grant) }
            return grant.token
        case .needsSignIn(let why):
            state.withLock { $0.entries[alias] = Entry.none }
            events(.failed(credential: credential, alias: alias, why: why))
            throw OAuthError.needsSignIn(alias)
        case .locked:
            events(.failed(credential: credential, alias: alias, why: "locked"))
            throw OAuthError(.locked, "The keyring is locked.", next: "Unlock the keyring.")
        case .unavailable(let why):
            events(.failed(credential: credential, alias: alias, why: why))
            throw OAuthError(
                .unavailable,
                "The sign-in to \(alias) could not be renewed now (\(why)).",
                next: "Try again in a moment."
            )
        }
    }

    // MARK: Sign-in and sign-out

    /// Begins a sign-in: when this returns, the address that the browser comes back to is bound.
    ///
    /// - Throws: `OAuthError` where the server's metadata is refused; then there is no address to open.
    package func signIn(_ alias: String) async throws -> SignIn {
        guard let server = state.withLock({ $0.servers[alias] }) else {
            throw OAuthError(
                .unknownServer,
                "There is no server \(alias) that wants a sign-in.",
                next: "doorward servers"
            )
        }
        return try await SignIn(server, fetcher: fetcher) { [self] answer in
            await admit(answer, server)
        }
    }

    /// Stores what a sign-in brought.
    private func admit(_ answer: Result<Grant, OAuthError>, _ server: ProtectedServer) async -> Result<Void, OAuthError>
    {
        let alias = server.alias
        do {
            var grant = try answer.get()
            grant.obtained = now
            grant.expires = grant.expires.map { $0 + grant.obtained }
            do {
                try await grants.write(grant, alias, prompting: true)
            } catch {
                throw OAuthError(keyring: error)
            }
            state.withLock { state in
                if state.servers[alias] == server { state.entries[alias] = .grant(grant) }
                state.unstored[alias] = nil
            }
            events(.granted(credential: grant.credential, alias: alias))
            return .success(())
        } catch let error as OAuthError {
            events(.failed(credential: nil, alias: alias, why: error.kind.text))
            return .failure(error)
        } catch {
            return .failure(OAuthError(.unavailable, "The sign-in did not come about."))
        }
    }

    /// Revokes a grant (RFC 7009) and forgets it, whether or not its server can be told.
    ///
    /// - Returns: whether the server took it back.
    /// - Throws: `OAuthError` where there is no grant, or the keyring cannot be changed.
    package func disconnect(_ alias: String) async throws -> Bool {
        let (server, entry) = state.withLock { ($0.servers[alias], $0.entries[alias]) }
        guard let server else {
            throw OAuthError(
                .unknownServer,
                "There is no server \(alias) that wants a sign-in.",
                next: "doorward servers"
            )
        }
        if case .locked? = entry { throw OAuthError(.locked, "The keyring is locked.", next: "Unlock the keyring.") }
        guard case .grant(let grant)? = entry else {
            throw OAuthError(.needsSignIn, "There is no sign-in to \(alias).", next: "doorward connect \(alias)")
        }
        // Forgotten before the network is asked: no call uses it from here on.
        state.withLock { $0.entries[alias] = Entry.none }
        do {
            try await grants.delete(alias)
        } catch {
            state.withLock { $0.entries[alias] = .grant(grant) }
            throw OAuthError(keyring: error)
        }
        intents.clear(grant.credential)
        let isRevoked = await revoke(grant, server)
        events(.revoked(credential: grant.credential, alias: alias, why: "user"))
        return isRevoked
    }

    private func revoke(_ grant: Grant, _ server: ProtectedServer) async -> Bool {
        guard let url = grant.revocationEndpoint else { return false }
        let endpoint = TokenEndpoint(fetcher: fetcher, url: url, client: grant.client, addresses: server.addresses)
        // The refresh token ends the whole grant, the access token only itself.
        let token = grant.refreshToken.map { ($0, "refresh_token") } ?? (grant.accessToken, "access_token")
        return await endpoint.revoke(token: token.0, hint: token.1)
    }
}

extension OAuthError {
    /// Why the keyring did not do what a sign-in needs.
    init(keyring error: any Error) {
        guard let error = error as? KeyringError else {
            self.init(.keyringUnavailable, "The keyring could not be used.")
            return
        }
        let kind: Kind = error.code == .locked || error.code == .cancelled ? .locked : .keyringUnavailable
        self.init(kind, "The tokens could not be stored: \(error.message).", next: error.hint)
    }
}

extension ResourceMetadata {
    /// Whether a grant for this resource may be used at a server.
    static func isFor(_ server: ProtectedServer, _ resource: String) -> Bool {
        WebURL(server.url).map { covers(resource, $0) } ?? false
    }
}
