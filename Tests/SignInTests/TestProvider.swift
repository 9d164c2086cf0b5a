import Bytes
import Crypto
import Fetch
import Foundation
import Kits
import StrictJSON
import Synchronization

@testable import SignIn

/// An identity provider over a real socket, which a test can make lie.
final class TestProvider: Sendable {
    struct State: Sendable {
        var keys = [Key("first")]
        /// Members of the metadata that differ from the honest ones; null takes one away.
        var metadata: JSONObject = [:]
        /// Claims of ID tokens that differ; null takes one away.
        var claims: JSONObject = [:]
        /// Members of a token's header that differ.
        var header: JSONObject = [:]
        /// What is signed with in place of the first key.
        var signer: (@Sendable ([UInt8]) throws -> [UInt8])?
        /// What the token endpoint answers in place of tokens.
        var refusal: (status: Int, body: String)?
        var givesRefreshToken = true
        var givesIDToken = true
        var codes: [String: [String: String]] = [:]
        var refreshTokens: Set<String> = []
        var counter = 0
    }

    /// A key for ES256.
    struct Key: Sendable {
        let name: String
        let key = P256.Signing.PrivateKey()

        init(_ name: String) { self.name = name }

        var json: JSONValue {
            let point = Array(key.publicKey.rawRepresentation)
            return [
                "kty": "EC", "crv": "P-256", "kid": .text(name), "use": "sig", "alg": "ES256",
                "x": .text(Base64.url(point.prefix(32))), "y": .text(Base64.url(point.suffix(32))),
            ]
        }
    }

    let state = Mutex(State())
    private let origin = Mutex("")
    let server: RawServer

    static let client = "doorward"

    init() throws {
        let reference = Reference()
        server = try RawServer { reference.provider.withLock { $0 }?.answer($0) ?? .silence }
        origin.withLock { $0 = server.origin }
        reference.provider.withLock { $0 = self }
    }

    private final class Reference: Sendable {
        let provider = Mutex<TestProvider?>(nil)
    }

    var issuer: String { server.origin + "/realm" }

    var settings: ProviderSettings {
        var settings = ProviderSettings(issuer: issuer, clientID: Self.client, clientSecret: "s&cret", roles: [:])
        settings.allowsLoopback = true
        return settings
    }

    func change(_ body: (inout State) -> Void) { state.withLock { body(&$0) } }

    func asked(_ path: String) -> Int { server.requests.count { $0.split(separator: " ")[1].hasPrefix(path) } }

    // MARK: The browser's part

    /// What a person's consent sends the browser back with: the query of the callback.
    func consent(_ departure: String, changing changes: [String: String?] = [:]) throws -> String {
        guard let query = WebURL(departure)?.query, let fields = FormBody.decode(query), let state = fields["state"]
        else {
            throw CocoaError(.coderInvalidValue)
        }
        let code = self.state.withLock { held in
            held.counter += 1
            held.codes["code-\(held.counter)"] = fields
            return "code-\(held.counter)"
        }
        var answer: [String: String?] = ["state": state, "code": code, "iss": issuer]
        answer.merge(changes) { $1 }
        return FormBody.query(answer.compactMap { name, value in value.map { (name, $0) } })
    }

    // MARK: The provider's part

    private func answer(_ request: String) -> RawServer.Answer {
        let path = request.split(separator: " ")[1].prefix { $0 != "?" }
        let body = request.components(separatedBy: "\r\n\r\n").dropFirst().joined()
        let origin = origin.withLock { $0 }
        return state.withLock { state in
            switch path {
            case "/realm/.well-known/openid-configuration":
                return Self.json(
                    Self.merge(
                        [
                            "issuer": .text("\(origin)/realm"),
                            "authorization_endpoint": .text("\(origin)/authorize"),
                            "token_endpoint": .text("\(origin)/token"), "jwks_uri": .text("\(origin)/keys"),
                            "end_session_endpoint": .text("\(origin)/end"),
                            "authorization_response_iss_parameter_supported": true,
                            "scopes_supported": ["openid", "offline_access"],
                        ],
                        state.metadata
                    )
                )
            case "/keys": return Self.json(["keys": .array(state.keys.map(\.json))])
            case "/token": return token(FormBody.decode(body) ?? [:], request, "\(origin)/realm", &state)
            default: return .http(404)
            }
        }
    }

    private func token(
        _ form: [String: String],
        _ request: String,
        _ issuer: String,
        _ state: inout State
    ) -> RawServer.Answer {
        if let (status, body) = state.refusal { return .http(status, ["Content-Type: application/json"], body: body) }
        let proof = Base64.standard(Array("\(Self.client):s%26cret".utf8))
        guard request.contains("Basic \(proof)") else { return Self.json(["error": "invalid_client"], 401) }
        var nonce: String?
        switch form["grant_type"] {
        case "authorization_code":
            guard let fields = form["code"].flatMap({ state.codes.removeValue(forKey: $0) }),
                fields["redirect_uri"] == form["redirect_uri"], let verifier = form["code_verifier"],
                fields["code_challenge"] == Base64.url(Array(SHA256.hash(data: Data(verifier.utf8))))
            else { return Self.json(["error": "invalid_grant"], 400) }
            nonce = fields["nonce"]
        case "refresh_token":
            // Each is good once.
            guard let token = form["refresh_token"], state.refreshTokens.remove(token) != nil else {
                return Self.json(["error": "invalid_grant"], 400)
            }
        default: return Self.json(["error": "unsupported_grant_type"], 400)
        }
        var answer: JSONObject = ["access_token": "at", "token_type": "Bearer", "expires_in": 60]
        if state.givesIDToken { answer["id_token"] = (try? idToken(issuer, nonce, state)).map { .text($0) } }
        if state.givesRefreshToken {
            state.counter += 1
            state.refreshTokens.insert("rt-\(state.counter)")
            answer["refresh_token"] = .text("rt-\(state.counter)")
        }
        return Self.json(.object(answer))
    }

    private func idToken(_ issuer: String, _ nonce: String?, _ state: State) throws -> String {
        let now = 1_785_196_800
        var claims: JSONObject = [
            "iss": .text(issuer), "sub": "ann-1", "aud": .text(Self.client), "exp": .int(now + 86_400 * 365),
            "iat": .int(now), "auth_time": .int(now), "email": "ann@example.com", "email_verified": true,
            "groups": ["staff"],
        ]
        claims["nonce"] = nonce.map { .text($0) }
        let key = state.keys[0]
        let header = Self.merge(["alg": "ES256", "kid": .text(key.name)], state.header)
        let text = "\(Base64.url(header.bytes)).\(Base64.url(Self.merge(claims, state.claims).bytes))"
        let signature =
            try state.signer?(Array(text.utf8)) ?? Array(key.key.signature(for: Data(text.utf8)).rawRepresentation)
        return "\(text).\(Base64.url(signature))"
    }

    private static func merge(_ object: JSONObject, _ changes: JSONObject) -> JSONValue {
        var object = object
        for member in changes.members { object[member.name] = member.value.isNull ? nil : member.value }
        return .object(object)
    }

    private static func json(_ value: JSONValue, _ status: Int = 200) -> RawServer.Answer {
        .http(status, ["Content-Type: application/json"], body: String(decoding: value.bytes, as: UTF8.self))
    }
}
