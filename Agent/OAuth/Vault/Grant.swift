internal import Bytes
internal import StrictJSON

/// What a user got from an authorization server for one server: the content of one item in the keyring.
struct Grant: Sendable, Equatable {
    /// Random, for records; never made of a token.
    let credential: String
    /// Counts the tokens that this grant has had, so that the holder of an old copy sees that it is old.
    var generation: Int
    var accessToken: String
    /// Seconds since 1970; nil where the server did not say.
    var expires: Int?
    /// When the access token came, in seconds since 1970.
    var obtained: Int
    var refreshToken: String?
    /// The authorization server that all of it is from.
    let issuer: String
    let resource: String
    let tokenEndpoint: String
    let revocationEndpoint: String?
    let client: RegisteredClient
    let scopes: [String]

    /// When to renew, in seconds since 1970: a tenth of the life before the end, half a minute at most.
    ///
    /// A little earlier for each token by an amount of its own, so that not all of them come due together.
    var renewal: Int? {
        guard let expires else { return nil }
        let margin = min(30, max(1, (expires - obtained) / 10))
        let spread = credential.utf8.reduce(generation) { ($0 &* 31 &+ Int($1)) & 0xFFFF } % 8
        return expires - margin - margin * spread / 16
    }

    var token: AccessToken {
        AccessToken(credential: credential, header: Array("Bearer \(accessToken)".utf8))
    }
}

extension Grant: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    var description: String { "[grant \(credential), generation \(generation)]" }
    var debugDescription: String { description }
    var customMirror: Mirror { Mirror(self, children: [:]) }
}

extension Grant {
    /// The item's content.
    var json: JSONValue {
        var object: JSONObject = [
            "v": 1, "credential": .text(credential), "generation": .int(generation), "access_token": .text(accessToken),
            "obtained": .int(obtained), "issuer": .text(issuer), "resource": .text(resource),
            "token_endpoint": .text(tokenEndpoint), "client": client.json,
            "scopes": .array(scopes.map { .text($0) }),
        ]
        object["expires"] = expires.map { .int($0) }
        object["refresh_token"] = refreshToken.map { .text($0) }
        object["revocation_endpoint"] = revocationEndpoint.map { .text($0) }
        return .object(object)
    }

    /// Reads an item; nil if it is malformed.
    init?(_ bytes: [UInt8]) {
        guard let json = try? JSONValue(parsing: bytes), let grant = try? Grant(json) else { return nil }
        self = grant
    }

    private init(_ json: JSONValue) throws {
        self = try ObjectReader.read(json) { reader in
            _ = try reader.int("v", in: 1...1)
            return Grant(
                credential: try reader.text("credential"),
                generation: try reader.int("generation"),
                accessToken: try reader.text("access_token"),
                expires: try reader.optionalInt("expires"),
                obtained: try reader.int("obtained"),
                refreshToken: try reader.optionalText("refresh_token"),
                issuer: try reader.text("issuer"),
                resource: try reader.text("resource"),
                tokenEndpoint: try reader.text("token_endpoint"),
                revocationEndpoint: try reader.optionalText("revocation_endpoint"),
                client: try RegisteredClient(try reader.required("client")),
                scopes: try reader.texts("scopes")
            )
        }
    }
}

/// What an authorization server calls Doorward.
struct RegisteredClient: Sendable, Equatable {
    /// How a client proves itself at the token endpoint (RFC 6749, 2.3).
    enum Method: String, Sendable, CaseIterable {
        case none, basic = "client_secret_basic", post = "client_secret_post"
        /// Basic without the encoding of a form, as servers want it that read the pair as it comes; no name of a standard.
        case bareBasic = "client_secret_basic_bare"
    }

    let id: String
    let secret: String?
    let method: Method

    var json: JSONValue {
        var object: JSONObject = ["id": .text(id), "method": .text(method.rawValue)]
        object["secret"] = secret.map { .text($0) }
        return .object(object)
    }

    /// The other ways in which a server that refuses this client may want it to prove itself, the likeliest first.
    var otherwise: [RegisteredClient] {
        guard let secret else { return [] }
        let isPlain = FormBody.escaped(id + secret) == id + secret || id.contains(":")
        let basics: [Method] = isPlain ? [.basic] : [.basic, .bareBasic]
        return (basics + [.post]).filter { $0 != method }.map { RegisteredClient(id: id, secret: secret, method: $0) }
    }

    init(id: String, secret: String? = nil, method: Method = .none) {
        self.id = id
        self.secret = secret
        self.method = method
    }

    init(_ json: JSONValue) throws {
        self = try ObjectReader.read(json, at: "client") { reader in
            RegisteredClient(
                id: try reader.text("id"),
                secret: try reader.optionalText("secret"),
                method: try reader.word("method")
            )
        }
    }
}
