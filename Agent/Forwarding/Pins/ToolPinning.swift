package import MCP
package import StrictJSON
package import TransparencyLog

/// How the tools of a server are pinned, as the registry and the coordinator say it.
package struct ToolPinning: Sendable, Equatable {
    /// Who has to agree to a definition before clients are shown it.
    package enum Mode: String, Sendable, CaseIterable {
        /// Nobody for what the server showed first, an administrator for whatever changes or is new after that.
        case firstUse = "first-use"
        /// An administrator, for every one.
        case approve
    }

    package var mode: Mode
    /// Which entry it is about: what was seen of another server under the same alias says nothing of this one.
    package var entry: Hash?
    /// The hashes of the definitions that the organisation has approved, by tool; nil before it has any.
    package var approved: [JSONText: [Hash]]?
    /// Whether policies may go by what its definitions say of its tools.
    package var trustsAnnotations: Bool

    package init(
        mode: Mode = .firstUse,
        entry: Hash? = nil,
        approved: [JSONText: [Hash]]? = nil,
        trustsAnnotations: Bool = false
    ) {
        self.mode = mode
        self.entry = entry
        self.approved = approved
        self.trustsAnnotations = trustsAnnotations
    }
}

/// What of the pins of a server has to outlive the agent: until the coordinator has them, and for what waits there.
package struct KeptPins: Sendable, Equatable {
    package let server: JSONText
    package let entry: Hash
    /// Whether the first list was seen to its end, so that what comes after it is new.
    package let isComplete: Bool
    /// The definitions of the first list.
    package let first: [JSONText: Hash]
    /// The definitions that are held back.
    package let held: [JSONText: Hash]
    /// What approved definitions say of their tools, where policies go by it.
    package let hints: [JSONText: KeptHints]

    package init(
        server: JSONText,
        entry: Hash,
        isComplete: Bool,
        first: [JSONText: Hash],
        held: [JSONText: Hash],
        hints: [JSONText: KeptHints] = [:]
    ) {
        self.server = server
        self.entry = entry
        self.isComplete = isComplete
        self.first = first
        self.held = held
        self.hints = hints
    }
}

/// What a definition says of its tool.
package struct KeptHints: Sendable, Equatable {
    package let digest: Hash
    package let hints: ToolHints

    package init(digest: Hash, hints: ToolHints) {
        self.digest = digest
        self.hints = hints
    }
}

/// What the coordinator has to hear of the tools of a server.
package struct ToolReport: Sendable, Equatable {
    /// One tool as the server has described it.
    package struct Tool: Sendable, Equatable {
        package let name: JSONText
        package let digest: Hash
        /// The text of the definition, see `ToolDefinition`.
        package let definition: [UInt8]
    }

    package let server: JSONText
    package let entry: Hash
    /// Whether these are all tools of a server that this agent has met for the first time.
    package let isFirst: Bool
    package let tools: [Tool]
    /// All definitions that the server shows, by tool; nil where the coordinator knows.
    package let shown: [JSONText: Hash]?
}
