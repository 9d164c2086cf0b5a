internal import Bytes
internal import Database
internal import StrictJSON
package import TransparencyLog

/// Which machines were shown a definition, and when.
package struct DefinitionSights: Sendable, Equatable {
    /// One machine.
    package struct Machine: Sendable, Equatable {
        package let agent: String
        /// The person's e-mail address.
        package let user: String
        /// Seconds since 1970.
        package let firstAt: Int
        package let lastAt: Int
    }

    /// Those that were shown it last come first.
    package fileprivate(set) var machines: [Machine] = []
    /// The hashes of other definitions of the tool that other machines were shown at the same time.
    package fileprivate(set) var others: [Hash] = []

    package var firstAt: Int? { machines.map(\.firstAt).min() }
    package var lastAt: Int? { machines.map(\.lastAt).max() }

    /// How many machines are named.
    private static let mostNamed = 50

    /// Members of `tools[]`.
    var members: JSONObject {
        func time(_ seconds: Int?) -> JSONValue { seconds.map { .text(UTCTime(seconds: $0).shortText) } ?? .null }
        let seen = machines.prefix(Self.mostNamed).map { machine -> JSONValue in
            [
                "agent_id": .text(machine.agent), "user": .text(machine.user), "first": time(machine.firstAt),
                "last": time(machine.lastAt),
            ]
        }
        return [
            "first_seen": time(firstAt), "last_seen": time(lastAt), "machines": .int(machines.count),
            "seen_by": .array(seen), "differs": .array(others.map { .text($0.base64URL) }),
        ]
    }
}

/// What is known of who was shown what, of the tools that are asked for.
struct ToolSights {
    private var sights: [Key: DefinitionSights] = [:]

    private struct Key: Hashable {
        let server: JSONText
        let tool: JSONText
        let digest: Hash
    }

    /// A time in which a machine was shown a definition, in microseconds since 1970.
    private struct Period {
        let first: Int
        let last: Int
    }

    /// Reads it.
    ///
    /// - Parameters:
    ///   - server: the alias; nil: of all servers.
    ///   - tool: the tool; nil: of all tools.
    ///   - view: as the database has it.
    /// - Throws: what the database throws.
    init(server: String?, tool: String?, in view: some SQLReading) throws {
        let conditions = [("tool_list.server", server), ("tool_list_item.tool", tool)].filter { $0.1 != nil }
        let filter = conditions.isEmpty ? "" : "WHERE \(conditions.map { "\($0.0) = ?" }.joined(separator: " AND "))"
        var periods: [Key: [Period]] = [:]
        var machines: [Key: [String: DefinitionSights.Machine]] = [:]
        try view.each(
            """
            SELECT tool_list.server, tool_list_item.tool, tool_list_item.digest, tool_sight.agent_id, person.email,
                tool_sight.first_at, tool_sight.last_at
            FROM tool_list_item
            JOIN tool_list ON tool_list.id = tool_list_item.list
            JOIN tool_sight ON tool_sight.list = tool_list.id
            JOIN agent ON agent.agent_id = tool_sight.agent_id
            JOIN person ON person.sub = agent.sub
            \(filter)
            """,
            conditions.map { .text($0.1) }
        ) { row in
            guard let digest = Hash(try row.blob("digest")) else { throw SQLError.schema(column: "digest") }
            let key = Key(
                server: JSONText(try row.text("server")),
                tool: JSONText(try row.text("tool")),
                digest: digest
            )
            let (agent, first, last) = (
                try row.text("agent_id"), try row.integer("first_at"), try row.integer("last_at")
            )
            let known = machines[key]?[agent]
            machines[key, default: [:]][agent] = DefinitionSights.Machine(
                agent: agent,
                user: try row.text("email"),
                firstAt: min(first / 1_000_000, known?.firstAt ?? Int.max),
                lastAt: max(last / 1_000_000, known?.lastAt ?? 0)
            )
            periods[key, default: []].append(Period(first: first, last: last))
            return true
        }
        for (key, machines) in machines {
            let sorted = machines.values.sorted { ($1.lastAt, $0.agent) < ($0.lastAt, $1.agent) }
            sights[key] = DefinitionSights(machines: sorted)
        }
        compare(periods)
    }

    /// Who was shown a definition.
    func of(_ server: String, _ tool: String, _ digest: Hash) -> DefinitionSights {
        sights[Key(server: JSONText(server), tool: JSONText(tool), digest: digest)] ?? DefinitionSights()
    }

    /// Finds the definitions of one tool that were shown at the same time.
    ///
    /// A server that changes a tool shows the old definition to nobody from then on. The times of one machine do not
    /// overlap, so where two definitions have times that do, two machines were treated differently.
    private mutating func compare(_ periods: [Key: [Period]]) {
        let tools = Dictionary(grouping: periods.keys) { [$0.server, $0.tool] }
        for keys in tools.values where keys.count > 1 {
            let sorted = keys.sorted { $0.digest.base64URL < $1.digest.base64URL }
            for (index, left) in sorted.enumerated() {
                for right in sorted[(index + 1)...] where Self.overlap(periods[left] ?? [], periods[right] ?? []) {
                    sights[left]?.others.append(right.digest)
                    sights[right]?.others.append(left.digest)
                }
            }
        }
    }

    private static func overlap(_ left: [Period], _ right: [Period]) -> Bool {
        // The end of what has begun so far, on either side.
        var ends: [Int?] = [nil, nil]
        let all = left.map { (0, $0) } + right.map { (1, $0) }
        for (side, period) in all.sorted(by: { $0.1.first < $1.1.first }) {
            if let end = ends[1 - side], end > period.first { return true }
            ends[side] = max(ends[side] ?? period.last, period.last)
        }
        return false
    }
}
