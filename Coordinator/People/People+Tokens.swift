internal import AuditSink
internal import Bytes
internal import Contract
package import Database
package import Rights
internal import StrictJSON
internal import TransparencyLog

extension People {
    /// How long a token may last, in seconds.
    package static let tokenLife = 1...(366 * 86_400)

    private static let prefix = "dwt1_"
    /// How exactly it is known when a token was used last: writing it down costs a commit.
    private static let useResolution = 60
    /// How many tokens that have not expired one person may have: they end in one transaction with the person.
    static let mostTokens = 500
    private static let columns = """
        SELECT token.id, token.name, token.sub, person.email, token.scopes, token.created_at, token.expires_at,
            token.last_used_at, token.machine, person.role FROM token JOIN person ON person.sub = token.sub
        """

    /// Tokens that fit behind all that were made with them, the youngest generation first.
    static func family(_ condition: String) -> String {
        """
        WITH RECURSIVE family (id, generation) AS (
            SELECT id, 0 FROM token WHERE \(condition)
            UNION ALL
            SELECT token.id, generation + 1 FROM token JOIN family ON token.made_with = family.id
        )
        \(columns) JOIN family ON family.id = token.id ORDER BY family.generation DESC, token.name
        """
    }

    /// The tokens of a person.
    func tokens(of sub: String, in view: some SQLReading) throws -> [APIToken] {
        try view.rows("\(Self.columns) WHERE token.sub = ? ORDER BY token.name", [.text(sub)]).map { try APIToken($0) }
    }

    /// Makes a token with some of the rights that its maker has.
    ///
    /// - Parameters:
    ///   - name: what it is called: 1 to 64 of `A-Z`, `a-z`, `0-9`, `.`, `_` and `-`.
    ///   - scopes: what of the rights it carries; each must open something to its maker.
    ///   - seconds: how long it opens; a token that is made with a token ends with that one, by time and by removal, and
    ///     each with the machine that it goes back to.
    ///   - permit: its maker.
    /// - Returns: the token with its secret.
    /// - Throws: `Refused`: `name_taken`, `invalid_request`, `role_needed`, `bad_token`, `too_many`.
    package func addToken(
        _ name: String,
        scopes: Set<Scope>,
        seconds: Int,
        by permit: Permit<Right.EditTokens>
    ) async throws -> IssuedToken {
        guard Self.tokenLife.contains(seconds) else { throw Refused.badLife(Self.tokenLife) }
        guard Self.isName(name) else { throw Refused.badTokenName }
        guard !scopes.isEmpty else { throw Refused.noScope }
        let now = clock.seconds
        let bytes = random.bytes(32)
        let id = random.id()
        let token = try await database.write { transaction in
            let caller = try standing(permit, in: transaction).caller
            for scope in scopes {
                guard caller.role >= scope.lowestRole else {
                    throw Refused.roleNeeded(scope.lowestRole, has: caller.role)
                }
            }
            let taken = try transaction.first("SELECT id FROM token WHERE name = ?", [.text(name)])
            guard taken == nil else { throw Refused.nameTaken }
            guard try tokens(of: caller.sub, in: transaction).count(where: { $0.expiresAt > now }) < Self.mostTokens
            else { throw Self.tooMany }
            let origin = try origin(of: caller, in: transaction)
            let token = APIToken(
                id: id,
                name: name,
                maker: caller,
                machine: origin.machine,
                scopes: scopes,
                createdAt: now,
                expiresAt: min(now + seconds, origin.expires)
            )
            try transaction.execute(
                """
                INSERT INTO token (id, name, secret_hash, sub, scopes, created_at, expires_at, made_with, machine)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
                [
                    .text(token.id), .text(name), .blob(Hash.of(bytes).bytes), .text(caller.sub),
                    .text(token.scopeText), .integer(now), .integer(token.expiresAt), .text(origin.token),
                    .text(origin.machine),
                ]
            )
            try state("tokens/\(token.id)", before: nil, after: token.stated, by: caller.sub, in: transaction)
            return token
        }
        return IssuedToken(token: token, secret: Self.prefix + Base64.url(bytes))
    }

    private static let tooMany = Refused.tooMany(
        "tokens",
        most: mostTokens,
        next: "Remove some: doorward admin tokens remove NAME"
    )

    /// Whether a text is a name in a path.
    ///
    /// Dots alone are not: clients resolve them, and what is called so could not be removed.
    static func isName(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count) && name.utf8.allSatisfy(isNameByte) && ![".", ".."].contains(name)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: ".-_".utf8.contains(byte)
        }
    }

    /// The tokens that the caller made; an administrator sees those of all people.
    package func tokens(for permit: Permit<Right.ReadTokens>) async throws -> [APIToken] {
        try await database.read { view in
            try view.rows("\(Self.columns) ORDER BY token.name").map { try APIToken($0) }
                .filter { $0.sub == permit.sub || permit.role >= .admin }
        }
    }

    private static let byName = Listing(columns, by: [.init("token.name", "name")])

    /// The same in pages; of one person, where that is asked.
    ///
    /// - Parameters:
    ///   - user: a pseudonym or an e-mail address; nil: of all whose tokens the caller sees.
    ///   - page: which part of them.
    ///   - permit: the reader.
    /// - Returns: the page.
    /// - Throws: `Refused` where the reader may not any more.
    package func tokens(
        of user: String?,
        _ page: PageRequest,
        for permit: Permit<Right.ReadTokens>
    ) async throws -> Page<APIToken> {
        var conditions: [Listing.Condition] = []
        if permit.role < .admin { conditions.append(.init("token.sub = ?", .text(permit.sub))) }
        if let user { conditions.append(.init("(token.sub = ? OR person.email = ?)", .text(user), .text(user))) }
        return try await database.read { [conditions] view in
            try Self.byName.page(page, where: conditions, in: view) { try APIToken($0) }
        }
    }

    /// Takes a token away: one's own, or for an administrator that of any person without a higher role; and with it all
    /// that was made with it.
    ///
    /// A caller who may not see another person's token is told that it is unknown.
    ///
    /// - Parameters:
    ///   - name: what it is called.
    ///   - enrolled: what happens to the machines that came in with its invitations; for an administrator.
    ///   - expectation: what is believed of the token; nil: whatever it is.
    ///   - permit: who does it.
    /// - Returns: what was taken away.
    /// - Throws: `Refused`: `unknown_token`, `role_needed`, `precondition_failed`.
    @discardableResult
    package func removeToken(
        _ name: String,
        enrolled: EnrolledMachines = .keep,
        expecting expectation: Expectation? = nil,
        by permit: Permit<Right.EditTokens>
    ) async throws -> Ended {
        try await database.write { transaction in
            let caller = try standing(permit, in: transaction).caller
            if enrolled == .revoke { try caller.require(.revokeMachines) }
            guard let row = try transaction.first("\(Self.columns) WHERE token.name = ?", [.text(name)]) else {
                throw Refused.unknownToken
            }
            let token = try APIToken(row)
            if token.sub != caller.sub {
                guard caller.role >= .admin else { throw Refused.unknownToken }
                try Self.refuse(above: try person(sub: token.sub, in: transaction)?.role, caller)
            }
            try expectation?.check(token.tag)
            var withdrawal = Withdrawal(people: self, who: caller.sub, transaction: transaction)
            try withdrawal.end(tokensWhere: "id = ?", token.id, isAsked: true)
            return try withdrawal.finish(enrolled, by: caller)
        }
    }

    /// The caller that a token after `Authorization: Bearer` proves; throws `Refused`, `bad_token`, for what is not a
    /// token, or no longer one, or belongs to a person who has no role any more.
    package func caller(token text: String) async throws -> Caller {
        guard text.hasPrefix(Self.prefix), let bytes = Base64.decodeURL(text.utf8.dropFirst(Self.prefix.utf8.count)),
            bytes.count == 32
        else { throw Refused.badToken }
        let now = clock.seconds
        // Found by the hash of 256 random bits: nothing can be learnt from how long the look-up takes.
        let found = try await database.read { view -> (APIToken, Role, Lock?)? in
            let row = try view.first("\(Self.columns) WHERE token.secret_hash = ?", [.blob(Hash.of(bytes).bytes)])
            guard let row, let role = try row.optionalText("role").flatMap({ Role(rawValue: $0) }) else { return nil }
            let token = try APIToken(row)
            return (token, role, try Lock.find(sub: token.sub, machine: token.machine, in: view))
        }
        guard let (token, role, lock) = found, now < token.expiresAt else { throw Refused.badToken }
        if token.lastUsedAt.map({ abs(now - $0) >= Self.useResolution }) ?? true {
            // No caller waits for it: a question by token has to be answered also while nothing can be written.
            database.writeLater { transaction in
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
            proof: .token(id: token.id, scopes: token.scopes, expires: token.expiresAt),
            isLocked: lock != nil
        )
    }
}
