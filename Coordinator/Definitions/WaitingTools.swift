package import StrictJSON
package import TransparencyLog

/// The definitions of one server that wait for approval, as an administrator looks at them together.
package struct WaitingTools: Sendable {
    package let server: String
    package let tools: [ToolStanding]
    /// Those that can be approved together.
    package let plain: [ToolStanding]
    /// Those that an administrator has to look at by themselves: machines were shown different definitions of the tool.
    package let doubtful: [ToolStanding]

    /// Of what is known of a server, or of several.
    package init(_ server: String, among standings: [ToolStanding]) {
        self.server = server
        let waiting = standings.filter {
            $0.state == .quarantined && $0.server.utf8.elementsEqual(server.utf8)
        }
        let counts = Dictionary(grouping: waiting) { JSONText($0.tool) }
        let isDoubtful = { (tool: ToolStanding) in
            !tool.sights.others.isEmpty || counts[JSONText(tool.tool), default: []].count > 1
        }
        tools = waiting
        plain = waiting.filter { !isDoubtful($0) }
        doubtful = waiting.filter(isDoubtful)
    }

    /// The hash of what waits: whoever names it has seen exactly this.
    package var listing: Hash { .of(Self.text(tools)) }

    /// Each tool with the hash of its definition.
    static func text(_ tools: [ToolStanding]) -> [UInt8] {
        JSONValue.array(tools.map { [.text($0.tool), .text($0.definition.base64URL)] }).bytes
    }

    /// As a member of `waiting[]`.
    package var json: JSONValue {
        [
            "server": .text(server), "listing": .text(listing.base64URL), "tools": .int(tools.count),
            "doubtful": .array(doubtful.map { .text($0.tool) }),
        ]
    }

    /// Of each server that something waits of.
    package static func all(among standings: [ToolStanding]) -> [WaitingTools] {
        let servers = Set(standings.filter { $0.state == .quarantined }.map { JSONText($0.server) }).sorted()
        return servers.map { WaitingTools($0.string, among: standings) }
    }
}
