internal import Addresses
internal import Errors
internal import Fetch
internal import Keyring
internal import ServiceKit
internal import Synchronization

extension TokenVault {
    /// Begins a sign-in: when this returns, the address that the browser comes back to is bound.
    ///
    /// A locked keyring asks its user first, so that no user signs in for tokens that have no place.
    ///
    /// - Parameters:
    ///   - alias: the server.
    ///   - clientSecret: that of the client in the server's entry; kept from the first sign-in on that it brings about.
    /// - Returns: the sign-in under way.
    /// - Throws: `OAuthError` where the keyring or the server's metadata is in the way; then there is no address to
    ///   open.
    package func signIn(_ alias: String, clientSecret: String? = nil) async throws -> SignIn {
        let server = try server(alias)
        if clientSecret != nil, server.clientID == nil {
            throw OAuthError(
                .noClient,
                "No client was registered beforehand for \(alias): its entry has no client_id.",
                next: "doorward connect \(alias)"
            )
        }
        let stored = await grants.read(alias, prompting: true)
        switch stored {
        case .grant, .absent, .damaged: break
        case .locked: throw OAuthError.lockedKeyring
        case .unavailable: throw grants.noKeyring
        }
        take(stored, for: server)
        let known = clientSecret == nil && server.clientID != nil ? try await clientSecrets.read(alias) : nil
        do {
            return try await SignIn(
                server,
                secret: { found in
                    if let clientSecret { return clientSecret }
                    // It goes only to the authorization server that it was given for.
                    guard let known, known.isFor(server.clientID ?? "", at: found.issuer) else { return nil }
                    return known.secret
                },
                fetcher: fetcher,
                isOwn: isOwnPeer,
                now: { [clock] in Int(clock.wall() / 1_000_000) },
                admit: { [self] answer in await admit(answer, server) }
            )
        } catch let error as OAuthError {
            events(.failed(credential: nil, alias: alias, why: error.code))
            throw error
        }
    }

    private func server(_ alias: String) throws -> ProtectedServer {
        guard let server = state.withLock({ $0.servers[alias] }) else {
            throw OAuthError(
                .unknownServer,
                "There is no server \(alias) that wants a sign-in.",
                next: "doorward servers"
            )
        }
        return server
    }

    /// Stores what a sign-in brought.
    private func admit(
        _ answer: Result<Grant, any Error>,
        _ server: ProtectedServer
    ) async -> Result<Void, OAuthError> {
        do {
            let grant = try answer.get()
            try await mutex.withLock(server.alias) {
                do {
                    if server.clientID != nil, let secret = ClientSecret(of: grant) {
                        try await clientSecrets.write(secret, server.alias)
                    }
                    try await grants.write(grant, server.alias, prompting: true)
                } catch {
                    throw OAuthError(keyring: error)
                }
                state.withLock { state in
                    state.unstored[server.alias] = nil
                    state.pauses[server.alias] = nil
                    state.refusals[server.alias] = nil
                    state.troubles[server.alias] = nil
                    if case .held(let old)? = state.entries[server.alias] { intents.clear(old.grant.credential) }
                }
                set(hold(grant), for: server)
            }
            events(.granted(credential: grant.credential, alias: server.alias))
            return .success(())
        } catch {
            let known = error as? OAuthError ?? OAuthError(.unavailable, "The sign-in did not come about.")
            events(.failed(credential: nil, alias: server.alias, why: known.code))
            return .failure(known)
        }
    }

    /// Revokes a grant (RFC 7009) and forgets it, whether or not its server can be told; also one of a server that has left
    /// the registry.
    ///
    /// The secret of a client that was registered beforehand stays for the next sign-in, as long as the registry has the server.
    ///
    /// - Returns: what became of it at its server.
    /// - Throws: `OAuthError` where there is no grant, or the keyring cannot be changed.
    @discardableResult
    package func disconnect(_ alias: String) async throws -> SignedOut {
        let known = state.withLock { $0.servers[alias] }
        return try await mutex.withLock(alias) {
            let grant: Grant
            let stored = await grants.read(alias)
            switch stored {
            case .grant(let stored): grant = state.withLock { $0.unstored[alias] } ?? stored
            case .absent, .damaged:
                set(.none, for: try known ?? server(alias))
                if stored == .damaged { try? await grants.delete(alias) }
                throw OAuthError(.needsSignIn, "There is no sign-in to \(alias).", next: "doorward connect \(alias)")
            case .locked: throw OAuthError.lockedKeyring
            case .unavailable: throw grants.noKeyring
            }
            let server = known ?? ProtectedServer(of: grant, alias: alias)
            // No call uses it from here on.
            set(.none, for: server)
            // Revoked before it is forgotten: a token that is forgotten cannot be revoked any more.
            let revocation = await revoke(grant, server)
            do {
                try await grants.delete(alias)
                if known?.clientID == nil { try? await clientSecrets.delete(alias) }
            } catch {
                throw OAuthError(keyring: error)
            }
            intents.clear(grant.credential)
            state.withLock { state in
                state.unstored[alias] = nil
                state.pauses[alias] = nil
                state.troubles[alias] = nil
            }
            let why = revocation == .revoked ? "user" : "user_unconfirmed"
            events(.revoked(credential: grant.credential, alias: alias, why: why))
            return SignedOut(issuer: grant.issuer, revocation: revocation)
        }
    }

    /// Forgets the secret of the client that was registered beforehand for a server.
    ///
    /// - Returns: whether there was one.
    /// - Throws: `OAuthError` where the keyring cannot be read or changed.
    package func forgetClientSecret(_ alias: String) async throws -> Bool {
        do {
            return try await clientSecrets.forget(alias)
        } catch {
            throw OAuthError(keyring: error)
        }
    }

    private func revoke(_ grant: Grant, _ server: ProtectedServer) async -> Revocation {
        guard let url = grant.revocationEndpoint else { return .notOffered }
        let endpoint = TokenEndpoint(
            fetcher: fetcher,
            url: url,
            client: grant.client,
            addresses: server.addresses,
            authorities: server.ownAuthorities
        )
        // The refresh token ends the whole grant, the access token only itself.
        let token = grant.refreshToken.map { ($0, "refresh_token") } ?? (grant.accessToken, "access_token")
        return await endpoint.revoke(token: token.0, hint: token.1)
    }
}

extension ProtectedServer {
    /// The server that a grant was made for, where the registry does not have it any more.
    ///
    /// Only an entry that allowed it has ever had a grant for a server on this machine.
    fileprivate init(of grant: Grant, alias: String) {
        let url = WebURL(grant.resource)
        let isHere = url?.host == "localhost" || url?.address?.kind == .loopback
        self.init(alias: alias, url: grant.resource, allowsLoopback: isHere)
    }
}

extension GrantStore {
    /// Why nothing can be read, with what the user of this very keyring can do.
    fileprivate var noKeyring: OAuthError {
        OAuthError(keyring: KeyringError.unavailable("it does not answer", secrets.provider))
    }
}

extension OAuthError {
    /// Why the keyring did not do what a sign-in needs.
    init(keyring error: any Error) {
        guard let error = error as? KeyringError else {
            self.init(.keyringUnavailable, "The keyring could not be used.")
            return
        }
        let kind: Kind = error.kind == .locked || error.kind == .cancelled ? .locked : .keyringUnavailable
        self.init(kind, "The keyring does not keep tokens now: \(error.message).", next: error.next)
    }
}
