internal import AuditLog
internal import AuditSink
internal import Contract
internal import Database
package import Rights
internal import ServiceKit
internal import StrictJSON
package import TransparencyLog

extension ToolDefinitions {
    /// How many definitions of one tool stay approved; with one more the oldest goes.
    private static let mostApproved = 16

    /// The definitions of all tools, of one server, or of one tool.
    package func list(
        server: String? = nil,
        tool: String? = nil,
        for _: Permit<Right.ReadTools>
    ) async throws -> [ToolStanding] {
        try await database.read { view in try standings(server: server, tool: tool, in: view) }
    }

    /// Says that a definition may be shown.
    ///
    /// - Parameters:
    ///   - server: the alias.
    ///   - tool: the tool's name.
    ///   - definition: which of several; nil where only one waits.
    ///   - permit: the administrator.
    /// - Returns: what was approved, with what it differs in from what was approved before.
    /// - Throws: `Refused`: `unknown_tool`, `several_definitions`, `tools_full`.
    package func approve(
        _ server: String,
        _ tool: String,
        definition: Hash?,
        by permit: Permit<Right.ApproveTools>
    ) async throws -> ToolStanding {
        let wall = clock.wall()
        return try await database.write { transaction in
            let who = try log.standing(permit, at: Int(wall / 1_000_000), in: transaction).sub
            let all = try standings(server: server, tool: tool, in: transaction)
            guard let first = all.first else { throw Refused.unknownTool }
            let waiting = all.filter { $0.state == .quarantined }
            let chosen: ToolStanding
            if let definition {
                guard let wanted = all.first(where: { $0.definition == definition }) else { throw Refused.unknownTool }
                chosen = wanted
            } else {
                guard waiting.count <= 1 else { throw Refused.severalDefinitions(waiting.map(\.definition.base64URL)) }
                chosen = waiting.first ?? first
            }
            // Approved already: what was wanted holds.
            guard chosen.state == .quarantined else { return chosen }
            try store(chosen, by: who, at: Int(wall / 1_000_000), in: transaction)
            try pin(server, in: transaction)
            try log.state(
                Self.place(server, tool),
                before: chosen.approved.map { StatedText(digest: $0) },
                after: StatedText(digest: chosen.definition),
                by: who,
                at: wall,
                in: transaction
            )
            return chosen.afterApproval
        }
    }

    /// Says that all definitions of a server that wait may be shown.
    ///
    /// Those of a tool that machines were shown differently at the same time are left out, and so are those of a tool of
    /// which several wait: an administrator looks at each of them.
    ///
    /// - Parameters:
    ///   - server: the alias.
    ///   - listing: the hash of what waited when the administrator looked, see `WaitingTools`.
    ///   - permit: the administrator.
    /// - Returns: what was approved, and what is left.
    /// - Throws: `Refused`: `nothing_waits`, `listing_changed`, `tools_full`.
    package func approveAll(
        _ server: String,
        listing: Hash,
        by permit: Permit<Right.ApproveTools>
    ) async throws -> (approved: [ToolStanding], left: [ToolStanding]) {
        let wall = clock.wall()
        return try await database.write { transaction in
            let who = try log.standing(permit, at: Int(wall / 1_000_000), in: transaction).sub
            let waiting = WaitingTools(server, among: try standings(server: server, tool: nil, in: transaction))
            guard !waiting.tools.isEmpty else { throw Refused.nothingWaits }
            guard waiting.listing == listing else { throw Refused.listingChanged }
            for tool in waiting.plain { try store(tool, by: who, at: Int(wall / 1_000_000), in: transaction) }
            guard !waiting.plain.isEmpty else { return ([], waiting.tools) }
            try pin(server, in: transaction)
            try log.state(
                JSONText("tools/\(server)"),
                before: nil,
                after: StatedText(WaitingTools.text(waiting.plain)),
                by: who,
                at: wall,
                in: transaction
            )
            return (waiting.plain.map(\.afterApproval), waiting.doubtful)
        }
    }

    private func store(_ chosen: ToolStanding, by who: String, at now: Int, in transaction: SQLTransaction) throws {
        let key: [SQLValue] = [.text(chosen.server), .text(chosen.tool)]
        try transaction.execute(
            """
            UPDATE tool_definition SET approved_at = ?, approved_by = ?
            WHERE server = ? AND tool = ? AND digest = ?
            """,
            [.integer(now), .text(who)] + key + [.blob(chosen.definition.bytes)]
        )
        try transaction.execute(
            """
            DELETE FROM tool_definition WHERE id IN (
                SELECT id FROM tool_definition WHERE server = ? AND tool = ? AND approved_at IS NOT NULL
                ORDER BY approved_at DESC, id DESC LIMIT -1 OFFSET \(Self.mostApproved)
            )
            """,
            key
        )
    }

    /// What the organisation's log calls a tool: a name that is not plain by its hash.
    private static func place(_ server: String, _ tool: String) -> JSONText {
        let name = JSONText(tool)
        let isPlain = name.utf8.withUnsafeBufferPointer(RecordName.isPlain) && tool.utf8.count <= 200
        return JSONText("tools/\(server)/\(isPlain ? tool : RecordName.hash(of: name).string)")
    }

    private func standings(server: String?, tool: String?, in view: some SQLReading) throws -> [ToolStanding] {
        var conditions: [(String, String)] = []
        if let server { conditions.append(("server = ?", server)) }
        if let tool { conditions.append(("tool = ?", tool)) }
        let filter = conditions.isEmpty ? "" : "WHERE \(conditions.map(\.0).joined(separator: " AND "))"
        let all = try view.rows(
            """
            SELECT tool_definition.*, person.email FROM tool_definition
            LEFT JOIN person ON person.sub = tool_definition.approved_by
            \(filter) ORDER BY server, tool, approved_at IS NULL, approved_at, id
            """,
            conditions.map { .text($0.1) }
        ).map { try StoredDefinition($0) }
        let sights = try ToolSights(server: server, tool: tool, in: view)
        var standings: [ToolStanding] = []
        var approved: StoredDefinition?
        for (index, stored) in all.enumerated() {
            if approved?.isSameTool(as: stored) != true { approved = nil }
            if stored.approvedAt != nil { approved = stored }
            // Of several that are approved the newest stands for the tool, unless another waits.
            let isLast = index + 1 == all.count || !all[index + 1].isSameTool(as: stored)
            if stored.approvedAt != nil, !isLast { continue }
            let seen = sights.of(stored.server, stored.tool, stored.digest)
            standings.append(
                ToolStanding(stored, approved: stored.approvedAt == nil ? approved : nil, sights: seen)
            )
        }
        return standings
    }
}
