internal import Bytes
internal import Contract
internal import Database
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
        package var search: String?
        package var source: String?
        package var state: Proposal.State?
        /// Where the last page has ended.
        package var after: String?
        package var limit = 100

        package init() {}
    }

    /// One page of proposals, by name.
    ///
    /// - Returns: the members of `proposals[]`, and where the next page begins; nil after the last one.
    /// - Throws: `Refused`, `bad_cursor`.
    package func proposals(
        _ filter: ProposalFilter,
        for _: Permit<Right.ReadServers>
    ) async throws -> (page: [JSONValue], next: String?) {
        var conditions: [String] = []
        var arguments: [SQLValue] = []
        if let search = filter.search {
            conditions.append("instr(words, ?)")
            arguments.append(.text(search.lowercased()))
        }
        if let source = filter.source {
            conditions.append("source = ?")
            arguments.append(.text(source))
        }
        if let state = filter.state {
            conditions.append("state = ?")
            arguments.append(.text(state.rawValue))
        }
        if let after = filter.after {
            guard let (name, source) = PageCursor.read(after) else { throw Refused.badCursor }
            conditions.append("(name, source) > (?, ?)")
            arguments += [.text(name), .text(source)]
        }
        let condition = conditions.isEmpty ? "" : "WHERE \(conditions.joined(separator: " AND "))"
        arguments.append(.integer(filter.limit + 1))
        return try await database.read { [arguments] view in
            let found = try view.rows(
                "SELECT * FROM proposal \(condition) ORDER BY name, source LIMIT ?",
                arguments
            ).map { try Proposal($0) }
            let page = try found.prefix(filter.limit).map { proposal in
                proposal.json(updates: try aliases(of: proposal.name, source: proposal.source, in: view).first)
            }
            let last = found.count > filter.limit ? found[filter.limit - 1] : nil
            return (page, last.map { PageCursor.text($0.name, $0.source) })
        }
    }
}

/// Where a page ends: two texts that together name its last row.
enum PageCursor {
    static func text(_ first: String, _ second: String) -> String {
        Base64.url(Array(first.utf8) + [0] + Array(second.utf8))
    }

    static func read(_ text: String) -> (String, String)? {
        guard text.utf8.count <= 1024, let bytes = Base64.decodeURL(text.utf8) else { return nil }
        let parts = bytes.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let first = String(validating: parts[0], as: UTF8.self),
            let second = String(validating: parts[1], as: UTF8.self)
        else { return nil }
        return (first, second)
    }
}
