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
    package let machines: [Machine]
    /// The hashes of other definitions of the tool that other machines were shown at the same time.
    package let others: [Hash]

    init(machines: [Machine] = [], others: [Hash] = []) {
        self.machines = machines
        self.others = others
    }

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
///
/// Most definitions stand in the same lists as others, and what there is to say of them is the same: it is worked out once.
final class ToolSights {
    /// A time in which a machine was shown a list, in microseconds since 1970.
    private struct Sight {
        let agent: String
        let user: String
        let first: Int
        let last: Int
    }

    private struct Tool: Hashable {
        let server: JSONText
        let name: JSONText
    }

    /// The lists that have a definition, by tool and definition.
    private var lists: [Tool: [Hash: [Int]]] = [:]
    private var sights: [Int: [Sight]] = [:]
    private var machines: [[Int]: [DefinitionSights.Machine]] = [:]
    private var overlaps: [[[Int]]: Bool] = [:]

    /// Reads it.
    ///
    /// - Parameters:
    ///   - server: the alias; nil: of all servers.
    ///   - tool: the tool; nil: of all tools.
    ///   - view: as the database has it.
    /// - Throws: what the database throws.
    init(server: String?, tool: String?, in view: some SQLReading) throws {
        let of = server == nil ? "" : "WHERE tool_list.server = ?"
        let named = tool == nil ? "" : "\(server == nil ? "WHERE" : "AND") tool = ?"
        let arguments = [server, tool].compactMap { $0.map { SQLValue.text($0) } }
        try view.each(
            """
            SELECT tool_list.id, server, tool, tool_list_item.digest FROM tool_list_item
            JOIN tool_list ON tool_list.id = list \(of) \(named) ORDER BY tool_list.id
            """,
            arguments
        ) { row in
            guard let digest = Hash(try row.blob("digest")) else { throw SQLError.schema(column: "digest") }
            let tool = Tool(server: JSONText(try row.text("server")), name: JSONText(try row.text("tool")))
            lists[tool, default: [:]][digest, default: []].append(try row.integer("id"))
            return true
        }
        try view.each(
            """
            SELECT list, tool_sight.agent_id, email, first_at, last_at FROM tool_sight
            JOIN tool_list ON tool_list.id = list
            JOIN agent ON agent.agent_id = tool_sight.agent_id
            JOIN person ON person.sub = agent.sub \(of)
            """,
            Array(arguments.prefix(server == nil ? 0 : 1))
        ) { row in
            let sight = Sight(
                agent: try row.text("agent_id"),
                user: try row.text("email"),
                first: try row.integer("first_at"),
                last: try row.integer("last_at")
            )
            sights[try row.integer("list"), default: []].append(sight)
            return true
        }
    }

    /// Who was shown a definition, and which others were shown at the same time.
    ///
    /// A server that changes a tool shows the old definition to nobody from then on. The times of one machine do not
    /// overlap, so where two definitions have times that do, two machines were treated differently.
    func of(_ server: String, _ name: String, _ digest: Hash) -> DefinitionSights {
        let all = lists[Tool(server: JSONText(server), name: JSONText(name))] ?? [:]
        guard let own = all[digest] else { return DefinitionSights() }
        let others = all.filter { $0.key != digest && overlap(own, $0.value) }.keys
        return DefinitionSights(
            machines: machines(own),
            others: others.sorted { $0.base64URL < $1.base64URL }
        )
    }

    private func machines(_ lists: [Int]) -> [DefinitionSights.Machine] {
        if let known = machines[lists] { return known }
        var byAgent: [String: DefinitionSights.Machine] = [:]
        for sight in lists.flatMap({ sights[$0] ?? [] }) {
            let known = byAgent[sight.agent]
            byAgent[sight.agent] = DefinitionSights.Machine(
                agent: sight.agent,
                user: sight.user,
                firstAt: min(sight.first / 1_000_000, known?.firstAt ?? Int.max),
                lastAt: max(sight.last / 1_000_000, known?.lastAt ?? 0)
            )
        }
        let sorted = byAgent.values.sorted { ($1.lastAt, $0.agent) < ($0.lastAt, $1.agent) }
        machines[lists] = sorted
        return sorted
    }

    private func overlap(_ left: [Int], _ right: [Int]) -> Bool {
        if let known = overlaps[[left, right]] { return known }
        // The end of what has begun so far, on either side.
        var ends: [Int?] = [nil, nil]
        var isSo = false
        let all = [left, right].enumerated().flatMap { side, lists in
            lists.flatMap { sights[$0] ?? [] }.map { (side: side, first: $0.first, last: $0.last) }
        }
        for sight in all.sorted(by: { $0.first < $1.first }) where !isSo {
            if let end = ends[1 - sight.side], end > sight.first { isSo = true }
            ends[sight.side] = max(ends[sight.side] ?? sight.last, sight.last)
        }
        (overlaps[[left, right]], overlaps[[right, left]]) = (isSo, isSo)
        return isSo
    }
}
