internal import AuditLog
internal import Contract
internal import Database
internal import StrictJSON

extension People {
    /// How long a token may last, in seconds.
    package static let tokenLife = 1...(366 * 86_400)

    private static let prefix = "dwt1_"
    /// How exactly it is known when a token was used last: writing it down costs a commit.
    private static let useResolution = 60
    private static let columns = """
        SELECT token.id, token.name, token.sub, person.email, token.scopes, token.created_at, token.expires_at,
            token.last_used_at, person.role FROM token JOIN person ON person.sub = token.sub
        """

    /// The token of a name behind all that were made with it, the youngest generation first.
    private static let family = """
        WITH RECURSIVE family (id, generation) AS (
            SELECT id, 0 FROM token WHERE name = ?
            UNION ALL
            SELECT token.id, generation + 1 FROM token JOIN family ON token.made_with = family.id
        )
        \(columns) JOIN family ON family.id = token.id ORDER BY family.generation DESC, token.name
        """

    /// Makes a token with some of the rights that its maker has.
    ///
    /// - Parameters:
    ///   - name: what it is called: 1 to 64 of `A-Z`, `a-z`, `0-9`, `.`, `_` and `-`.
    ///   - scopes: what of the rights it carries; each must open something to its maker.
    ///   - seconds: how long it opens; a token that is made with a token ends with that one, by time and by removal.
    ///   - caller: its maker.
    /// - Returns: the token with its secret.
    /// - Throws: `Problem`: `name_taken`, `invalid_request`, `role_needed`, `bad_token`.
    package func addToken(
        _ name: String,
        scopes: Set<Scope>,
        seconds: Int,
        by caller: Caller
    ) async throws -> IssuedToken {
        try caller.require(.editTokens)
        guard Self.tokenLife.contains(seconds) else { throw Problem.badLife(Self.tokenLife) }
        // Dots alone are no name in a path: clients resolve them, and the token could not be removed.
        guard (1...64).contains(name.utf8.count), name.utf8.allSatisfy(Self.isNameByte), ![".", ".."].contains(name)
        else { throw Problem.badTokenName }
        guard !scopes.isEmpty else { throw Problem.noScope }
        for scope in scopes {
            guard caller.role >= scope.lowestRole else { throw Problem.roleNeeded(scope.lowestRole, has: caller.role) }
        }
        let now = clock.seconds
        let parent: String?
        let expires: Int
        switch caller.proof {
        case .machine: (parent, expires) = (nil, now + seconds)
        case .token(let id, _, let end): (parent, expires) = (id, min(now + seconds, end))
        }
        let bytes = random.bytes(32)
        let token = APIToken(
            id: random.id(),
            name: name,
            maker: caller,
            scopes: scopes,
            createdAt: now,
            expiresAt: expires
        )
        try await database.write { transaction in
            let taken = try transaction.first("SELECT id FROM token WHERE name = ?", [.text(name)])
            guard taken == nil else { throw Problem.nameTaken }
            if let parent {
                // Looked at again: it may have been removed since it opened the door, and with it all that it made.
                let maker = try transaction.first("SELECT id FROM token WHERE id = ?", [.text(parent)])
                guard maker != nil else { throw Problem.badToken }
            }
            try transaction.execute(
                """
                INSERT INTO token (id, name, secret_hash, sub, scopes, created_at, expires_at, made_with)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """,
                [
                    .text(token.id), .text(name), .blob(Hash.of(bytes).bytes), .text(caller.sub),
                    .text(token.scopeText), .integer(now), .integer(expires), .text(parent),
                ]
            )
            try state("tokens/\(token.id)", before: nil, after: token.stated, by: caller.sub, in: transaction)
        }
        return IssuedToken(token: token, secret: Self.prefix + Base64.url(bytes))
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: ".-_".utf8.contains(byte)
        }
    }

    /// The tokens that the caller made; an administrator sees everybody's.
    package func tokens(for caller: Caller) async throws -> [APIToken] {
        try caller.require(.readTokens)
        return try await database.read { view in
            try view.rows("\(Self.columns) ORDER BY token.name").map { try APIToken($0) }
                .filter { $0.sub == caller.sub || caller.role >= .admin }
        }
    }

    /// Takes a token away: one's own, or for an administrator anybody's; and with it all that were made with it.
    ///
    /// Somebody else's is unknown to whoever may not see it.
    package func removeToken(_ name: String, by caller: Caller) async throws {
        try caller.require(.editTokens)
        try await database.write { transaction in
            let tokens = try transaction.rows(Self.family, [.text(name)]).map { try APIToken($0) }
            guard let token = tokens.last, token.sub == caller.sub || caller.role >= .admin else {
                throw Problem.unknownToken
            }
            for token in tokens {
                try transaction.execute("DELETE FROM token WHERE id = ?", [.text(token.id)])
                try state("tokens/\(token.id)", before: token.stated, after: nil, by: caller.sub, in: transaction)
            }
        }
    }

    /// Who stands behind `Authorization: Bearer`; throws a `Problem` of status 401 for what is no token, no longer one,
    /// or one of somebody who has no role any more.
    package func caller(token text: String) async throws -> Caller {
        guard text.hasPrefix(Self.prefix), let bytes = Base64.decodeURL(text.utf8.dropFirst(Self.prefix.utf8.count)),
            bytes.count == 32
        else { throw Problem.badToken }
        let now = clock.seconds
        // Found by the hash of 256 random bits: nothing can be learnt from how long the look-up takes.
        let found = try await database.read { view -> (APIToken, Role)? in
            let row = try view.first("\(Self.columns) WHERE token.secret_hash = ?", [.blob(Hash.of(bytes).bytes)])
            guard let row, let role = try row.optionalText("role").flatMap({ Role(rawValue: $0) }) else { return nil }
            return (try APIToken(row), role)
        }
        guard let (token, role) = found, now < token.expiresAt else { throw Problem.badToken }
        if token.lastUsedAt.map({ abs(now - $0) >= Self.useResolution }) ?? true {
            try await database.write { transaction in
                try transaction.execute(
                    "UPDATE token SET last_used_at = ? WHERE id = ?",
                    [.integer(now), .text(token.id)]
                )
            }
        }
        return Caller(
            sub: token.sub,
            email: token.email,
            role: role,
            proof: .token(id: token.id, scopes: token.scopes, expires: token.expiresAt)
        )
    }
}
