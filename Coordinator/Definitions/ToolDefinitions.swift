package import AuditSink
package import Contract
package import Database
package import ServiceKit
package import StrictJSON
internal import TransparencyLog

/// How servers have described their tools, and which of these descriptions may be shown.
///
/// A definition is what a model acts on, so one that is not approved reaches no client. Machines report what servers show
/// them; an administrator looks at what differs from what was approved, and approves it for everybody at once. Belongs to
/// an entry of the registry, and goes with it.
package struct ToolDefinitions: Sendable {
    let database: SQLDatabase
    let log: OrgLog
    let revisions: Revisions
    let clock: MachineClock
    private let cache = RevisionCached<[JSONText: PinsDocument.Tools]>()

    /// How much one machine may bring of one server that nobody has approved.
    private static let mostWaiting = (tools: ToolsReport.mostTools, bytes: 12 << 20)
    /// How many bytes the approved tools of all servers may take in the document that agents get.
    static let largestDocument = 1800 << 10
    /// What that document has for each definition, beside the tool's name.
    static let spelledOut = 64

    /// The definitions in `database`.
    package init(database: SQLDatabase, log: OrgLog, revisions: Revisions, clock: MachineClock) {
        self.database = database
        self.log = log
        self.revisions = revisions
        self.clock = clock
    }

    // MARK: What machines report

    /// Takes in what a machine was shown.
    ///
    /// - Parameters:
    ///   - report: what it was shown.
    ///   - entry: the server's entry, which is the one that the report is about.
    ///   - agent: the machine.
    ///   - transaction: in which it is stored.
    /// - Throws: `Refused`: `invalid_tools`, `tools_full`.
    package func take(
        _ report: ToolsReport,
        of entry: ServerEntry,
        by agent: String,
        in transaction: SQLTransaction
    ) throws {
        let server = SQLValue.text(entry.alias)
        let isPinned = try transaction.first("SELECT 1 FROM pinned_server WHERE server = ?", [server]) != nil
        // Of two machines that meet a server at the same time the first one says what it is.
        let isFirst = report.isFirst && entry.pins == .firstUse && !isPinned && !report.tools.isEmpty
        let now = SQLValue.integer(Int(clock.wall() / 1_000_000))
        for tool in report.tools {
            guard let definition = ReportedDefinition(tool) else {
                throw Refused.malformed(
                    ShapeError("tools", "has a definition under a name that is not its own"),
                    code: "invalid_tools"
                )
            }
            let digest = SQLValue.blob(definition.digest.bytes)
            let name = SQLValue.text(tool.name.string)
            // What this machine was shown before waits no more.
            try transaction.execute(
                """
                DELETE FROM tool_definition
                WHERE server = ? AND tool = ? AND reported_by = ? AND approved_at IS NULL AND digest <> ?
                """,
                [server, name, .text(agent), digest]
            )
            try transaction.execute(
                """
                INSERT INTO tool_definition (server, tool, digest, definition, reported_by, reported_at, approved_at)
                VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (server, tool, digest) DO NOTHING
                """,
                [server, name, digest, .blob(definition.text), .text(agent), now, isFirst ? now : .null]
            )
        }
        if let shown = report.shown { try note(shown, of: entry.alias, by: agent, in: transaction) }
        guard isFirst else { return try checkWaiting(of: entry.alias, by: agent, in: transaction) }
        // What was reported of it before anything was approved is approved with the rest.
        try transaction.execute(
            "UPDATE tool_definition SET approved_at = ? WHERE server = ? AND reported_by = ? AND approved_at IS NULL",
            [now, server, .text(agent)]
        )
        try pin(entry.alias, in: transaction)
    }

    private func checkWaiting(of server: String, by agent: String, in transaction: SQLTransaction) throws {
        let row = try transaction.first(
            """
            SELECT COUNT(*) AS tools, COALESCE(SUM(length(definition)), 0) AS bytes FROM tool_definition
            WHERE server = ? AND reported_by = ? AND approved_at IS NULL
            """,
            [.text(server), .text(agent)]
        )
        guard let row, try row.integer("tools") <= Self.mostWaiting.tools,
            try row.integer("bytes") <= Self.mostWaiting.bytes
        else { throw Refused.toolsFull }
    }

    /// From now on what the server shows is compared with what is approved.
    func pin(_ server: String, in transaction: SQLTransaction) throws {
        try transaction.execute(
            "INSERT INTO pinned_server (server, pinned_at) VALUES (?, ?) ON CONFLICT DO NOTHING",
            [.text(server), .integer(Int(clock.wall() / 1_000_000))]
        )
        let row = try transaction.first(
            "SELECT COALESCE(SUM(length(tool) + \(Self.spelledOut)), 0) AS bytes FROM tool_definition WHERE approved_at IS NOT NULL"
        )
        guard let row, try row.integer("bytes") <= Self.largestDocument else { throw Refused.toolsFull }
        try revisions.raisePins(in: transaction)
    }

    // MARK: What machines are told

    /// What is approved of each server that was pinned, as `view` has it.
    package func pins(in view: SQLSnapshot) throws -> [JSONText: PinsDocument.Tools] {
        let current = try revisions.current(in: view)
        // A server that leaves the registry takes its definitions along.
        return try cache.value(at: max(current.pins, current.entries)) {
            var servers: [JSONText: PinsDocument.Tools] = [:]
            for row in try view.rows("SELECT server FROM pinned_server") {
                servers[JSONText(try row.text("server"))] = [:]
            }
            let approved = try view.rows(
                "SELECT server, tool, digest FROM tool_definition WHERE approved_at IS NOT NULL ORDER BY id"
            )
            for row in approved {
                guard let digest = Hash(try row.blob("digest")) else { continue }
                servers[JSONText(try row.text("server"))]?[JSONText(try row.text("tool")), default: []].append(digest)
            }
            return servers
        }
    }
}
