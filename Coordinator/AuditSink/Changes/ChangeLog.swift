internal import Contract
package import Database
package import Rights

/// What administrators have changed: the leaves `admin.change` of the organisation's log, with what is kept beside them.
package struct ChangeLog: Sendable {
    private let database: SQLDatabase
    private let log: OrgLog

    /// The changes that are stated in `log`.
    package init(database: SQLDatabase, log: OrgLog) {
        self.database = database
        self.log = log
    }

    /// Which changes are asked for; nil: any.
    package struct Filter: Sendable, Equatable {
        /// The pseudonym or the e-mail address of who made it.
        package var who: String?
        /// What was changed, or the beginning of it up to a slash: `servers/github`, `servers`.
        package var what: String?
        /// From this microsecond since 1970 on.
        package var from: Int?
        /// Before this one.
        package var to: Int?

        /// Any change.
        package init() {}

        fileprivate var conditions: [Listing.Condition] {
            var conditions: [Listing.Condition] = []
            if let who {
                conditions.append(.init("(org_change.who = ? OR person.email = ?)", .text(who), .text(who)))
            }
            if let what {
                // In the order of bytes `0` comes next to `/`: what begins with `servers/` is below `servers0`.
                conditions.append(
                    .init(
                        "(what = ? OR (what >= ? AND what < ?))",
                        .text(what),
                        .text("\(what)/"),
                        .text("\(what)0")
                    )
                )
            }
            if let from { conditions.append(.init("time >= ?", .integer(from))) }
            if let to { conditions.append(.init("time < ?", .integer(to))) }
            return conditions
        }
    }

    private static let select = """
        SELECT org_change.*, org_leaf.leaf, person.email FROM org_change
        JOIN org_leaf ON org_leaf.position = org_change.position
        LEFT JOIN person ON person.sub = org_change.who
        """
    private static let newestFirst = Listing(select, by: [.init("org_change.position", "position")], isDescending: true)

    /// The changes that fit, the newest first.
    package func changes(
        _ filter: Filter,
        _ page: PageRequest,
        for _: Permit<Right.ReadRecords>
    ) async throws -> Page<StatedChange> {
        try await database.read { view in
            try Self.newestFirst.page(page, where: filter.conditions, in: view) { try StatedChange($0) }
        }
    }

    /// One change with what proves it.
    ///
    /// - Parameters:
    ///   - position: of its leaf in the organisation's log.
    ///   - permit: the reader.
    /// - Returns: the change.
    /// - Throws: `Refused`: `unknown_change`.
    package func change(_ position: Int, for permit: Permit<Right.ReadRecords>) async throws -> ProvenChange {
        try await database.read { view in
            let row = try view.first("\(Self.select) WHERE org_change.position = ?", [.integer(position)])
            guard let row else { throw Refused.unknownChange }
            return ProvenChange(
                change: try StatedChange(row),
                leaf: try log.proven(position, in: view),
                checkpoint: try log.head(in: view).checkpoint
            )
        }
    }
}
