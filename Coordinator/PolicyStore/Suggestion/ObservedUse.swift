internal import AuditSink
internal import MCP
internal import Policy
internal import StrictJSON

/// What one person was seen to use of one server.
struct ServerUse: Hashable, Sendable {
    var tools: Set<JSONText> = []
    var prompts: Set<JSONText> = []
    /// The grants that have opened its resources, whose URIs are not recorded.
    var resources: Set<ResourceGrant> = []
    /// What the server has asked of the client.
    var serverRequests: Set<ServerRequest> = []
    /// Through which clients, as far as their names are known.
    var clients: Set<JSONText> = []
    /// Whether tasks were asked for, which a grant opens that names a tool, or a tool whose name is not known.
    var hasTasks = false
    /// Whether a prompt was asked for whose name is not known.
    var hasHiddenPrompts = false

    /// Where a grant for resources stands: in which version, under which name.
    struct ResourceGrant: Hashable, Sendable {
        let policy: Int
        /// Nil where no grant opened it, and the policy only observed.
        let rule: JSONText?
    }

    var count: Int { tools.count + prompts.count + resources.count }
}

/// What people were seen to use: the calls on record that passed, by person and server.
struct ObservedUse: Sendable {
    /// So many names of one person are kept, and of all: whoever makes up names is left out, and said to be.
    static let mostOfOne = 2_000
    static let mostOfAll = 100_000

    /// By the pseudonym of the person, and the server's alias.
    private(set) var people: [String: [JSONText: ServerUse]] = [:]
    /// Whose use is more than is kept.
    private(set) var leftOut: Set<String> = []
    /// How many calls passed.
    private(set) var calls = 0
    /// How many of them were of a tool or prompt whose name is known as its hash alone.
    private(set) var unnamed = 0
    private var names = 0
    /// How many names of the person whose calls come now.
    private var current: (sub: String, names: Int)?

    /// Takes one call; those of one person come one after the other.
    mutating func note(_ call: RecordedCall, of sub: String) {
        guard call.isAllowed, !RecordedCall.isHash(call.server), !leftOut.contains(sub) else { return }
        calls += 1
        if current?.sub != sub { current = (sub, 0) }
        let before = people[sub]?[call.server]?.count ?? 0
        let isNamed = people[sub, default: [:]][call.server, default: ServerUse()].add(call)
        if !isNamed { unnamed += 1 }
        let new = (people[sub]?[call.server]?.count ?? 0) - before
        current?.names += new
        names += new
        guard current?.names ?? 0 > Self.mostOfOne || names > Self.mostOfAll else { return }
        names -= current?.names ?? 0
        people[sub] = nil
        leftOut.insert(sub)
    }
}

extension ServerUse {
    /// More than a person has, mostly.
    private static let mostClients = 32

    /// Takes one call; returns false for one of a name that is known as its hash alone.
    fileprivate mutating func add(_ call: RecordedCall) -> Bool {
        if clients.count < Self.mostClients, !RecordedCall.isHash(call.client) { clients.insert(call.client) }
        switch call.item {
        case .tool(let name) where RecordedCall.isHash(name):
            hasTasks = true
            return false
        case .prompt(let name) where RecordedCall.isHash(name):
            hasHiddenPrompts = true
            return false
        case .tool(let name): tools.insert(name)
        case .prompt(let name): prompts.insert(name)
        case .resource:
            let grants = call.rules.filter { $0.utf8.starts(with: "roles/".utf8) }
            if grants.isEmpty { resources.insert(ResourceGrant(policy: call.policy, rule: nil)) }
            for rule in grants { resources.insert(ResourceGrant(policy: call.policy, rule: rule)) }
        case .none:
            let method = call.method.utf8.withUnsafeBufferPointer { MCPMethod($0) }
            if let request = method.serverRequest { serverRequests.insert(request) }
            if call.method.utf8.starts(with: "tasks/".utf8) { hasTasks = true }
        }
        return true
    }
}
