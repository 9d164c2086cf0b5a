internal import Bytes
internal import Contract
package import Fetch
package import ServiceKit
internal import StrictJSON

/// Asks the identity provider: what it says about itself, its keys, its tokens.
package final class ProviderClient: Sendable {
    package let settings: ProviderSettings
    private let fetcher: Fetcher
    private let metadata: KeptAnswer<ProviderMetadata>
    private let keys: KeptAnswer<ProviderKeys>

    private static let longest = 512 << 10

    /// A client that has asked nothing yet.
    package init(_ settings: ProviderSettings, fetcher: Fetcher, clock: MachineClock) {
        self.settings = settings
        self.fetcher = fetcher
        let base = settings.issuer.hasSuffix("/") ? String(settings.issuer.dropLast()) : settings.issuer
        let metadata = KeptAnswer(clock: clock) {
            let json = try await Self.document("\(base)/.well-known/openid-configuration", settings, fetcher)
            return try ProviderMetadata(json, settings)
        }
        self.metadata = metadata
        keys = KeptAnswer(clock: clock) {
            ProviderKeys(try await Self.document(try await metadata.get().keysURL, settings, fetcher))
        }
    }

    // MARK: What it says

    /// What the provider says about itself.
    func facts() async throws -> ProviderMetadata { try await metadata.get() }

    /// The claims of a token whose signature is good.
    func claims(_ text: String) async throws -> JSONValue {
        let token = try IDToken(text)
        // A name that is unknown: the provider may have changed its keys since they were fetched.
        let known = try await keys.get { keys in token.kid.map { keys.has($0) } ?? true }
        guard let key = known.key(token.kid, for: token.algorithm) else {
            throw Refused.providerAnswer("its ID token is signed with a key that it does not publish for that")
        }
        return try await token.claims(verifiedBy: key)
    }

    /// Who tokens are for: by the ID token, and by the userinfo endpoint for what that does not say.
    ///
    /// - Parameters:
    ///   - tokens: as they came; a refresh may bring no ID token (OpenID Connect Core 1.0, section 12.2), and is for the
    ///     subject that is expected then.
    ///   - expected: what of it is known beforehand.
    /// - Returns: the person.
    /// - Throws: `Refused`: `provider_answer`, `provider_unavailable`, `not_admitted`.
    func identity(_ tokens: Tokens, expecting expected: ProvenIdentity.Expectation) async throws -> ProvenIdentity {
        var claims: JSONValue?
        if let token = tokens.idToken { claims = try await self.claims(token) }
        let isWhole = claims?["email"] != nil && claims?[settings.groupsClaim] != nil
        var more: JSONValue?
        if !isWhole, let accessToken = tokens.accessToken { more = try await userinfo(accessToken) }
        if let claims { return try ProvenIdentity(claims, more: more, settings, expecting: expected) }
        guard let more else {
            throw Refused.providerAnswer("it has neither an ID token nor anything to ask for the person")
        }
        return try ProvenIdentity(userinfo: more, settings, expecting: expected)
    }

    /// What the userinfo endpoint says of the owner of an access token; nil where there is none.
    private func userinfo(_ accessToken: String) async throws -> JSONValue? {
        guard let place = try await facts().userinfoEndpoint else { return nil }
        return try await Self.document(
            place,
            settings,
            fetcher,
            headers: [("Authorization", "Bearer \(accessToken)")]
        )
    }

    // MARK: Tokens

    /// What the token endpoint has handed out.
    struct Tokens: Sendable {
        let idToken: String?
        let accessToken: String?
        let refreshToken: String?
    }

    /// Why the token endpoint has handed out nothing.
    enum TokenFailure: Error, Equatable {
        /// It says that the code or the token is good for nothing, or not any more (`invalid_grant`).
        case ended
        /// It refuses the client, or the request: the settings are wrong.
        case misconfigured(String)
        /// It cannot be reached, or has no time.
        case unavailable
    }

    /// Asks the token endpoint (RFC 6749 section 3.2).
    ///
    /// - Parameter fields: the grant.
    /// - Returns: the tokens.
    /// - Throws: `TokenFailure`, `Refused`.
    func tokens(_ fields: [(String, String)]) async throws -> Tokens {
        let facts = try await facts()
        var fields = fields
        var headers = [("Content-Type", FormBody.mediaType), ("Accept", "application/json")]
        switch (facts.proof, settings.clientSecret) {
        case (.basic, let secret?):
            // RFC 6749 section 2.3.1: both parts are encoded like a form before they are joined.
            let pair = "\(FormBody.escaped(settings.clientID)):\(FormBody.escaped(secret))"
            headers.append(("Authorization", "Basic \(Base64.standard(Array(pair.utf8)))"))
        case (.post, let secret?): fields += [("client_id", settings.clientID), ("client_secret", secret)]
        case (_, _): fields.append(("client_id", settings.clientID))
        }
        let request = Self.request(
            "POST",
            facts.tokenEndpoint,
            settings,
            headers: headers,
            body: FormBody.encode(fields)
        )
        let response: FetchResponse
        do {
            response = try await fetcher.fetch(request)
        } catch {
            throw TokenFailure.unavailable
        }
        let json = response.mediaType == "application/json" ? try? JSONValue(parsing: response.body) : nil
        switch response.status {
        case 200:
            guard let json else {
                throw Refused.providerAnswer("its token endpoint answers with something else than tokens")
            }
            return Tokens(
                idToken: json["id_token"]?.text,
                accessToken: json["access_token"]?.text.flatMap { Self.isToken($0) ? $0 : nil },
                refreshToken: json["refresh_token"]?.text.flatMap { Self.isToken($0) ? $0 : nil }
            )
        case 400...403:
            let code = json?["error"]?.text
            if code == "invalid_grant" { throw TokenFailure.ended }
            let isWord = code.map { $0.utf8.count <= 64 && $0.utf8.allSatisfy(Self.isWordByte) } ?? false
            // An empty refusal is what some send for a token that has ended.
            guard !response.body.isEmpty else { throw TokenFailure.ended }
            throw TokenFailure.misconfigured(isWord ? code ?? "" : "status \(response.status)")
        default: throw TokenFailure.unavailable
        }
    }

    /// Printable ASCII, which goes into a header (RFC 6749, appendix A.12).
    private static func isToken(_ text: String) -> Bool {
        (1...16_384).contains(text.utf8.count) && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || byte == UInt8(ascii: "_")
    }

    // MARK: Fetching

    private static func request(
        _ method: String,
        _ url: String,
        _ settings: ProviderSettings,
        headers: [(String, String)],
        body: [UInt8]? = nil
    ) -> FetchRequest {
        FetchRequest(
            method,
            url,
            headers: headers,
            body: body,
            timeout: .seconds(10),
            maxBytes: longest,
            addresses: settings.addresses,
            caPEM: settings.authority
        )
    }

    private static func document(
        _ url: String,
        _ settings: ProviderSettings,
        _ fetcher: Fetcher,
        headers: [(String, String)] = []
    ) async throws -> JSONValue {
        let response: FetchResponse
        do {
            let accept = [("Accept", "application/json")]
            response = try await fetcher.fetch(request("GET", url, settings, headers: accept + headers))
        } catch let error as FetchError {
            throw Refused.providerUnavailable("\(error.kind)")
        }
        // Whatever else of the two hundreds it might be, it is no document.
        guard (200..<204).contains(response.status) else {
            throw Refused.providerUnavailable("status \(response.status)")
        }
        guard let json = try? JSONValue(parsing: response.body), json.object != nil else {
            throw Refused.providerAnswer("what it says of itself cannot be read in one way only")
        }
        return json
    }
}
