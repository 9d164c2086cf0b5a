internal import AuditLog
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
    let nonce = AuditID().description

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
            throw OAuthError(.denied, "The sign-in was refused\(Self.words(query)).", next: again)
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
        let endpoint = TokenEndpoint(
            fetcher: fetcher,
            url: found.server.tokenEndpoint,
            client: client,
            addresses: server.addresses
        )
        let begin = now()
        let answer = await endpoint.ask([
            ("grant_type", "authorization_code"), ("code", code), ("redirect_uri", redirect),
            ("code_verifier", pkce.verifier), ("resource", found.resource.resource),
        ])
        switch answer {
        case .tokens(let tokens): return grant(tokens, at: begin)
        case .refused(let why):
            throw OAuthError(.denied, "The authorization server gave no tokens (\(why)).", next: again)
        case .forbidden:
            throw OAuthError(.refusedAddress, "The token endpoint is at an address that nothing is sent to.")
        case .spent, .busy, .wordless, .unreachable, .lost:
            throw OAuthError(
                .unavailable,
                "The authorization server did not answer as a token endpoint does.",
                next: again
            )
        }
    }

    private func grant(_ tokens: TokenEndpoint.Tokens, at time: Int) -> Grant {
        Grant(
            credential: AuditID().description,
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

    /// The server's error code, where it is one, and its description (RFC 6749, 4.1.2.1), where that is plain text.
    private static func words(_ query: [String: String]) -> String {
        guard let code = query["error"].flatMap(ErrorCode.init) else { return "" }
        guard let description = query["error_description"], (1...200).contains(description.utf8.count),
            description.utf8.allSatisfy({ (0x20...0x7E).contains($0) })
        else { return " (\(code.text))" }
        return " (\(code.text): \"\(description)\")"
    }
}
