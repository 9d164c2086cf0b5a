internal import Fetch
internal import StrictJSON

/// One sign-in under way: the authorization code flow with PKCE (RFC 6749, RFC 7636, RFC 8252).
package final class SignIn: Sendable {
    /// What the user opens in a browser.
    package let authorizationURL: String
    private let completion: Task<Result<Void, OAuthError>, Never>
    private let redirect: LoopbackRedirect

    /// How long the user may take.
    private static let patience = Duration.seconds(300)

    init(
        _ server: ProtectedServer,
        fetcher: Fetcher,
        admit: @escaping @Sendable (Result<Grant, OAuthError>) async -> Result<Void, OAuthError>
    ) async throws {
        let found = try await Discovery(fetcher: fetcher).find(server)
        let state = Base64.url(Randomness.bytes(24))
        let redirect = try LoopbackRedirect { query in query["state"]?.utf8.elementsEqual(state.utf8) ?? false }
        let client: RegisteredClient
        do {
            client = try await Self.client(server, found, redirect.url, fetcher)
        } catch {
            redirect.close()
            throw error
        }
        let flow = AuthorizationFlow(
            server: server,
            found: found,
            client: client,
            pkce: PKCE(random: Randomness.bytes(32)),
            redirect: redirect.url,
            fetcher: fetcher
        )
        authorizationURL = flow.url(state: state)
        self.redirect = redirect
        completion = Task {
            // The browser's answer, or the end of patience, whichever comes first.
            let timer = Task {
                try await Task.sleep(for: Self.patience)
                redirect.close()
            }
            let query = await redirect.wait()
            timer.cancel()
            return await admit(await flow.finish(query))
        }
    }

    /// Waits until the tokens are stored.
    ///
    /// - Throws: `OAuthError`.
    package func wait() async throws {
        try await completion.value.get()
    }

    /// Gives up; whoever waits is told.
    package func cancel() {
        redirect.close()
    }

    private static func client(
        _ server: ProtectedServer,
        _ found: Discovery.Found,
        _ redirect: String,
        _ fetcher: Fetcher
    ) async throws -> RegisteredClient {
        if let id = server.clientID { return RegisteredClient(id: id) }
        return try await Registration(fetcher: fetcher).register(
            at: found.server,
            redirect: redirect,
            scopes: found.scopes,
            addresses: server.addresses
        )
    }
}

/// The two requests of a sign-in: the one that the browser makes, and the one for the tokens.
struct AuthorizationFlow: Sendable {
    let server: ProtectedServer
    let found: Discovery.Found
    let client: RegisteredClient
    let pkce: PKCE
    let redirect: String
    let fetcher: Fetcher

    func url(state: String) -> String {
        var fields = [
            ("response_type", "code"), ("client_id", client.id), ("redirect_uri", redirect), ("state", state),
            ("code_challenge", pkce.challenge), ("code_challenge_method", "S256"),
            ("resource", found.resource.resource),
        ]
        if !found.scopes.isEmpty { fields.append(("scope", found.scopes.joined(separator: " "))) }
        let endpoint = found.server.authorizationEndpoint
        return endpoint + (endpoint.contains("?") ? "&" : "?") + FormBody.query(fields)
    }

    /// Judges what the browser brought, and exchanges the code.
    ///
    /// The expiry of the grant that comes is still counted from now.
    func finish(_ query: [String: String]?) async -> Result<Grant, OAuthError> {
        guard let query else {
            return .failure(
                OAuthError(
                    .timeout,
                    "Nobody came back from the sign-in page within five minutes.",
                    next: "doorward connect \(server.alias)"
                )
            )
        }
        if let mixUp = mixUp(query) { return .failure(mixUp) }
        guard let code = query["code"], query["error"] == nil else {
            return .failure(
                OAuthError(
                    .denied,
                    "The sign-in was refused\(Self.words(query["error"])).",
                    next: "doorward connect \(server.alias)"
                )
            )
        }
        return await exchange(code)
    }

    /// RFC 9207: an answer of another server than the one that was asked is how codes are stolen.
    private func mixUp(_ query: [String: String]) -> OAuthError? {
        switch query["iss"] {
        case let issuer?:
            if issuer.utf8.elementsEqual(found.server.issuer.utf8) { return nil }
            return OAuthError(.badRedirect, "The answer to the sign-in came from another authorization server.")
        case nil:
            guard found.server.namesIssuer else { return nil }
            return OAuthError(.badRedirect, "The answer to the sign-in does not say which server it is from.")
        }
    }

    private func exchange(_ code: String) async -> Result<Grant, OAuthError> {
        let endpoint = TokenEndpoint(
            fetcher: fetcher,
            url: found.server.tokenEndpoint,
            client: client,
            addresses: server.addresses
        )
        let answer = await endpoint.ask([
            ("grant_type", "authorization_code"), ("code", code), ("redirect_uri", redirect),
            ("code_verifier", pkce.verifier), ("resource", found.resource.resource),
        ])
        switch answer {
        case .tokens(let tokens): return .success(grant(tokens))
        case .refused(let why):
            return .failure(OAuthError(.denied, "The authorization server gave no tokens\(Self.words(why))."))
        case .forbidden:
            return .failure(OAuthError(.refusedAddress, "The token endpoint is at an address that nothing is sent to."))
        case .spent, .busy, .unreachable, .lost:
            return .failure(
                OAuthError(
                    .unavailable,
                    "The authorization server did not answer as a token endpoint does.",
                    next: "doorward connect \(server.alias)"
                )
            )
        }
    }

    private func grant(_ tokens: TokenEndpoint.Tokens) -> Grant {
        Grant(
            credential: Base64.url(Randomness.bytes(12)),
            generation: 1,
            accessToken: tokens.access,
            expires: tokens.lifetime,
            obtained: 0,
            refreshToken: tokens.refresh,
            issuer: found.server.issuer,
            resource: found.resource.resource,
            tokenEndpoint: found.server.tokenEndpoint,
            revocationEndpoint: found.server.revocationEndpoint,
            client: client,
            scopes: tokens.scopes ?? found.scopes
        )
    }

    /// A stranger's error code, where it is one.
    private static func words(_ code: String?) -> String {
        guard let code, (1...64).contains(code.utf8.count),
            code.utf8.allSatisfy({ (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || $0 == UInt8(ascii: "_") })
        else { return "" }
        return " (\(code))"
    }
}
