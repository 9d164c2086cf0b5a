internal import AuditSink
internal import Bytes
internal import Contract
package import Database
package import People
internal import Rights
package import ServiceKit
internal import StrictJSON
internal import TransparencyLog

/// The browsers that people are signed in with.
///
/// Of a session's secret, 256 random bits, a SHA-256 is stored. A session ends by its age, by rest, by signing out, with its
/// person, and with the machine that it was opened from.
package struct BrowserSessions: Sendable {
    static let secretLength = 32
    /// After this it ends, however busy it is; in seconds.
    package static let life = 12 * 3600
    /// It ends where nothing was asked for so long; in seconds.
    package static let rest = 3600
    /// For so long after a sign-in a person may do what needs a recent one; in seconds.
    package static let recent = 900
    /// How exactly it is known when it was used last: writing it down costs a commit.
    private static let useResolution = 60
    /// The oldest ends where a person opens more.
    static let mostOfPerson = 20

    let database: SQLDatabase
    let clock: MachineClock
    let random: Randomness

    /// The sessions in `database`.
    package init(database: SQLDatabase, clock: MachineClock, random: Randomness = .system) {
        self.database = database
        self.clock = clock
        self.random = random
    }

    // MARK: Looking

    /// The session of a request's cookie; nil where there is none, or it has ended.
    package func session(of request: BrowserRequest) async throws -> BrowserSession? {
        guard let secret = SessionCookie.secret(in: request.cookies) else { return nil }
        let now = clock.seconds
        // Found by the hash of 256 random bits: nothing can be learnt from how long the look-up takes.
        guard let (session, usedAt) = try await database.read({ view in try find(secret, at: now, in: view) }) else {
            return nil
        }
        if abs(now - usedAt) >= Self.useResolution {
            // No caller waits for it.
            database.writeLater { transaction in
                try transaction.execute(
                    "UPDATE browser_session SET used_at = ? WHERE id = ?",
                    [.integer(now), .text(session.id)]
                )
            }
        }
        return session
    }

    private func find(_ secret: [UInt8], at now: Int, in view: some SQLReading) throws -> (BrowserSession, Int)? {
        let row = try view.first(
            """
            SELECT browser_session.*, person.email, person.role FROM browser_session
            JOIN person ON person.sub = browser_session.sub
            LEFT JOIN agent ON agent.agent_id = browser_session.machine
            WHERE secret_hash = ? AND agent.revoked_at IS NULL
            """,
            [.blob(Hash.of(secret).bytes)]
        )
        guard let row, let session = try BrowserSession(row, at: now, in: view) else { return nil }
        let usedAt = try row.integer("used_at")
        guard now < session.expiresAt, now - usedAt < Self.rest else { return nil }
        return (session, usedAt)
    }

    // MARK: Opening

    /// Lets a browser in: with a new secret, whatever cookie it had, so that nobody can have chosen it.
    ///
    /// - Parameters:
    ///   - person: who was proven, with a role.
    ///   - way: how.
    ///   - machine: the enrolled machine that it goes back to; it ends with that one.
    ///   - provenAt: when the person has proven itself, in seconds since 1970; nil: now.
    ///   - idToken: what the provider wants to see when the browser signs out there too, sealed.
    ///   - former: the browser's request: a session that it has already is another sign-in of the same person, or ends.
    ///   - transaction: where.
    /// - Returns: the session with its cookie; nil where the person has no role.
    /// - Throws: what the database throws.
    package func open(
        for person: Person,
        by way: BrowserSession.Way,
        machine: String? = nil,
        provenAt: Int? = nil,
        idToken: [UInt8]? = nil,
        over former: BrowserRequest,
        in transaction: SQLTransaction
    ) throws -> OpenedSession? {
        guard let role = person.role else { return nil }
        let now = clock.seconds
        let secret = random.bytes(Self.secretLength)
        try transaction.execute("DELETE FROM browser_session WHERE expires_at <= ?", [.integer(now)])
        let held = try SessionCookie.secret(in: former.cookies).flatMap { try find($0, at: now, in: transaction)?.0 }
        if let held { try end(held.id, in: transaction) }
        // Signing in again keeps the proof that open pages carry: what was written into a form can still be sent.
        let kept = held.flatMap { $0.caller.sub == person.sub ? $0 : nil }
        let csrf = kept.flatMap { Base64.decodeURL($0.csrf.utf8) } ?? random.bytes(Self.secretLength)
        let id = random.id()
        let signedInAt = min(provenAt ?? now, now)
        try makeRoom(for: person.sub, in: transaction)
        try transaction.execute(
            """
            INSERT INTO browser_session
                (id, secret_hash, csrf, sub, how, machine, opened_at, signed_in_at, used_at, expires_at, id_token)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                .text(id), .blob(Hash.of(secret).bytes), .blob(csrf), .text(person.sub), .text(way.rawValue),
                .text(machine), .integer(now), .integer(signedInAt), .integer(now), .integer(now + Self.life),
                idToken.map { .blob($0) } ?? .null,
            ]
        )
        let session = BrowserSession(
            id: id,
            caller: Caller(
                sub: person.sub,
                email: person.email,
                role: role,
                proof: .session(id: id, isRecent: now - signedInAt < Self.recent),
                isLocked: try BrowserSession.lock(of: person.sub, by: way, machine, in: transaction) != nil
            ),
            way: way,
            signedInAt: signedInAt,
            expiresAt: now + Self.life,
            csrf: Base64.url(csrf)
        )
        return OpenedSession(session: session, cookie: SessionCookie.handingOut(secret))
    }

    private func makeRoom(for sub: String, in transaction: SQLTransaction) throws {
        try transaction.execute(
            """
            DELETE FROM browser_session WHERE id IN
                (SELECT id FROM browser_session WHERE sub = ? ORDER BY opened_at DESC, id LIMIT -1 OFFSET ?)
            """,
            [.text(sub), .integer(Self.mostOfPerson - 1)]
        )
    }

    // MARK: Ending

    /// Signs a browser out; nothing happens where it is out already.
    ///
    /// - Returns: what the provider wants to see when the browser signs out there too, sealed; nil where it has not signed
    ///   in there.
    @discardableResult
    package func end(_ session: BrowserSession) async throws -> [UInt8]? {
        try await database.write(lane: .governing) { transaction in
            let row = try transaction.first("SELECT id_token FROM browser_session WHERE id = ?", [.text(session.id)])
            try end(session.id, in: transaction)
            return try row?.optionalBlob("id_token")
        }
    }

    private func end(_ id: String, in transaction: SQLTransaction) throws {
        try transaction.execute("DELETE FROM browser_session WHERE id = ?", [.text(id)])
    }
}

extension BrowserSession {
    /// nil where the person has no role any more.
    init?(_ row: SQLRow, at now: Int, in view: some SQLReading) throws {
        guard let role = try row.optionalText("role").flatMap({ Role(rawValue: $0) }),
            let way = Way(rawValue: try row.text("how"))
        else { return nil }
        id = try row.text("id")
        self.way = way
        signedInAt = try row.integer("signed_in_at")
        expiresAt = try row.integer("expires_at")
        csrf = Base64.url(try row.blob("csrf"))
        caller = Caller(
            sub: try row.text("sub"),
            email: try row.text("email"),
            role: role,
            proof: .session(id: id, isRecent: now - signedInAt < BrowserSessions.recent),
            isLocked: try Self.lock(of: row.text("sub"), by: way, row.optionalText("machine"), in: view) != nil
        )
    }

    /// What shuts a session out; the coordinator's own link is the way in while the provider is down.
    fileprivate static func lock(
        of sub: String,
        by way: Way,
        _ machine: String?,
        in view: some SQLReading
    ) throws -> Lock? {
        try Lock.find(sub: sub, machine: machine, byProvider: way == .provider || machine != nil, in: view)
    }
}

extension MachineClock {
    /// Whole seconds since 1970.
    var seconds: Int { Int(wall() / 1_000_000) }
}
