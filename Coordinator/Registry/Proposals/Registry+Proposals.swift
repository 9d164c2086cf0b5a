internal import Contract
package import Database
package import Rights
internal import ServiceKit
package import StrictJSON

extension Registry {
    /// How many proposals are kept, of all sources.
    private static let mostProposals = 20_000

    /// Keeps what a source says of a server, in place of what it said before.
    ///
    /// - Parameters:
    ///   - proposal: what it says.
    ///   - who: the pseudonym of the administrator who brings it in; nil for an upstream registry.
    ///   - transaction: in which it is stored.
    /// - Returns: whether it waits for an administrator now, and did not before.
    /// - Throws: `Refused`: `proposals_full`.
    func propose(_ proposal: Proposal, by who: String?, in transaction: SQLTransaction) throws -> Bool {
        let key: [SQLValue] = [.text(proposal.source), .text(proposal.name)]
        // What is gone elsewhere and was never taken here is of no interest.
        if proposal.status == .deleted,
            try aliases(of: proposal.name, source: proposal.source, in: transaction).isEmpty
        {
            try transaction.execute("DELETE FROM proposal WHERE source = ? AND name = ?", key)
            return false
        }
        let former = try transaction.first("SELECT id, state FROM proposal WHERE source = ? AND name = ?", key)
        if let former, try former.text("id") == proposal.id {
            // What was rejected stays so until somebody brings it in once more.
            guard who != nil, try former.text("state") == Proposal.State.rejected.rawValue else { return false }
        }
        if former == nil {
            let count = try transaction.first("SELECT COUNT(*) AS count FROM proposal")?.integer("count") ?? 0
            guard count < Self.mostProposals else { throw Refused.proposalsFull }
        }
        try transaction.execute("DELETE FROM proposal WHERE source = ? AND name = ?", key)
        try transaction.execute(
            """
            INSERT INTO proposal
                (id, source, name, version, words, document, place, status, status_message, state, made_at, made_by)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'waiting', ?, ?)
            """,
            [
                .text(proposal.id), .text(proposal.source), .text(proposal.name), .text(proposal.version),
                .text(proposal.document.summary.words), .blob(proposal.document.json.bytes), .text(proposal.place),
                .text(proposal.status.rawValue),
                .text(proposal.statusMessage), .integer(proposal.madeAt), .text(who),
            ]
        )
        return true
    }

    /// The aliases of the servers in use that have this name, the oldest first.
    func aliases(of name: String, source: String? = nil, in view: some SQLReading) throws -> [String] {
        let rows = try view.rows(
            "SELECT alias, source FROM server WHERE name = ? ORDER BY created_at, alias",
            [.text(name)]
        )
        return try rows.filter { try source == nil || $0.text("source") == source }.map { try $0.text("alias") }
    }

    // MARK: Looking

    /// Which proposals are looked for.
    package struct ProposalFilter: Sendable {
        /// Nil: whatever they say.
        package var search: String?
        package var source: String?
        package var state: Proposal.State?

        package init() {}
    }

    /// A proposal with the server in use that it is a version of.
    package struct ListedProposal: Sendable {
        package let proposal: Proposal
        /// The alias; nil of a new server.
        package let updates: String?

        /// As a member of `proposals[]`.
        package var json: JSONValue { proposal.json(updates: updates) }
    }

    func listed(_ proposal: Proposal, in view: some SQLReading) throws -> ListedProposal {
        let updates = try aliases(of: proposal.name, source: proposal.source, in: view).first
        return ListedProposal(proposal: proposal, updates: updates)
    }

    private static let listing = Listing(
        "SELECT * FROM proposal",
        by: [.init("name", "name"), .init("source", "source")]
    )

    /// One page of proposals, by name.
    package func proposals(
        _ filter: ProposalFilter,
        page: PageRequest,
        for _: Permit<Right.ReadServers>
    ) async throws -> Page<ListedProposal> {
        let conditions: [Listing.Condition?] = [
            filter.search.map { .init("instr(words, ?)", .text($0.lowercased())) },
            filter.source.map { .init("source = ?", .text($0)) },
            filter.state.map { .init("state = ?", .text($0.rawValue)) },
        ]
        return try await database.read { view in
            try Self.listing.page(page, where: conditions.compactMap { $0 }, in: view) { row in
                try listed(try Proposal(row), in: view)
            }
        }
    }
}
