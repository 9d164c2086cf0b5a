internal import Bytes
internal import Contract
internal import Fetch
package import People
package import ServiceKit
internal import StrictJSON

/// Signing in at the identity provider: the authorization code flow with a proof key (OpenID Connect Core 1.0, section 3.1;
/// RFC 9700).
package struct ProviderSignIn: Sendable {
    package let client: ProviderClient
    private let clock: MachineClock
    private let random: Randomness
    /// The coordinator's own, `https://HOST[:PORT]`.
    private let origin: String

    /// The path to which the provider sends browsers back.
    package static let callback = "/oidc/callback"

    /// Signing in with this provider.
    package init(_ client: ProviderClient, origin: String, clock: MachineClock, random: Randomness = .system) {
        self.client = client
        self.origin = origin
        self.clock = clock
        self.random = random
    }

    private var redirect: String { origin + Self.callback }

    // MARK: There

    /// Where a browser goes to sign in, with the cookies by which it is known again.
    package struct Departure: Sendable {
        package let url: String
        /// The values of `Set-Cookie`.
        package let cookies: [String]
    }

    /// Begins a sign-in.
    ///
    /// - Parameters:
    ///   - path: where the browser goes afterwards; the coordinator's first page where it is none of its own.
    ///   - isFresh: whether the person has to prove itself anew, however lately it did.
    ///   - request: the browser's.
    /// - Returns: where to send the browser.
    /// - Throws: `Refused`: `provider_unavailable`, `provider_answer`.
    package func begin(to path: String?, isFresh: Bool, _ request: BrowserRequest) async throws -> Departure {
        let facts = try await client.facts()
        let purpose = SignInFlow.Purpose(path: path.flatMap { ReturnPath($0)?.text } ?? "/", isFresh: isFresh)
        let flow = SignInFlow(purpose, secret: random.bytes(32), now: clock.seconds)
        let settings = client.settings
        var scopes = ["openid", "email", "profile"] + settings.scopes
        if facts.hasOfflineAccess { scopes.append("offline_access") }
        var fields = [
            ("response_type", "code"), ("client_id", settings.clientID), ("redirect_uri", redirect),
            ("scope", scopes.joined(separator: " ")), ("state", flow.state), ("nonce", flow.nonce),
            ("code_challenge", flow.challenge), ("code_challenge_method", "S256"),
            // Whoever asks for it is told when the person has proven itself (section 3.1.2.1).
            ("max_age", "\(BrowserSessions.life)"),
        ]
        if isFresh { fields.append(("prompt", "login")) }
        let mark = facts.authorizationEndpoint.contains("?") ? "&" : "?"
        return Departure(
            url: facts.authorizationEndpoint + mark + FormBody.query(fields),
            cookies: SignInFlow.leftovers(in: request.cookies) + [flow.cookie]
        )
    }

    /// Where a browser goes to end its session at the provider too (RP-Initiated Logout 1.0); nil where there is no such place,
    /// or the provider cannot be asked for it.
    ///
    /// - Parameter idToken: that of the session; the provider knows by it who leaves, and asks no more.
    /// - Returns: an address.
    func farewell(_ idToken: String) async -> String? {
        guard let place = try? await client.facts().endSessionEndpoint else { return nil }
        let mark = place.contains("?") ? "&" : "?"
        return place + mark
            + FormBody.query([("id_token_hint", idToken), ("client_id", client.settings.clientID)])
    }

    // MARK: And back

    /// What has come of a sign-in.
    package struct Arrival: Sendable {
        package let identity: ProvenIdentity
        /// When the person has proven itself, in seconds since 1970; nil: that is not known.
        let provenAt: Int?
        /// With which the provider is asked again; nil where it gave none.
        let refreshToken: String?
        /// What the provider wants to see when the browser ends its session there.
        let idToken: String
        /// Where the browser goes.
        package let path: String

        /// The account at the provider, for counting its sign-ins.
        package var account: String { identity.owner }
    }

    /// The cookie of a flow that an answer belongs to, to be taken back; nil where there is none.
    package func cookie(of query: String, _ request: BrowserRequest) -> String? {
        let state = FormBody.decode(query)?["state"] ?? ""
        return SignInFlow(state: state, cookies: request.cookies, now: clock.seconds)?.ended
    }

    /// Ends a sign-in: what the browser brings back from the provider.
    ///
    /// - Parameters:
    ///   - query: the query of the callback, as it was sent.
    ///   - request: the browser's, with the cookie of the flow.
    /// - Returns: who has come.
    /// - Throws: `Refused`: `sign_in_stale`, `sign_in_denied`, `provider_answer`, `provider_unavailable`, `not_admitted`.
    package func finish(_ query: String, _ request: BrowserRequest) async throws -> Arrival {
        let now = clock.seconds
        guard let fields = FormBody.decode(query), let state = fields["state"],
            let flow = SignInFlow(state: state, cookies: request.cookies, now: now)
        else { throw Refused.flowUnknown }
        let facts = try await client.facts()
        let settings = client.settings
        // RFC 9207: before anything else of the answer is looked at, errors too.
        if let issuer = fields["iss"] {
            guard issuer.utf8.elementsEqual(settings.issuer.utf8) else {
                throw Refused.providerAnswer("it comes from another issuer than was asked")
            }
        } else if facts.namesIssuer {
            throw Refused.providerAnswer("it does not say which issuer it comes from")
        }
        if let error = fields["error"] {
            let isWord = error.utf8.count <= 64 && error.utf8.allSatisfy { $0 == 0x5F || (0x61...0x7A).contains($0) }
            throw Refused.providerRefused(isWord ? error : "error")
        }
        guard let code = fields["code"], (1...4096).contains(code.utf8.count) else {
            throw Refused.providerAnswer("it has no code")
        }
        let tokens = try await exchange(code, flow)
        guard let idToken = tokens.idToken else { throw Refused.providerAnswer("it has no ID token") }
        let identity = try await client.identity(
            tokens,
            expecting: ProvenIdentity.Expectation(nonce: flow.nonce, now: clock.seconds)
        )
        if flow.purpose.isFresh, let proven = identity.authenticatedAt, proven < flow.begunAt - 60 {
            throw Refused.providerAnswer("it does not say that you have proven yourself just now")
        }
        return Arrival(
            identity: identity,
            // A provider that does not say when was told to ask the person for it.
            provenAt: identity.authenticatedAt ?? (flow.purpose.isFresh ? now : nil),
            refreshToken: tokens.refreshToken,
            idToken: idToken,
            path: flow.purpose.path
        )
    }

    private func exchange(_ code: String, _ flow: SignInFlow) async throws -> ProviderClient.Tokens {
        do {
            return try await client.tokens([
                ("grant_type", "authorization_code"), ("code", code), ("redirect_uri", redirect),
                ("code_verifier", flow.verifier),
            ])
        } catch let failure as ProviderClient.TokenFailure {
            switch failure {
            case .ended: throw Refused.flowUnknown
            case .misconfigured(let why): throw Refused.providerAnswer("it refuses this client (\(why))")
            case .unavailable: throw Refused.providerUnavailable("its token endpoint")
            }
        }
    }
}
