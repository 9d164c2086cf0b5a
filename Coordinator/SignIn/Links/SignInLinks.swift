package import AuditSink
internal import Bytes
internal import Contract
package import Database
package import People
package import Policy
package import Rights
package import ServiceKit
internal import StrictJSON
internal import TransparencyLog

/// One-time links that let a browser in: for the first minutes, when there is no identity provider yet, and for the day on
/// which it is down.
///
/// Of a link's secret, 128 random bits, a SHA-256 is stored.
package struct SignInLinks: Sendable {
    /// How long a link opens, in seconds.
    package static let life = 600
    private static let secretLength = 16
    /// How many open links one person may have.
    private static let most = 10

    let database: SQLDatabase
    let log: OrgLog
    let people: People
    let sessions: BrowserSessions
    let clock: MachineClock
    let random: Randomness
    /// The coordinator's own, `https://HOST[:PORT]`.
    let origin: String

    /// The links in `database`.
    package init(
        database: SQLDatabase,
        log: OrgLog,
        people: People,
        clock: MachineClock,
        origin: String,
        random: Randomness = .system
    ) {
        self.database = database
        self.log = log
        self.people = people
        self.sessions = BrowserSessions(database: database, clock: clock, random: random)
        self.clock = clock
        self.origin = origin
        self.random = random
    }

    // MARK: Making

    /// A link for the person of an enrolled machine, which ends with that machine.
    ///
    /// - Parameter machine: who asks; its signature is the sign-in.
    /// - Returns: the link.
    /// - Throws: what the database throws.
    package func make(for machine: CallingMachine) async throws -> SignInLink {
        try await make(for: machine.caller.email, role: nil, machine: machine.id)
    }

    /// A link that the coordinator itself makes: whoever may write its folder may ask for it.
    ///
    /// - Parameter email: for whom; without it the one owner, who may not have come yet.
    /// - Returns: the link.
    /// - Throws: `Refused`: `unknown_user`, `which_owner`.
    package func make(for email: EmailAddress?) async throws -> SignInLink {
        let (user, role) = try await database.read { view in try Self.person(email, in: view) }
        return try await make(for: user, role: role, machine: nil)
    }

    /// The address of whom a link is for, and the role that it has to give.
    private static func person(_ email: EmailAddress?, in view: some SQLReading) throws -> (String, Role?) {
        if let email {
            let known = try view.first("SELECT 1 FROM person WHERE email = ? AND role IS NOT NULL", [.text(email.text)])
            if known != nil { return (email.text, nil) }
        } else {
            let owners = try view.rows("SELECT email FROM person WHERE role = 'owner' ORDER BY email LIMIT 10")
                .map { try $0.text("email") }
            if let owner = owners.first {
                guard owners.count == 1 else { throw Refused.whichOwner(owners) }
                return (owner, nil)
            }
        }
        // The owner who was named when the coordinator was made, before the first machine.
        let first = try view.first(
            """
            SELECT email FROM invitation WHERE created_by IS NULL AND role = 'owner' AND spent_by IS NULL
                AND ended_at IS NULL AND (? IS NULL OR email = ?) ORDER BY created_at DESC LIMIT 1
            """,
            [.text(email?.text), .text(email?.text)]
        )
        guard let first else { throw Refused.nobodyThere }
        return (try first.text("email"), .owner)
    }

    private func make(for user: String, role: Role?, machine: String?) async throws -> SignInLink {
        let now = clock.seconds
        let secret = random.bytes(Self.secretLength)
        let id = random.id()
        try await database.write(lane: .governing) { transaction in
            try transaction.execute("DELETE FROM sign_in_link WHERE expires_at <= ?", [.integer(now)])
            try transaction.execute(
                """
                DELETE FROM sign_in_link WHERE id IN
                    (SELECT id FROM sign_in_link WHERE email = ? ORDER BY created_at DESC, id LIMIT -1 OFFSET ?)
                """,
                [.text(user), .integer(Self.most - 1)]
            )
            try transaction.execute(
                """
                INSERT INTO sign_in_link (id, secret_hash, email, role, machine, created_at, expires_at)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                """,
                [
                    .text(id), .blob(Hash.of(secret).bytes), .text(user), .text(role?.rawValue), .text(machine),
                    .integer(now), .integer(now + Self.life),
                ]
            )
        }
        return SignInLink(
            url: "\(origin)\(SignInLink.path)\(Base64.url(secret))",
            user: user,
            expires: UTCTime(seconds: now + Self.life)
        )
    }

    // MARK: Opening

    /// Where a link leads, which spends nothing: mail scanners and previews open links before people do.
    ///
    /// - Parameter text: the end of the link's path.
    /// - Returns: for whom it is.
    /// - Throws: `Refused`: `link_spent`.
    package func offer(_ text: String) async throws -> LinkOffer {
        try await database.read { view in LinkOffer(user: try open(text, in: view).email) }
    }

    /// Spends a link and signs the browser in as its person.
    ///
    /// - Parameters:
    ///   - text: the end of the link's path.
    ///   - request: the browser's.
    /// - Returns: the session.
    /// - Throws: `Refused`: `link_spent`.
    package func redeem(_ text: String, by request: BrowserRequest) async throws -> OpenedSession {
        // Whoever can make room gets in where there is room for nothing else; the link may be an administrator's.
        try await database.write(lane: .governing) { transaction in
            let link = try open(text, in: transaction)
            let spent = try transaction.execute(
                "UPDATE sign_in_link SET spent_at = ? WHERE id = ? AND spent_at IS NULL",
                [.integer(clock.seconds), .text(link.id)]
            )
            guard spent == 1, let email = EmailAddress(link.email) else { throw Refused.linkSpent }
            let person =
                link.role == .owner
                ? try people.makeOwner(email, in: transaction) : try people.person(email: email, in: transaction)
            guard let person,
                let opened = try sessions.open(
                    for: person,
                    by: .link,
                    machine: link.machine,
                    over: request,
                    in: transaction
                )
            else { throw Refused.linkSpent }
            // It opens the door without the identity provider, so it is on record.
            let session: JSONValue = ["user": .text(person.email), "how": .text(BrowserSession.Way.link.rawValue)]
            try log.state(
                JSONText("sessions/\(opened.session.id)"),
                before: nil,
                after: StatedText(try session.canonicalBytes()),
                by: link.machine == nil ? "coordinator" : person.sub,
                at: clock.wall(),
                in: transaction
            )
            return opened
        }
    }

    private struct OpenLink {
        let id: String
        let email: String
        let role: Role?
        let machine: String?
    }

    private func open(_ text: String, in view: some SQLReading) throws -> OpenLink {
        guard let secret = Base64.decodeURL(text.utf8), secret.count == Self.secretLength,
            let row = try view.first(
                """
                SELECT sign_in_link.*, agent.revoked_at FROM sign_in_link
                LEFT JOIN agent ON agent.agent_id = sign_in_link.machine WHERE secret_hash = ? AND spent_at IS NULL
                """,
                [.blob(Hash.of(secret).bytes)]
            ), try row.integer("expires_at") > clock.seconds, try row.optionalInteger("revoked_at") == nil
        else { throw Refused.linkSpent }
        return OpenLink(
            id: try row.text("id"),
            email: try row.text("email"),
            role: try row.optionalText("role").flatMap { Role(rawValue: $0) },
            machine: try row.optionalText("machine")
        )
    }
}

extension Refused {
    static func whichOwner(_ owners: [String]) -> Refused {
        Refused(
            "which_owner",
            "There are several owners: \(owners.joined(separator: ", ")).",
            next: "Say which: doorward-coordinator sign-in-link --data DIR --user \(owners[0])"
        )
    }

    static let nobodyThere = Refused(
        "unknown_user",
        "Nobody has this e-mail address and a role; or, without one, there is no owner and none was invited by the coordinator.",
        next: "Invite an owner: doorward-coordinator invite-owner --data DIR --owner EMAIL"
    )
}
