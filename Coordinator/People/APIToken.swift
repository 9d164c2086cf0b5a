internal import Bytes
internal import Database
package import Rights
package import StrictJSON

/// A token for scripts, without its secret.
package struct APIToken: Sendable, Equatable {
    package let id: String
    package let name: String
    /// The pseudonym and the address of the person who made it.
    package let sub: String
    package let email: String
    package private(set) var scopes: Set<Scope>
    /// Seconds since 1970.
    package let createdAt: Int
    /// Seconds since 1970; from here on it opens nothing.
    package let expiresAt: Int
    /// To the minute.
    package let lastUsedAt: Int?
    /// The machine that made it, itself or by a token; it ends with that one.
    package let machine: String?

    /// As `GET /v1/tokens` shows it.
    package var json: JSONValue {
        var object: JSONObject = [
            "name": .text(name), "user": .text(email), "scopes": .array(scopeNames),
            "created": .text(UTCTime(seconds: createdAt).shortText),
            "expires": .text(UTCTime(seconds: expiresAt).shortText),
        ]
        object["last_used"] = lastUsedAt.map { .text(UTCTime(seconds: $0).shortText) }
        object["made_with"] = machine.map { .text($0) }
        return .object(object)
    }

    /// Names this token in this state: an entity tag without its quotation marks.
    package var tag: String { get throws { try Expectation.tag(stated) } }

    fileprivate var scopeNames: [JSONValue] { Scope.allCases.filter(scopes.contains).map { .text($0.rawValue) } }

    /// What the organisation's log has the digest of.
    var stated: JSONValue {
        ["id": .text(id), "name": .text(name), "scopes": .array(scopeNames), "expires": .int(expiresAt)]
    }

    /// As the database has them.
    var scopeText: String { Scope.text(scopes) }

    init(_ row: SQLRow) throws {
        id = try row.text("id")
        name = try row.text("name")
        sub = try row.text("sub")
        email = try row.text("email")
        scopes = Scope.set(try row.text("scopes"))
        createdAt = try row.integer("created_at")
        expiresAt = try row.integer("expires_at")
        lastUsedAt = try row.optionalInteger("last_used_at")
        machine = try row.optionalText("machine")
    }

    init(
        id: String,
        name: String,
        maker: Caller,
        machine: String?,
        scopes: Set<Scope>,
        createdAt: Int,
        expiresAt: Int
    ) {
        self.id = id
        self.name = name
        sub = maker.sub
        email = maker.email
        self.scopes = scopes
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        lastUsedAt = nil
        self.machine = machine
    }

    /// The same token, which carries less.
    func with(scopes: Set<Scope>) -> APIToken {
        var token = self
        token.scopes = scopes
        return token
    }
}

/// A new token with its secret, shown once.
package struct IssuedToken: Sendable {
    package let token: APIToken
    /// What follows `Authorization: Bearer`.
    package let secret: String

    /// As `POST /v1/tokens` answers.
    package var json: JSONValue {
        var object = token.json.object ?? [:]
        object["token"] = .text(secret)
        return .object(object)
    }
}
