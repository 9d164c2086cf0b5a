import Bytes
import Fetch
import Foundation
import Kits
import StrictJSON
import Synchronization
import TransparencyLog

@testable import OAuth

/// A protected server and its authorization server in one, over real sockets.
///
/// It checks its caller: PKCE, redirect, `resource`, client authentication, and refresh tokens that are good once: a second
/// use ends the grant. Any path can be made to answer something else.
final class FakeProvider: Sendable {
    struct State: Sendable {
        /// Members of the two documents that differ from the honest ones; null takes one away.
        var resourceChanges: JSONObject = [:]
        var serverChanges: JSONObject = [:]
        /// What paths answer instead, first come first served.
        var instead: [String: [RawServer.Answer]] = [:]
        var challenge: String? = ""
        var lifetime = 3600
        var secret: String?
        /// The secret of the client `known`, and the only way in which it may prove itself.
        var known: (secret: String, method: String)?
        /// How long the token endpoint keeps an answer to itself, in milliseconds.
        var delay: UInt32 = 0

        var clients: Set<String> = []
        var codes: [String: [String: String]] = [:]
        var refresh: String?
        var used: Set<String> = []
        var isAlive = true
        var counter = 0
        var registrations = 0
        var refreshes = 0
        var reuses = 0
        var revocations: [String] = []
        /// As servers on the official Python SDK are: the field must be there, and may be empty.
        var revocationWantsSecret = false
        var resources: [String?] = []
        var complaints: [String] = []
    }

    private final class Box: Sendable {
        let origin = Mutex("")
    }

    let state = Mutex(State())
    private let box = Box()
    let server: RawServer

    init() throws {
        let (state, box) = (StateReference(), box)
        server = try RawServer { request in state.answer(request, box.origin.withLock { $0 }) }
        state.provider.withLock { [self] in $0 = { [weak self] in self } }
        box.origin.withLock { $0 = server.origin }
    }

    /// Breaks the circle between the server and what it answers with.
    private final class StateReference: Sendable {
        let provider = Mutex<@Sendable () -> FakeProvider?>({ nil })

        func answer(_ request: String, _ origin: String) -> RawServer.Answer {
            provider.withLock { $0 }()?.answer(request, origin) ?? .silence
        }
    }

    var origin: String { server.origin }
    var url: String { "\(origin)/mcp" }

    func protected(clientID: String? = nil, scopes: [String] = [], loopback: Bool = true) -> ProtectedServer {
        ProtectedServer(alias: "a", url: url, scopes: scopes, clientID: clientID, allowsLoopback: loopback)
    }

    func change(_ body: @Sendable (inout State) -> Void) { state.withLock { body(&$0) } }

    /// Makes a path answer something else, once.
    func instead(_ path: String, _ answers: RawServer.Answer...) {
        state.withLock { $0.instead[path, default: []] += answers }
    }

    var counts: (refreshes: Int, reuses: Int, complaints: [String]) {
        state.withLock { ($0.refreshes, $0.reuses, $0.complaints) }
    }

    /// How often a path was asked for.
    func asked(_ path: String) -> Int { server.requests.count { Self.path(of: $0) == path } }

    // MARK: The browser's part

    /// Consents to an authorization request; the address that the browser is sent back to.
    func consent(_ authorizationURL: String, changing changes: [String: String?] = [:]) throws -> String {
        guard let url = WebURL(authorizationURL), let query = url.query, let fields = FormBody.decode(query),
            let redirect = fields["redirect_uri"]
        else { throw CocoaError(.coderInvalidValue) }
        var answer: [String: String?] = ["state": fields["state"], "iss": origin]
        state.withLock { state in
            state.counter += 1
            let code = "code-\(state.counter)-secret"
            state.codes[code] = fields
            state.resources.append(fields["resource"])
            answer["code"] = code
        }
        answer.merge(changes) { $1 }
        let pairs = answer.compactMap { name, value in value.map { (name, $0) } }
        return "\(redirect)?\(FormBody.query(pairs))"
    }

    // MARK: The servers' part

    private static func path(of request: String) -> String {
        String(request.split(separator: " ")[1].prefix { $0 != "?" })
    }

    private func answer(_ request: String, _ origin: String) -> RawServer.Answer {
        let path = Self.path(of: request)
        let body = request.components(separatedBy: "\r\n\r\n").dropFirst().joined()
        defer { if path == "/token" { usleep(state.withLock { $0.delay } * 1000) } }
        return state.withLock { state in
            if let instead = state.instead[path]?.first {
                state.instead[path]?.removeFirst()
                if state.instead[path]?.isEmpty == true { state.instead[path] = nil }
                return instead
            }
            switch path {
            case "/mcp": return challenge(state, origin)
            case "/.well-known/oauth-protected-resource/mcp":
                return Self.json(
                    ["resource": .text("\(origin)/mcp"), "authorization_servers": [.text(origin)]],
                    changed: state.resourceChanges
                )
            case "/.well-known/oauth-authorization-server":
                return Self.json(Self.metadata(origin), changed: state.serverChanges)
            case "/register": return register(&state)
            case "/token": return token(request, FormBody.decode(body) ?? [:], &state)
            case "/revoke":
                let fields = FormBody.decode(body) ?? [:]
                if state.revocationWantsSecret, fields["client_secret"] == nil {
                    return Self.json(["error": "invalid_request"], status: 400)
                }
                state.revocations.append(fields["token"] ?? "")
                if fields["token"] == state.refresh { state.isAlive = false }
                return .http()
            default: return .http(404)
            }
        }
    }

    private static func metadata(_ origin: String) -> JSONObject {
        [
            "issuer": .text(origin), "authorization_endpoint": .text("\(origin)/authorize"),
            "token_endpoint": .text("\(origin)/token"), "registration_endpoint": .text("\(origin)/register"),
            "revocation_endpoint": .text("\(origin)/revoke"), "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": true,
            "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
        ]
    }

    private func challenge(_ state: State, _ origin: String) -> RawServer.Answer {
        guard let more = state.challenge else { return .http(401) }
        let place = "\(origin)/.well-known/oauth-protected-resource/mcp"
        return .http(401, ["WWW-Authenticate: Bearer resource_metadata=\"\(place)\"\(more)"])
    }

    static func json(_ object: JSONObject, changed: JSONObject = [:], status: Int = 200) -> RawServer.Answer {
        var object = object
        for name in changed.names {
            object[name] = changed[name]?.isNull == true ? nil : changed[name]
        }
        return .http(status, ["Content-Type: application/json"], body: JSONValue.object(object).json)
    }

    private func register(_ state: inout State) -> RawServer.Answer {
        state.registrations += 1
        let id = "client-\(state.registrations)"
        state.clients.insert(id)
        var answer: JSONObject = ["client_id": .text(id)]
        if let secret = state.secret {
            answer["client_secret"] = .text(secret)
            answer["token_endpoint_auth_method"] = "client_secret_basic"
        }
        return Self.json(answer, status: 201)
    }

    private func token(_ request: String, _ fields: [String: String], _ state: inout State) -> RawServer.Answer {
        state.resources.append(fields["resource"])
        if let known = state.known {
            guard Self.isProven(request, fields, known) else {
                let words = "not the client that is known here: \(fields["client_secret"] ?? "\"nobody\"")"
                return Self.json(["error": "invalid_client", "error_description": .text(words)], status: 401)
            }
        } else if let secret = state.secret {
            let pair = Base64.standard(Array("client-\(state.registrations):\(FormBody.escaped(secret))".utf8))
            if !request.contains("Authorization: Basic \(pair)") { state.complaints.append("client not proven") }
        } else if fields["client_id"].map({ state.clients.contains($0) || $0 == "known" }) != true {
            state.complaints.append("unknown client")
        }
        switch fields["grant_type"] {
        case "authorization_code":
            let asked = fields["code"].flatMap { state.codes.removeValue(forKey: $0) }
            let verifier = fields["code_verifier"] ?? ""
            guard let asked, Hash.of(Array(verifier.utf8)).base64URL == asked["code_challenge"],
                fields["redirect_uri"] == asked["redirect_uri"], asked["code_challenge_method"] == "S256"
            else { return Self.json(["error": "invalid_grant"], status: 400) }
            return tokens(&state)
        case "refresh_token":
            let token = fields["refresh_token"] ?? ""
            if state.used.contains(token) {
                state.reuses += 1
                state.isAlive = false
            }
            guard state.isAlive, token == state.refresh else {
                return Self.json(["error": "invalid_grant"], status: 400)
            }
            state.used.insert(token)
            state.refreshes += 1
            return tokens(&state)
        default: return Self.json(["error": "unsupported_grant_type"], status: 400)
        }
    }

    private static func isProven(
        _ request: String,
        _ fields: [String: String],
        _ known: (secret: String, method: String)
    ) -> Bool {
        let secret = known.method == "bare" ? known.secret : FormBody.escaped(known.secret)
        let pair = Base64.standard(Array("known:\(secret)".utf8))
        return known.method == "client_secret_post"
            ? fields["client_secret"] == known.secret && !request.contains("Authorization: Basic")
            : fields["client_secret"] == nil && request.contains("Authorization: Basic \(pair)\r\n")
    }

    private func tokens(_ state: inout State) -> RawServer.Answer {
        state.counter += 1
        state.isAlive = true
        let refresh = "refresh-\(state.counter)-secret"
        state.refresh = refresh
        return Self.json([
            "access_token": .text("access-\(state.counter)-secret"), "token_type": "bearer",
            "expires_in": .int(state.lifetime), "refresh_token": .text(refresh),
        ])
    }
}
