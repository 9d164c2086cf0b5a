package import Bytes
package import Database

/// A lock on a machine, or on a person: until it is taken off the machine passes no call, and nothing that goes back to it or
/// to the person opens anything.
///
/// Unlike a revocation it takes nothing away. What a machine records is still taken: the records of a machine that is locked
/// are those that somebody will want to see.
package struct Lock: Sendable, Equatable {
    package let since: UTCTime
    /// Why, in the words of the administrator.
    package let why: String?

    /// A lock of a row with the columns `locked_at` and `locked_why`; nil where it has none.
    package init?(_ row: SQLRow) throws {
        guard let since = try row.optionalInteger("locked_at") else { return nil }
        self.since = UTCTime(seconds: since)
        why = try row.optionalText("locked_why")
    }

    /// What shuts a caller out.
    ///
    /// - Parameters:
    ///   - sub: the pseudonym of the person.
    ///   - machine: the machine that asks, or that what asks goes back to.
    ///   - view: the database.
    /// - Returns: the lock of the machine, or else of the person; nil: neither has one.
    /// - Throws: what the database throws.
    package static func find(sub: String, machine: String?, in view: some SQLReading) throws -> Lock? {
        let row = try view.first(
            """
            SELECT locked_at, locked_why FROM agent WHERE agent_id = ? AND locked_at IS NOT NULL
            UNION ALL
            SELECT locked_at, locked_why FROM person WHERE sub = ? AND locked_at IS NOT NULL
            LIMIT 1
            """,
            [.text(machine), .text(sub)]
        )
        return try row.flatMap { try Lock($0) }
    }
}
