internal import AuditSink
internal import MCP
internal import Policy
internal import StrictJSON

/// What a policy says of the recorded calls of one person.
struct PersonInHindsight {
    /// What would become of a call.
    enum Verdict: Hashable {
        case allow, deny
        /// The record does not say enough, and why.
        case unknown(Why)
    }

    /// Why a verdict is unknown, as a code.
    enum Why: String, Hashable {
        /// The server's alias is a hash.
        case server
        /// The name of the tool or prompt is a hash.
        case name
        /// The URI of a resource is known as its hash alone.
        case resource
        /// The client's name is a hash.
        case client
        /// A rule goes by what the definition of the tool says, and that cannot be told.
        case definition
        /// A rule looks at arguments in a way in which no rule looked at them when the call was made.
        case arguments
        /// The request was about several things, or about a task.
        case items
        /// A rule demands what is not recorded, such as a sign-in of late.
        case obligation
        /// A limit refused it, and limits are not simulated.
        case limit
    }

    private let binding: Binding
    private let hints: KnownHints
    /// Whether the last call would be allowed if it was sure to meet what rules demand of it.
    private var isDemanding = false
    private var snapshots: [Key: PolicySnapshot] = [:]

    private struct Key: Hashable {
        let untold: Untold
        let bias: Bias
    }

    init(_ binding: Binding, _ hints: KnownHints) {
        self.binding = binding
        self.hints = hints
    }

    /// What the rules make of a call, whose server is known.
    mutating func verdict(of call: RecordedCall, by rules: inout RulesInHindsight) -> Verdict {
        let question = Question(call)
        var untold: Untold = []
        if question.isItemUntold { untold.insert(.item) }
        if RecordedCall.isHash(call.client) { untold.insert(.client) }
        if allows(question, call, untold, .closes, &rules) { return .allow }
        guard allows(question, call, untold, .opens, &rules) else { return .deny }
        return .unknown(isDemanding ? .obligation : why(call, question))
    }

    private func why(_ call: RecordedCall, _ question: Question) -> Why {
        if case .resource = call.item { return .resource }
        if case .several = question { return .items }
        if question.isItemUntold { return .name }
        if RecordedCall.isHash(call.client) { return .client }
        return hints(of: call) == nil ? .definition : .arguments
    }

    private func hints(of call: RecordedCall) -> ToolHints? {
        guard case .tool(let name) = call.item else { return .assumed }
        return hints.hints(server: call.server, tool: RecordedCall.isHash(name) ? nil : name)
    }

    private mutating func allows(
        _ question: Question,
        _ call: RecordedCall,
        _ untold: Untold,
        _ bias: Bias,
        _ rules: inout RulesInHindsight
    ) -> Bool {
        let snapshot = snapshot(untold, bias, &rules)
        let client = untold.contains(.client) ? JSONText(utf8: Untold.name) : call.client
        let hints = hints(of: call) ?? (bias == .closes ? KnownHints.all : [])
        var demanded = Obligations.none
        let isAllowed = rules.judged(call).withUnsafeBufferPointer { judged in
            question.allSatisfy(bias) { ask in
                let decision = snapshot.decide(
                    client: client,
                    server: call.server,
                    ask: ask,
                    arguments: .judged(judged, isOpen: bias == .opens),
                    hints: hints
                )
                demanded.formUnion(decision.obligations)
                return decision.isAllowed
            }
        }
        guard bias == .closes else { return isAllowed }
        // That the beginning is countersigned first is what every machine can wait for.
        demanded.isAuditStrict = false
        isDemanding = isAllowed && !demanded.isEmpty
        return isAllowed && demanded.isEmpty
    }

    private mutating func snapshot(
        _ untold: Untold,
        _ bias: Bias,
        _ rules: inout RulesInHindsight
    ) -> PolicySnapshot {
        let key = Key(untold: untold, bias: bias)
        if let snapshot = snapshots[key] { return snapshot }
        let isAnyClient = untold.contains(.client) && bias == .opens
        let snapshot = PolicySnapshot(
            rules: rules.rules(untold, bias),
            binding: isAnyClient ? binding.throughAnyClient : binding,
            version: 0,
            digest: ""
        )
        snapshots[key] = snapshot
        return snapshot
    }
}

/// What the policy was asked of a call.
enum Question {
    case method
    case tool([UInt8]), prompt([UInt8])
    case resource
    case task
    case serverRequest(ServerRequest)
    /// Of each of these whatever was asked, if anything was: the record does not say it.
    case several

    init(_ call: RecordedCall) {
        switch call.item {
        case .tool(let name): self = .tool(RecordedCall.isHash(name) ? Untold.name : name.utf8)
        case .prompt(let name): self = .prompt(RecordedCall.isHash(name) ? Untold.name : name.utf8)
        case .resource: self = .resource
        case .none:
            let method = call.method.utf8.withUnsafeBufferPointer { MCPMethod($0) }
            switch method {
            case .tasksList: self = .task
            // Whether the tool that a task goes back to may still be called, the record does not say.
            case .tasksGet, .tasksUpdate, .tasksCancel, .tasksResult, .subscriptionsListen: self = .several
            default: self = method.serverRequest.map { .serverRequest($0) } ?? .method
            }
        }
    }

    /// Whether something is asked for by a name that is not known.
    var isItemUntold: Bool {
        switch self {
        case .tool(let name), .prompt(let name): name == Untold.name
        case .resource, .several: true
        case .method, .task, .serverRequest: false
        }
    }

    /// Whether all that was asked is allowed; of what may have been asked, all of it where doubts close, and nothing where
    /// they open.
    func allSatisfy(_ bias: Bias, _ isAllowed: (Ask) -> Bool) -> Bool {
        func about(_ name: [UInt8], _ ask: (UnsafeBufferPointer<UInt8>) -> Ask) -> Bool {
            name.withUnsafeBufferPointer { isAllowed(ask($0)) }
        }
        switch self {
        case .method: return isAllowed(.method)
        case .task: return isAllowed(.task)
        case .tool(let name): return about(name) { .tool($0) }
        case .prompt(let name): return about(name) { .prompt($0) }
        case .resource: return about(Untold.name) { .resource($0) }
        case .serverRequest(let kind): return isAllowed(.serverRequest(kind))
        case .several:
            guard bias == .closes else { return isAllowed(.method) }
            return isAllowed(.method) && isAllowed(.task) && about(Untold.name) { .resource($0) }
                && about(Untold.name) { .tool($0) }
        }
    }
}
