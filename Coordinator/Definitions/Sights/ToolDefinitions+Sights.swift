internal import Contract
internal import Database
internal import ServiceKit
internal import StrictJSON
internal import TransparencyLog

extension ToolDefinitions {
    /// How many times with another list are kept of one machine and server.
    private static let mostSights = 8

    /// Notes what a machine was shown of a server, all of it.
    ///
    /// - Parameters:
    ///   - shown: the hashes of the definitions, by tool.
    ///   - server: the alias.
    ///   - agent: the machine.
    ///   - transaction: in which it is stored.
    /// - Throws: `Refused`: `invalid_tools`.
    func note(
        _ shown: [JSONText: Hash],
        of server: String,
        by agent: String,
        in transaction: SQLTransaction
    ) throws {
        guard let list = ShownList(shown) else {
            throw Refused.malformed(ShapeError("shown", "has a name that no list shows"), code: "invalid_tools")
        }
        // To the microsecond: which of two machines was shown something first is what tells them apart.
        let now = SQLValue.integer(Int(clock.wall()))
        let id = try stored(list, of: server, in: transaction)
        // What the machine was shown last goes on, or something else begins.
        let last = try transaction.first(
            """
            SELECT tool_sight.id, list FROM tool_sight JOIN tool_list ON tool_list.id = list
            WHERE agent_id = ? AND server = ? ORDER BY tool_sight.id DESC LIMIT 1
            """,
            [.text(agent), .text(server)]
        )
        if let last, try last.integer("list") == id {
            let sight = SQLValue.integer(try last.integer("id"))
            try transaction.execute("UPDATE tool_sight SET last_at = max(last_at, ?) WHERE id = ?", [now, sight])
            return
        }
        try transaction.execute(
            "INSERT INTO tool_sight (list, agent_id, first_at, last_at) VALUES (?1, ?2, ?3, ?3)",
            [.integer(id), .text(agent), now]
        )
        try transaction.execute(
            """
            DELETE FROM tool_sight WHERE id IN (
                SELECT tool_sight.id FROM tool_sight JOIN tool_list ON tool_list.id = list
                WHERE agent_id = ? AND server = ? ORDER BY tool_sight.id DESC LIMIT -1 OFFSET \(Self.mostSights)
            )
            """,
            [.text(agent), .text(server)]
        )
        try transaction.execute(
            """
            DELETE FROM tool_list WHERE server = ?
                AND NOT EXISTS (SELECT 1 FROM tool_sight WHERE tool_sight.list = tool_list.id)
            """,
            [.text(server)]
        )
    }

    private func stored(_ list: ShownList, of server: String, in transaction: SQLTransaction) throws -> Int {
        let key: [SQLValue] = [.text(server), .blob(list.digest.bytes)]
        if let row = try transaction.first("SELECT id FROM tool_list WHERE server = ? AND digest = ?", key) {
            return try row.integer("id")
        }
        let id = try transaction.insert("INSERT INTO tool_list (server, digest) VALUES (?, ?)", key)
        for tool in list.tools {
            try transaction.execute(
                "INSERT INTO tool_list_item (list, tool, digest) VALUES (?, ?, ?)",
                [.integer(id), .text(tool.name), .blob(tool.digest.bytes)]
            )
        }
        return id
    }
}
