internal import MCP
internal import Policy
internal import StrictJSON

/// What people with the same use are given.
struct SuggestedRole: Sendable {
    /// What is opened on one server.
    struct Grant: Hashable, Sendable {
        let server: JSONText
        var tools: [Pattern] = []
        var resources: [Pattern] = []
        var prompts: [Pattern] = []
        var serverRequests: [ServerRequest] = []
        /// Whether nothing of it was called, and it opens the lists alone.
        var opensListsOnly = false

        /// No server has a tool or prompt of this name (MCP's are of letters, digits, `_`, `-` and `.`): a grant of it opens
        /// what is about no single one, such as lists, which are empty then.
        static let nothing = Pattern(exactly: "(none)")
    }

    let name: String
    let grants: [Grant]
    /// Who has it, sorted.
    let people: [EmailAddress]

    /// The roles of people, each with those of the same use.
    ///
    /// - Parameters:
    ///   - use: what each person was seen to use, by server.
    ///   - hasPrefixes: whether names that begin alike are opened by their beginning.
    ///   - resources: the patterns of the grant that has opened resources.
    /// - Returns: the roles, those of the most people first.
    static func roles(
        of use: [EmailAddress: [JSONText: ServerUse]],
        hasPrefixes: Bool,
        resources: (ServerUse.ResourceGrant) -> [Pattern]
    ) -> [SuggestedRole] {
        var groups: [[Grant]: [EmailAddress]] = [:]
        for (person, servers) in use where !servers.isEmpty {
            let grants = servers.sorted { $0.key < $1.key }.map { server, use in
                grant(server, use, hasPrefixes: hasPrefixes, resources)
            }
            groups[grants, default: []].append(person)
        }
        let sorted = groups.map { (grants: $0.key, people: $0.value.sorted { $0.text < $1.text }) }
            .sorted { ($1.people.count, $0.people[0].text) < ($0.people.count, $1.people[0].text) }
        var taken: [String: Int] = [:]
        return sorted.map { grants, people in
            let base = name(for: grants)
            let number = taken[base, default: 0] + 1
            taken[base] = number
            return SuggestedRole(name: number == 1 ? base : "\(base)-\(number)", grants: grants, people: people)
        }
    }

    private static func grant(
        _ server: JSONText,
        _ use: ServerUse,
        hasPrefixes: Bool,
        _ resources: (ServerUse.ResourceGrant) -> [Pattern]
    ) -> Grant {
        func patterns(_ names: Set<JSONText>) -> [Pattern] {
            hasPrefixes ? Beginnings.patterns(of: names) : names.sorted().map { Pattern(exactly: $0) }
        }
        var grant = Grant(server: server)
        grant.tools = patterns(use.tools)
        grant.prompts = patterns(use.prompts)
        grant.resources = Set(use.resources.flatMap(resources)).sorted { $0.stem.lexicographicallyPrecedes($1.stem) }
        if grant.resources.contains(.everything) { grant.resources = [.everything] }
        if !use.serverRequests.isSubset(of: PolicyRules.Grant.usualServerRequests) {
            let all = use.serverRequests.union(PolicyRules.Grant.usualServerRequests)
            grant.serverRequests = ServerRequest.allCases.filter(all.contains)
        }
        let isEmpty = grant.tools.isEmpty && grant.prompts.isEmpty && grant.resources.isEmpty
        // A name that is not known cannot be granted: it is said how many there were, and that they stay closed.
        if use.hasHiddenPrompts, grant.prompts.isEmpty { grant.prompts = [Grant.nothing] }
        if isEmpty || use.hasTasks && grant.tools.isEmpty { grant.tools = [Grant.nothing] }
        grant.opensListsOnly = isEmpty && !use.hasTasks && !use.hasHiddenPrompts
        return grant
    }

    /// The servers' aliases, as far as a name may be long and hold them.
    private static func name(for grants: [Grant]) -> String {
        let joined = grants.map(\.server.string).joined(separator: "-")
        let plain = joined.unicodeScalars.map { scalar -> Character in
            let isWord = scalar.isASCII && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil)
            return isWord || scalar == "-" || scalar == "_" ? Character(scalar) : "-"
        }
        return joined.utf8.count <= 40 ? "use-\(String(plain))" : "use-of-\(grants.count)-servers"
    }
}

/// Names that begin alike, up to a word's end.
enum Beginnings {
    /// So many names that begin alike are opened by their beginning.
    private static let least = 3

    /// Patterns for names: `get_*` in place of three or more that begin so, and the others as they are.
    static func patterns(of names: Set<JSONText>) -> [Pattern] {
        var groups: [[UInt8]: [JSONText]] = [:]
        for name in names { groups[word(of: name), default: []].append(name) }
        var patterns: [Pattern] = []
        for (word, names) in groups {
            if !word.isEmpty, names.count >= least,
                let pattern = try? Pattern(.string(JSONText(utf8: word + [star])), at: "")
            {
                patterns.append(pattern)
            } else {
                patterns += names.map { Pattern(exactly: $0) }
            }
        }
        return patterns.sorted { $0.stem.lexicographicallyPrecedes($1.stem) }
    }

    private static let star = UInt8(ascii: "*")

    /// The first word of a name with the mark behind it; empty for a name of one word.
    private static func word(of name: JSONText) -> [UInt8] {
        let marks = Array("_-./:".utf8)
        guard let end = name.utf8.firstIndex(where: marks.contains), end > 0, end < name.utf8.count - 1 else {
            return []
        }
        return Array(name.utf8[...end])
    }
}
