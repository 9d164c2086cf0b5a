internal import MCP
internal import StrictJSON

/// What a server says of itself at its beginning, as far as a client of all servers is told of it.
struct ServerFacts {
    /// What it can do; nil where it has not said so yet.
    let capabilities: JSONObject?
    let instructions: String?

    /// Nothing is known.
    static let unknown = ServerFacts(capabilities: nil, instructions: nil)

    /// Reads the result of `initialize` or `server/discover`.
    init(result: JSONObject) {
        capabilities = result["capabilities"]?.object ?? JSONObject()
        instructions = result["instructions"]?.text
    }

    private init(capabilities: JSONObject?, instructions: String?) {
        self.capabilities = capabilities
        self.instructions = instructions
    }

    /// Whether it may be asked for what this capability is about: a server that has not said so is asked.
    func has(_ capability: JSONText) -> Bool {
        guard let capabilities else { return true }
        return capabilities[capability]?.object != nil
    }

    /// Whether it tells of changes of single resources.
    var subscribes: Bool {
        guard let capabilities else { return true }
        return capabilities["resources"]?["subscribe"] == .bool(true)
    }
}

/// What the agent says of all servers together, where a client begins.
enum Introduction {
    /// The union of what they can do.
    ///
    /// Lists can always change, since the agent's own set of servers does; helpers of servers that want a sign-in are
    /// tools. What needs more than one answer to be the same everywhere (tasks, extensions) is not offered here.
    static func capabilities(_ servers: [ServerFacts]) -> JSONValue {
        var union: JSONObject = ["tools": ["listChanged": true]]
        if servers.contains(where: { $0.has("prompts") }) { union["prompts"] = ["listChanged": true] }
        if servers.contains(where: { $0.has("resources") }) {
            union["resources"] = ["listChanged": true, "subscribe": .bool(servers.contains { $0.subscribes })]
        }
        if servers.contains(where: { $0.has("completions") }) { union["completions"] = [:] }
        if servers.contains(where: { $0.has("logging") }) { union["logging"] = [:] }
        return .object(union)
    }

    /// The revision of a session: the one that the client asks for where it is known, else the newest.
    static func revision(_ asked: JSONText?) -> JSONText {
        let known = Revisions.handshake.map { JSONText($0) }
        return known.first { $0 == asked } ?? known.last ?? ""
    }

    /// The most bytes of the instructions of one server, and of all.
    private static let longestPart = 4 << 10
    private static let longest = 32 << 10

    /// The instructions of all servers that have some, each under its alias; nil where none has.
    ///
    /// They are the words of strangers, and what each may take of the client's attention is bounded.
    static func instructions(_ servers: [(alias: JSONText, facts: ServerFacts)]) -> String? {
        var text = ""
        for (alias, facts) in servers {
            guard let words = facts.instructions, !words.isEmpty else { continue }
            let part = "## \(alias)\n\n\(cut(words))\n"
            guard text.utf8.count + part.utf8.count < longest else { continue }
            text += text.isEmpty ? part : "\n" + part
        }
        guard !text.isEmpty else { return nil }
        return "Tools of several servers: the name of each begins with its server's alias and `__`. "
            + "What follows are the servers' own words.\n\n\(text)"
    }

    private static func cut(_ words: String) -> String {
        guard words.utf8.count > longestPart else { return words }
        // Between two characters, so that it is text again.
        return String(decoding: words.utf8.prefix(longestPart), as: UTF8.self).trimmingSuffix("\u{FFFD}") + " ..."
    }
}

extension String {
    /// Without a character at its end that was cut in two.
    fileprivate func trimmingSuffix(_ character: Character) -> String {
        var text = self
        while text.last == character { text.removeLast() }
        return text
    }
}
