package import Bytes
package import Database

/// A lock on a machine, or on a person: until it is taken off the machine passes no call, and nothing that goes back to it or
/// to the person opens anything.
///
/// An administrator puts it on; or the identity provider does, by not naming the person any more, and the person's next sign-in
/// takes that one off. Unlike a revocation it takes nothing away. What a machine records is still taken: the records of a machine that is locked
/// are those that somebody will want to see.
package struct Lock: Sendable, Equatable {
    package let since: UTCTime
    /// Why, in the words of the administrator.
    package let why: String?
    /// Whether it comes from the identity provider, and the person has to sign in again.
    package let isLapse: Bool

    /// A lock of a row with the columns `locked_at` and `locked_why`; nil where it has none.
    package init?(_ row: SQLRow) throws {
        guard let since = try row.optionalInteger("locked_at") else { return nil }
        self.since = UTCTime(seconds: since)
        why = try row.optionalText("locked_why")
        isLapse = false
    }

    private init(lapsedAt: Int) {
        since = UTCTime(seconds: lapsedAt)
        why = nil
        isLapse = true
    }

    /// What shuts a caller out.
    ///
    /// - Parameters:
    ///   - sub: the pseudonym of the person.
    ///   - machine: the machine that asks, or that what asks goes back to.
    ///   - byProvider: whether the provider's word counts; not for a person who is signed in by the coordinator itself, for
    ///     the day on which the provider is down.
    ///   - view: the database.
    /// - Returns: the lock of the machine, or else of the person; nil: neither has one.
    /// - Throws: what the database throws.
    package static func find(
        sub: String,
        machine: String?,
        byProvider: Bool = true,
        in view: some SQLReading
    ) throws -> Lock? {
        let row = try view.first(
            """
            SELECT locked_at, locked_why FROM agent WHERE agent_id = ? AND locked_at IS NOT NULL
            UNION ALL
            SELECT locked_at, locked_why FROM person WHERE sub = ? AND locked_at IS NOT NULL
            LIMIT 1
            """,
            [.text(machine), .text(sub)]
        )
        if let lock = try row.flatMap({ try Lock($0) }) { return lock }
        guard byProvider else { return nil }
        let lapse = try view.first(
            "SELECT lapsed_at FROM identity WHERE sub = ? AND lapsed_at IS NOT NULL",
            [.text(sub)]
        )
        return try lapse.map { Lock(lapsedAt: try $0.integer("lapsed_at")) }
    }
}
