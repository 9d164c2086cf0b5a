internal import Addresses
internal import Errors
internal import Fetch
internal import ServiceKit
internal import StrictJSON

/// What an authorization server says about itself (RFC 8414), as far as a sign-in needs it.
struct AuthorizationServer: Sendable, Equatable {
    let issuer: String
    let authorizationEndpoint: String
    let tokenEndpoint: String
    let registrationEndpoint: String?
    let revocationEndpoint: String?
    let tokenMethods: [RegisteredClient.Method]
    /// Whether the answer to the browser names the issuer (RFC 9207).
    let namesIssuer: Bool

    /// Reads a document.
    ///
    /// - Parameters:
    ///   - json: the document.
    ///   - issuer: who it should be about: compared by `isSame`.
    ///   - addresses: where its endpoints may be.
    /// - Throws: `OAuthError` where it is about another issuer, an endpoint is refused, or PKCE by S256 is missing.
    init(_ json: JSONValue, issuer: String, addresses: AddressRule) throws {
        do {
            self = try ObjectReader.read(json.withoutNulls) { reader in try AuthorizationServer(members: &reader) }
        } catch let error as ShapeError {
            throw OAuthError(.badMetadata, "The authorization server's metadata is malformed: \(error)")
        }
        guard Self.isSame(self.issuer, issuer) else {
            throw OAuthError(
                .badMetadata,
                "The authorization server's metadata is about \(Self.shown(self.issuer)), not about \(Self.shown(issuer))."
            )
        }
        if let query = WebURL(authorizationEndpoint)?.query, AuthorizationFlow.clashes(with: query) {
            throw OAuthError(.badMetadata, "The authorization endpoint brings parameters of a request along.")
        }
        let endpoints = [authorizationEndpoint, tokenEndpoint, registrationEndpoint, revocationEndpoint]
        for endpoint in endpoints.compactMap({ $0 }) { try Self.check(endpoint, addresses) }
    }

    /// How a client that was registered beforehand proves itself here: where the server names several ways, in the one that
    /// every server must have (RFC 6749, 2.3.1).
    func method(withSecret hasSecret: Bool) -> RegisteredClient.Method {
        guard hasSecret else { return .none }
        return tokenMethods.contains(.post) && !tokenMethods.contains(.basic) ? .post : .basic
    }

    /// Whether two names are of one issuer: byte by byte, but for what libraries add or change when they write a URL: the slash
    /// of an empty path (RFC 3986, 6.2.3), and the case of scheme and host (6.2.2.1).
    static func isSame(_ left: String, _ right: String) -> Bool {
        let (left, right) = (Self.parts(left), Self.parts(right))
        return left.authority.utf8.elementsEqual(right.authority.utf8) && left.path.utf8.elementsEqual(right.path.utf8)
    }

    /// Scheme and authority in lower case, and all that follows.
    private static func parts(_ issuer: String) -> (authority: String, path: Substring) {
        guard issuer.utf8.allSatisfy({ $0 < 0x80 }), let start = issuer.firstRange(of: "://")?.upperBound else {
            return ("", issuer[...])
        }
        let end = issuer[start...].firstIndex { "/?#".contains($0) } ?? issuer.endIndex
        guard end > start else { return ("", issuer[...]) }
        return (issuer[..<end].lowercased(), end == issuer.endIndex ? "/" : issuer[end...])
    }

    /// An issuer as it can be shown: one that is not a plain web address is a stranger's text.
    private static func shown(_ issuer: String) -> String {
        let isPlain = issuer.utf8.count <= 200 && issuer.utf8.allSatisfy { (0x21...0x7E).contains($0) }
        return isPlain && WebURL(issuer) != nil ? issuer : "an issuer without an address"
    }

    private init(members reader: inout ObjectReader) throws {
        issuer = try reader.text("issuer")
        authorizationEndpoint = try reader.text("authorization_endpoint")
        tokenEndpoint = try reader.text("token_endpoint")
        registrationEndpoint = try reader.optionalText("registration_endpoint")
        revocationEndpoint = try reader.optionalText("revocation_endpoint")
        namesIssuer = try reader.optionalBool("authorization_response_iss_parameter_supported") ?? false
        let responses = try reader.optionalTexts("response_types_supported") ?? ["code"]
        let challenges = try reader.optionalTexts("code_challenge_methods_supported") ?? []
        // RFC 8414: without the member it is client_secret_basic.
        let methods = try reader.optionalTexts("token_endpoint_auth_methods_supported") ?? ["client_secret_basic"]
        reader.ignoreOthers()
        tokenMethods = methods.compactMap(RegisteredClient.Method.init)
        guard challenges.contains("S256") else {
            throw OAuthError(
                .unsupported,
                "The authorization server does not say that it does PKCE with S256, and without it a code can be stolen.",
                next: "Ask the server's operator to support PKCE (code_challenge_methods_supported: S256)."
            )
        }
        guard responses.contains("code") else {
            throw OAuthError(.unsupported, "The authorization server does not do the authorization code flow.")
        }
    }

    /// Refuses an endpoint that is not a plain web address, or a literal one where nothing may be fetched from.
    ///
    /// Names are judged after they were resolved, when they are fetched; what a browser opens is judged here alone.
    static func check(_ endpoint: String, _ addresses: AddressRule) throws {
        guard let url = WebURL(endpoint), url.fragment == nil else {
            throw OAuthError(
                .badMetadata,
                "The authorization server's metadata names an endpoint that is no web address."
            )
        }
        let isLoopback = addresses != .publicOnly && url.isLoopback
        guard url.scheme == "https" || isLoopback else {
            throw OAuthError(.badMetadata, "The authorization server's metadata names an endpoint without encryption.")
        }
        let isRefused = url.address.map { !addresses.admits($0) } ?? (url.isLoopback && !isLoopback)
        guard !isRefused else {
            throw OAuthError(
                .refusedAddress,
                "The authorization server's metadata names an address of a private network."
            )
        }
    }
}

extension JSONValue {
    /// The object without its null members: some servers write them for what they do not have.
    var withoutNulls: JSONValue {
        guard case .object(var object) = self else { return self }
        for name in object.names where object[name]?.isNull == true { object[name] = nil }
        return .object(object)
    }
}
