internal import Bytes
internal import Contract
internal import Fetch
internal import StrictJSON

/// What a provider says about itself (OpenID Connect Discovery 1.0, section 3), as far as a sign-in needs it.
struct ProviderMetadata: Sendable, Equatable {
    /// How a client proves itself at the token endpoint.
    enum ClientProof: String, Sendable {
        case basic = "client_secret_basic"
        case post = "client_secret_post"
        case none
    }

    let authorizationEndpoint: String
    let tokenEndpoint: String
    let keysURL: String
    let userinfoEndpoint: String?
    /// Where a browser is sent to end its session there (RP-Initiated Logout 1.0).
    let endSessionEndpoint: String?
    /// Whether answers to the browser name the issuer (RFC 9207).
    let namesIssuer: Bool
    let proof: ClientProof
    /// Whether it hands out refresh tokens to those who ask for `offline_access`.
    let hasOfflineAccess: Bool

    /// Reads a document.
    ///
    /// - Throws: `Refused`, `provider_answer`, where it is about another issuer, or names no usable endpoint.
    init(_ json: JSONValue, _ settings: ProviderSettings) throws {
        func text(_ name: JSONText) -> String? { json[name]?.text }
        func texts(_ name: JSONText) -> [String]? { json[name]?.array.map { $0.compactMap(\.text) } }
        // OpenID Connect Discovery 1.0, section 4.3: exactly the same.
        guard let issuer = text("issuer"), issuer.utf8.elementsEqual(settings.issuer.utf8) else {
            throw Refused.providerAnswer("its metadata is about another issuer than \(settings.issuer)")
        }
        func endpoint(_ name: JSONText) throws -> String? {
            guard let text = text(name) else { return nil }
            guard Self.isUsable(text, settings) else {
                throw Refused.providerAnswer("the \(name) of its metadata is no address that may be used")
            }
            return text
        }
        guard let authorization = try endpoint("authorization_endpoint"), let token = try endpoint("token_endpoint"),
            let keys = try endpoint("jwks_uri")
        else { throw Refused.providerAnswer("its metadata lacks an endpoint") }
        authorizationEndpoint = authorization
        tokenEndpoint = token
        keysURL = keys
        userinfoEndpoint = try endpoint("userinfo_endpoint")
        endSessionEndpoint = try endpoint("end_session_endpoint")
        namesIssuer = json["authorization_response_iss_parameter_supported"]?.bool ?? false
        hasOfflineAccess = texts("scopes_supported")?.contains("offline_access") ?? false
        // Without the member it is client_secret_basic (section 3).
        let proofs = texts("token_endpoint_auth_methods_supported") ?? [ClientProof.basic.rawValue]
        if let secret = settings.clientSecret {
            // Not every provider decodes the parts of a Basic header, as RFC 6749 section 2.3.1 has it.
            let isPlain = FormBody.escaped(settings.clientID + secret) == settings.clientID + secret
            let isBasic = isPlain || !proofs.contains(ClientProof.post.rawValue)
            proof = isBasic && proofs.contains(ClientProof.basic.rawValue) ? .basic : .post
        } else {
            proof = .none
        }
        if let challenges = texts("code_challenge_methods_supported"), !challenges.contains("S256") {
            throw Refused.providerAnswer("it does not do PKCE with S256, and without it a code can be stolen")
        }
    }

    /// Whether an address can be one of a provider: https, or plain HTTP on this machine where that is allowed.
    static func isUsable(_ text: String, _ settings: ProviderSettings) -> Bool {
        guard let url = WebURL(text), url.fragment == nil else { return false }
        return url.scheme == "https" || settings.allowsLoopback && url.isLoopback
    }
}
