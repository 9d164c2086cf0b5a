internal import Bytes
internal import Errors
internal import Fetch
internal import ServiceKit
internal import StrictJSON

/// The two requests of a sign-in: the one that the browser makes, and the one for the tokens.
struct AuthorizationFlow: Sendable {
    let server: ProtectedServer
    let found: Discovery.Found
    let client: RegisteredClient
    let pkce: PKCE
    /// Good for one answer.
    let state: String
    let redirect: String
    let fetcher: Fetcher
    /// What some servers want beside the scope `openid` (OpenID Connect Core, 3.1.2.1).
    ///
    /// No identity is taken from the answer, so there is nothing to compare it with.
    let nonce = RandomID().description

    /// What the user opens.
    var url: String {
        var fields = [
            ("response_type", "code"), ("client_id", client.id), ("redirect_uri", redirect), ("state", state),
            ("code_challenge", pkce.challenge), ("code_challenge_method", "S256"),
            ("resource", found.resource.resource),
        ]
        if !found.scopes.isEmpty { fields.append(("scope", found.scopes.joined(separator: " "))) }
        if found.scopes.contains("openid") { fields.append(("nonce", nonce)) }
        return Self.plain(found.server.authorizationEndpoint, FormBody.query(fields))
    }

    /// A URL with another query behind its own, written anew: it goes to a browser by way of other programs, some of them
    /// shell scripts, so all that could mean something to one is percent-encoded.
    static func plain(_ endpoint: String, _ query: String) -> String {
        guard let url = WebURL(endpoint) else { return "" }
        let queries = [url.query.map(escaped), query].compactMap { $0 }.filter { !$0.isEmpty }
        return "\(url.origin)\(escaped(url.path))?\(queries.joined(separator: "&"))"
    }

    private static func escaped(_ text: String) -> String {
        let harmless = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/?:@&=+,%".utf8)
        return text.utf8.map { byte in
            harmless.contains(byte)
                ? String(decoding: [byte], as: UTF8.self) : FormBody.escaped(String(decoding: [byte], as: UTF8.self))
        }.joined()
    }

    /// Whether the query of an authorization endpoint names what the request has to say itself (RFC 6749, 3.1: once).
    static func clashes(with query: String) -> Bool {
        guard let fields = FormBody.decode(query) else { return true }
        let ours = [
            "response_type", "client_id", "redirect_uri", "state", "code_challenge", "code_challenge_method",
            "resource", "scope", "nonce",
        ]
        return ours.contains { fields[$0] != nil }
    }

    /// Whether a query answers this sign-in.
    func isAnswer(_ query: [String: String]) -> Bool {
        query["state"]?.utf8.elementsEqual(state.utf8) ?? false
    }

    /// Judges what the browser brought, and exchanges the code.
    ///
    /// - Parameters:
    ///   - query: the answer; nil where none came.
    ///   - now: tells the time in seconds since 1970.
    /// - Returns: what was granted, not stored yet.
    /// - Throws: `OAuthError`.
    func finish(_ query: [String: String]?, now: @Sendable () -> Int) async throws -> Grant {
        guard let query else {
            throw OAuthError(.timeout, "Nobody came back from the sign-in page in time.", next: again)
        }
        // First of all: what another server says is not looked at.
        try checkIssuer(query)
        guard let code = query["code"], query["error"] == nil else {
            let refusal = OAuthRefusal(
                code: query["error"],
                description: query["error_description"],
                withholding: [state, pkce.challenge]
            )
            let words = refusal.map { " (\($0.words))" } ?? ""
            throw OAuthError(.denied, "The sign-in was refused\(words).", next: again)
        }
        return try await exchange(code, now)
    }

    private var again: String { "doorward connect \(server.alias)" }

    /// RFC 9207: an answer of another server than the one that was asked is how codes are stolen.
    private func checkIssuer(_ query: [String: String]) throws {
        if let issuer = query["iss"] {
            guard AuthorizationServer.isSame(issuer, found.server.issuer) else {
                throw OAuthError(
                    .badRedirect,
                    "The answer to the sign-in came from another authorization server.",
                    next: again
                )
            }
        } else if found.server.namesIssuer, query["error"] == nil {
            // An answer without a code brings nothing that could be exchanged at the wrong place, and its reason is needed.
            throw OAuthError(
                .badRedirect,
                "The answer to the sign-in does not say which server it is from.",
                next: again
            )
        }
    }

    private func exchange(_ code: String, _ now: @Sendable () -> Int) async throws -> Grant {
        // A code outlives a refusal of the client, who is looked at first (RFC 6749, 3.2.1).
        var answer = TokenEndpoint.Answer.unreachable
        for client in [client] + client.otherwise {
            let begin = now()
            let next = await ask(code, as: client)
            if case .tokens(let tokens) = next { return grant(tokens, to: client, at: begin) }
            // What the client's own way was answered with counts, whatever the others come to.
            if client == self.client { answer = next }
            guard next.refusesClient else { break }
        }
        throw refusal(answer)
    }

    private func ask(_ code: String, as client: RegisteredClient) async -> TokenEndpoint.Answer {
        let endpoint = TokenEndpoint(
            fetcher: fetcher,
            url: found.server.tokenEndpoint,
            client: client,
            addresses: server.addresses,
            authorities: server.ownAuthorities
        )
        return await endpoint.ask([
            ("grant_type", "authorization_code"), ("code", code), ("redirect_uri", redirect),
            ("code_verifier", pkce.verifier), ("resource", found.resource.resource),
        ])
    }

    private func refusal(_ answer: TokenEndpoint.Answer) -> OAuthError {
        switch answer {
        case .refused, .wordless:
            let told = if case .refused(let refusal) = answer { " (\(refusal.words))" } else { "" }
            guard answer.refusesClient, let id = server.clientID else {
                return OAuthError(.denied, "The authorization server gave no tokens\(told).", next: again)
            }
            let secret = client.secret == nil ? "without a secret" : "with the secret that is known for it"
            return OAuthError(
                .client,
                "The authorization server does not take the client \(id) \(secret)\(told).",
                next: "\(again) --client-secret-file FILE (whoever registered the client has its secret)"
            )
        case .forbidden:
            return OAuthError(.refusedAddress, "The token endpoint is at an address that nothing is sent to.")
        case .tokens, .spent, .busy, .unreachable, .lost:
            return OAuthError(
                .unavailable,
                "The authorization server did not answer as a token endpoint does.",
                next: again
            )
        }
    }

    private func grant(_ tokens: TokenEndpoint.Tokens, to client: RegisteredClient, at time: Int) -> Grant {
        Grant(
            credential: RandomID().description,
            generation: 1,
            accessToken: tokens.access,
            expires: tokens.lifetime.map { time + $0 },
            obtained: time,
            refreshToken: tokens.refresh,
            issuer: found.server.issuer,
            resource: found.resource.resource,
            tokenEndpoint: found.server.tokenEndpoint,
            revocationEndpoint: found.server.revocationEndpoint,
            client: client,
            scopes: tokens.scopes ?? found.scopes
        )
    }
}

extension TokenEndpoint.Answer {
    /// Whether it is the client that the server does not take, as far as it says so.
    fileprivate var refusesClient: Bool {
        switch self {
        case .refused(let refusal): ["invalid_client", "unauthorized_client"].contains(refusal.code)
        case .wordless: true
        case .tokens, .spent, .busy, .unreachable, .lost, .forbidden: false
        }
    }
}
