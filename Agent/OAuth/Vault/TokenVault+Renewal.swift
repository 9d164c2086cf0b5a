internal import Errors
internal import Fetch
internal import ServiceKit
internal import Synchronization

extension TokenVault {
    /// Gets another token for a server; all callers that ask at the same time get the same one.
    ///
    /// - Parameters:
    ///   - alias: the server.
    ///   - url: where the token would go; it is `.unavailable` for one that the alias does not name any more.
    ///   - rejected: the value of the header that the server refused; nil where the token is stale.
    /// - Returns: a token that was not refused yet.
    /// - Throws: `OAuthError`: `.needsSignIn`, `.locked`, `.unavailable`.
    package func renew(_ alias: String, at url: String? = nil, rejected: [UInt8]?) async throws -> AccessToken {
        let token = try await renew(alias, rejected)
        guard url == nil || url == state.withLock({ $0.servers[alias]?.url }) else {
            throw OAuthError.notNow(alias, "changed")
        }
        return token
    }

    private func renew(_ alias: String, _ rejected: [UInt8]?) async throws -> AccessToken {
        if let token = usable(alias, rejected) { return token }
        let token = try await renewal(alias, rejected).value
        // Another caller's renewal may have ended in the very token that was refused here.
        guard token.header == rejected else { return token }
        return try await renewal(alias, rejected).value
    }

    /// The one renewal of an alias that is under way, or a new one.
    private func renewal(_ alias: String, _ rejected: [UInt8]?) -> Task<AccessToken, any Error> {
        state.withLock { state in
            if let running = state.renewals[alias] { return running }
            // Unstructured, because the caller that asked first may go away while others wait.
            let task = Task {
                defer { self.state.withLock { $0.renewals[alias] = nil } }
                return try await self.mutex.withLock(alias) { try await self.renewOnce(alias, rejected) }
            }
            state.renewals[alias] = task
            return task
        }
    }

    /// The token that there is, unless it is the one that was refused.
    private func usable(_ alias: String, _ rejected: [UInt8]?) -> AccessToken? {
        guard case .ready(let token) = current(alias), token.header != rejected else { return nil }
        return token
    }

    private func renewOnce(_ alias: String, _ rejected: [UInt8]?) async throws -> AccessToken {
        guard !state.withLock({ $0.isEnding }) else { throw OAuthError.notNow(alias, "ending") }
        // Looked at again: a renewal or a sign-in may have ended between the look and the turn.
        if let token = usable(alias, rejected) { return token }
        let boot = clock.boot()
        let (server, entry, unstored) = state.withLock { ($0.servers[alias], $0.entries[alias], $0.unstored[alias]) }
        guard let server, let entry else { throw OAuthError.needsSignIn(alias) }
        let held: HeldGrant
        switch entry {
        case .locked: throw OAuthError.lockedKeyring
        case .none: throw OAuthError.needsSignIn(alias)
        case .held(let grant): held = grant
        }
        if let pause = state.withLock({ $0.pauses[alias] }), !pause.isOver(at: boot) {
            if let token = lastResort(held, rejected) { return token }
            throw OAuthError.pausing(alias, pause.cause)
        }
        // A server that refuses one new token after the other wants something else than another token.
        let isAllowed = state.withLock { state in
            held.isDue(at: boot) || state.rejections[alias, default: RejectionLimit()].allows(at: boot)
        }
        guard isAllowed else { throw OAuthError.needsSignIn(alias) }
        var machine = RefreshMachine(known: held.grant, unstored: unstored, jitter: .random(in: 0..<1))
        let result = await drive(&machine, held.grant, server)
        state.withLock { $0.keep(unstored: machine.unstored, for: alias) }
        let token = try conclude(result, held, server, rejected)
        // The caller that waits may mean the server that the alias names by now.
        guard state.withLock({ $0.servers[alias] == server }) else { throw OAuthError.notNow(alias, "changed") }
        return token
    }

    /// A token that is due and still good, where no other is to be had.
    private func lastResort(_ held: HeldGrant, _ rejected: [UInt8]?) -> AccessToken? {
        held.isOver(at: clock.boot()) || held.token.header == rejected ? nil : held.token
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
            addresses: server.addresses,
            authorities: server.ownAuthorities
        )
        var event = RefreshMachine.Event.begin
        while true {
            switch machine.next(event) {
            case .readStore:
                event = .storeRead(await grants.read(server.alias), intents.read(known.credential))
            case .writeIntent(let intent):
                event = .intentWritten(intents.write(intent, known.credential))
            case .send(let refreshToken):
                let begin = now
                let answer = await endpoint.ask([
                    ("grant_type", "refresh_token"), ("refresh_token", refreshToken), ("resource", known.resource),
                ])
                state.withLock { $0.troubles[server.alias] = answer.trouble }
                event = .answered(answer, now: begin)
            case .wait(let duration):
                try? await Task.sleep(for: duration)
                event = .waited
            case .store(let grant):
                event = .stored((try? await grants.write(grant, server.alias)) != nil)
            case .forget(let seal):
                await forget(server.alias, known, seal)
                event = .forgotten
            case .finish(let result): return result
            }
        }
    }

    private func forget(_ alias: String, _ grant: Grant, _ seal: RefreshMachine.Intent) async {
        do {
            try await grants.delete(alias)
            intents.clear(grant.credential)
        } catch {
            // What is dead and cannot be removed must not be tried again by the next life of this program.
            _ = intents.write(seal, grant.credential)
        }
    }

    private func conclude(
        _ result: RefreshMachine.Result,
        _ held: HeldGrant,
        _ server: ProtectedServer,
        _ rejected: [UInt8]?
    ) throws -> AccessToken {
        let alias = server.alias
        let credential = held.grant.credential
        switch result {
        case .renewed(let grant):
            let boot = clock.boot()
            state.withLock { state in
                state.pauses[alias] = nil
                state.refusals[alias] = nil
                // Only a token that was renewed counts: one that could not be is no reason to sign in.
                if !held.isDue(at: boot) { state.rejections[alias, default: RejectionLimit()].count(at: boot) }
            }
            set(hold(grant), for: server)
            events(.refreshed(credential: credential, alias: alias))
            return grant.token
        case .found(let grant):
            state.withLock { state in
                state.pauses[alias] = nil
                state.troubles[alias] = nil
            }
            set(hold(grant), for: server)
            return grant.token
        case .needsSignIn(let why):
            set(.none, for: server)
            events(.failed(credential: credential, alias: alias, why: why))
            throw OAuthError.needsSignIn(alias)
        case .locked:
            return try keyringFailed(.locked, held, server, rejected)
        case .unavailable(RefreshMachine.keyring, _):
            return try keyringFailed(.keyring, held, server, rejected)
        case .unavailable(RefreshMachine.wordless, _) where isDead(alias):
            set(.none, for: server)
            events(.failed(credential: credential, alias: alias, why: RefreshMachine.wordless))
            throw OAuthError.needsSignIn(alias)
        case .unavailable(let why, let seconds):
            let jitter = Double.random(in: 0..<1)
            pause(alias) { $0.extend(at: $1, asked: seconds, jitter: jitter) }
            events(.failed(credential: credential, alias: alias, why: why))
            if let token = lastResort(held, rejected) { return token }
            throw OAuthError.notNow(alias, why)
        }
    }

    /// After a renewal that a keyring was in the way of: no fault of the authorization server, and no reason to sign in.
    private func keyringFailed(
        _ cause: Pause.Cause,
        _ held: HeldGrant,
        _ server: ProtectedServer,
        _ rejected: [UInt8]?
    ) throws -> AccessToken {
        let alias = server.alias
        pause(alias) { $0.extendShortly(at: $1, because: cause) }
        state.withLock { state in
            state.troubles[alias] =
                cause == .locked ? Self.lockedWords : "the keyring cannot be used: doorward unlock says why"
        }
        let why = cause == .locked ? "locked" : RefreshMachine.keyring
        events(.failed(credential: held.grant.credential, alias: alias, why: why))
        if let token = lastResort(held, rejected) { return token }
        throw OAuthError.pausing(alias, cause)
    }

    /// What is said of a server whose tokens wait for the keyring.
    package static let lockedWords = "the keyring is locked: doorward unlock"

    /// Whether a refusal without a reason has been heard so often and for so long that the grant has ended.
    private func isDead(_ alias: String) -> Bool {
        let boot = clock.boot()
        return state.withLock { $0.refusals[alias, default: WordlessRefusals()].isFinal(at: boot) }
    }

    private func pause(_ alias: String, _ change: (inout Pause, Int64) -> Void) {
        let boot = clock.boot()
        state.withLock { change(&$0.pauses[alias, default: Pause()], boot) }
    }

    /// Stores tokens that came when the keyring did not take them; what is kept is for the server of the alias.
    func storeLate(_ alias: String) async {
        await mutex.withLock(alias) {
            guard
                let (server, grant) = state.withLock({ state in
                    state.servers[alias].flatMap { server in state.unstored[alias].map { (server, $0) } }
                }), (try? await grants.write(grant, alias)) != nil
            else { return }
            _ = intents.write(RefreshMachine.Intent(generation: grant.generation, sends: 0), grant.credential)
            state.withLock { state in
                state.unstored[alias] = nil
                state.pauses[alias] = nil
                state.troubles[alias] = nil
            }
            set(hold(grant), for: server)
            events(.refreshed(credential: grant.credential, alias: alias))
        }
    }
}

extension TokenEndpoint.Answer {
    /// What is wrong where the tokens of a server are not renewed; nil where they are.
    fileprivate var trouble: String? {
        switch self {
        case .tokens: nil
        case .refused(let refusal): "its authorization server does not renew the sign-in (\(refusal.words))"
        case .wordless: "its authorization server does not renew the sign-in, and does not say why"
        case .spent, .busy: "its authorization server does not answer as it should"
        case .unreachable, .lost: "its authorization server cannot be reached"
        case .forbidden: "its authorization server is at an address that nothing is sent to"
        }
    }
}

extension OAuthError {
    static let lockedKeyring = OAuthError(.locked, "The keyring is locked.", next: "doorward unlock")

    /// It has failed just now, and is not tried again at once.
    static func pausing(_ alias: String, _ cause: Pause.Cause) -> OAuthError {
        switch cause {
        case .server: notNow(alias, "pausing")
        case .locked: lockedKeyring
        case .keyring:
            OAuthError(
                .keyringUnavailable,
                "The keyring with the sign-in to \(alias) cannot be used.",
                next: "doorward unlock"
            )
        }
    }

    static func notNow(_ alias: String, _ why: String) -> OAuthError {
        OAuthError(
            .unavailable,
            "The sign-in to \(alias) could not be renewed now (\(why)).",
            next: "Try again in a moment."
        )
    }
}
