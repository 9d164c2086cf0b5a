import Kits
import MCP
import StrictJSON

@testable import Policy

/// One question, in a form that can be kept: what `Ask` points at lives only during a call.
struct Question: Hashable {
    enum Subject: Hashable {
        case tool(JSONText), resource(JSONText), prompt(JSONText), task, method
        case serverRequest(ServerRequest)
    }

    let client: JSONText
    let server: JSONText
    let subject: Subject
    /// Of a call; nil: the message has none.
    var arguments: JSONValue?
    /// What the definition of the tool says of it.
    var hints = ToolHints.assumed

    func decide(_ policy: PolicySnapshot) -> Decision {
        lend { policy.decide(client: client, server: server, ask: $0, arguments: $1, hints: hints) }
    }

    func explain(_ policy: PolicySnapshot) -> Decision {
        lend { policy.explain(client: client, server: server, ask: $0, arguments: $1, hints: hints) }
    }

    private func lend<Answer>(_ body: (Ask, CallArguments) -> Answer) -> Answer {
        ask { ask in
            guard let arguments else { return body(ask, .none) }
            return arguments.bytes.withUnsafeBufferPointer { body(ask, .json($0)) }
        }
    }

    func ask<Answer>(_ body: (Ask) -> Answer) -> Answer {
        switch subject {
        case .tool(let name): name.utf8.withUnsafeBufferPointer { body(.tool($0)) }
        case .resource(let name): name.utf8.withUnsafeBufferPointer { body(.resource($0)) }
        case .prompt(let name): name.utf8.withUnsafeBufferPointer { body(.prompt($0)) }
        case .task: body(.task)
        case .method: body(.method)
        case .serverRequest(let kind): body(.serverRequest(kind))
        }
    }
}

/// Policies, people and questions over a few names that share beginnings, so that rules meet often.
///
/// Some names are longer than the eight bytes that a compiled pattern compares at once.
struct RandomPolicy {
    static let servers: [JSONText] = ["git", "github", "github-enterprise", "jira"]
    static let names: [JSONText] = [
        "get", "get_issue", "get_issue_comments", "delete_repo", "delete_r", "é", "e\u{301}",
    ]
    /// Folders, a file in each, and ways out of them.
    static let uris: [JSONText] = [
        "file:///docs/", "file:///docs/a", "file:///docs/private/x", "file:///docs/../etc/passwd",
        "file:///docs/%2e%2E/etc", "file:///docs/./private/x", "file:///docs//private/x", "file:///docs\\private",
        "file:///docs/..%2fetc", "file:///docs/...", "file:///docs/.hidden",
    ]
    static let clients: [JSONText] = ["local", "claude-code", "claude-desktop", "codex"]
    static let groups: [JSONText] = ["engineering", "eng", "sales"]
    static let people: [JSONText] = ["sub-ann", "sub-bob"]
    /// Names that differ by case, among others.
    static let arguments: [JSONText] = ["a", "A", "b", "k", "\u{212A}", "0"]
    static let texts: [JSONText] = [
        "", "x", "X", "xy", "https://a.b/", "https://b/", "http://[::1]/", "https://u@b/", "/srv/x", "/srv/../x",
        "/srvx", "srv",
        "/srv/%78",
    ]

    var random: SeededRandom

    init(seed: Int) { random = SeededRandom(seed: UInt64(seed)) }

    mutating func rules() -> PolicyRules {
        PolicyRules(
            roles: ["dev", "ops", "guest"].map { name in
                PolicyRules.Role(name: name, grants: many(0...3) { $0.grant() })
            },
            forbids: many(0...3) { $0.forbid() },
            requirements: many(0...3) { $0.requirement() }
        )
    }

    mutating func binding() -> Binding {
        Binding(
            sub: pick(Self.people),
            user: "somebody@example.com",
            groups: Self.groups.filter { _ in Bool.random(using: &random) },
            roles: many(0...3) { policy in
                let index = Int.random(in: 0...9, using: &policy.random)
                return Binding.Membership(
                    role: policy.pick(["dev", "ops", "guest", "unknown"]),
                    rule: JSONText("bind/\(index)"),
                    clients: policy.maybe { $0.patterns(RandomPolicy.clients) }
                )
            }
        )
    }

    mutating func question() -> Question {
        let subject: Question.Subject =
            switch Int.random(in: 0..<7, using: &random) {
            case 0, 1: .tool(pick(Self.names))
            case 2: .resource(pick(Self.uris))
            case 3: .prompt(pick(Self.names))
            case 4: .task
            case 5: .method
            default: .serverRequest(pick(ServerRequest.allCases))
            }
        return Question(
            client: pick(Self.clients),
            server: pick(Self.servers),
            subject: subject,
            arguments: maybe { $0.value(depth: 2) },
            hints: maybe { ToolHints(rawValue: UInt8.random(in: 0...15, using: &$0.random)) } ?? .assumed
        )
    }

    /// A value as arguments have it, most often an object.
    mutating func value(depth: Int) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 12 : 6), using: &random) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &random))
        case 2: return .int(Int.random(in: -1...2, using: &random))
        case 3:
            return (try? JSONValue(parsing: Array("[1.0,1e0,9007199254740993]".utf8), topLevel: .anything))?.array?[
                Int.random(in: 0...2, using: &random)
            ] ?? .null
        case 4, 5: return .string(pick(Self.texts))
        case 6: return .array(many(0...2) { $0.value(depth: depth - 1) })
        default:
            var object = JSONObject()
            for name in many(0...3, { $0.pick(RandomPolicy.arguments) }) { object[name] = value(depth: depth - 1) }
            return .object(object)
        }
    }

    /// Conditions of a rule that names no resources.
    private mutating func conditions(_ items: PolicyRules.Items) -> [ArgumentPredicate] {
        guard !items.isEverything, items.resources == nil, Bool.random(using: &random) else { return [] }
        return many(1...2) { $0.condition() }
    }

    mutating func condition() -> ArgumentPredicate {
        let names = many(1...2) { $0.pick(["a", "b", "k", "0"] as [JSONText]) }
        let pointer = names.map { "/\($0.string)" }.joined()
        let condition: JSONValue =
            switch Int.random(in: 0..<8, using: &random) {
            case 0: ["eq": pick([.int(1), true, .text("x"), .text("")] as [JSONValue])]
            case 1: ["in": .array(many(1...3) { $0.pick([.int(0), .int(1), false, .text("xy")] as [JSONValue]) })]
            case 2: ["int_range": [0, 1]]
            case 3: ["max_len": .int(Int.random(in: 0...2, using: &random))]
            case 4: ["present": true]
            case 5: ["absent": true]
            case 6: ["url_host_in": pick([["b"], ["*.b"], ["[::1]", "a.b"]] as [JSONValue])]
            default: ["path_under": pick(["/srv", "srv", "/"] as [JSONValue])]
            }
        var object = condition.object ?? JSONObject()
        object["at"] = .text(pointer)
        guard let made = try? ArgumentPredicate(signed: .object(object), at: "") else {
            preconditionFailure("a condition of a test is none")
        }
        return made
    }

    mutating func grant() -> PolicyRules.Grant {
        let items = items()
        return PolicyRules.Grant(
            server: pattern(Self.servers),
            items: items,
            arguments: conditions(items),
            serverRequests: maybe { policy in
                Set(ServerRequest.allCases.filter { _ in Bool.random(using: &policy.random) })
            } ?? PolicyRules.Grant.usualServerRequests
        )
    }

    mutating func forbid() -> PolicyRules.Forbid {
        PolicyRules.Forbid(scope: scope())
    }

    mutating func requirement() -> PolicyRules.Requirement {
        var obligations = Obligations.none
        while obligations.isEmpty {
            obligations.isAuditStrict = Bool.random(using: &random)
            obligations.keyProtection = maybe { policy in
                Set(["keyring", "tpm", "memory"].filter { _ in Bool.random(using: &policy.random) } as [JSONText])
            }
            if obligations.keyProtection?.isEmpty == true { obligations.keyProtection = nil }
            obligations.onlineWithin = maybe { $0.pick([60, 3600, 86_400]) }
            obligations.recentLogin = maybe { $0.pick([300, 7200]) }
        }
        return PolicyRules.Requirement(scope: scope(), obligations: obligations)
    }

    private mutating func scope() -> RuleScope {
        var items = items()
        let annotation =
            items.resources == nil && items.prompts == nil ? maybe { $0.pick(RuleScope.Annotation.allCases) } : nil
        if annotation != nil { items = PolicyRules.Items(tools: items.tools, resources: nil, prompts: nil) }
        return RuleScope(
            person: maybe { $0.pick(RandomPolicy.people) },
            group: maybe { $0.pattern(RandomPolicy.groups) },
            clients: maybe { $0.patterns(RandomPolicy.clients) },
            server: maybe { $0.pattern(RandomPolicy.servers) },
            items: items,
            annotation: annotation,
            unlessRole: maybe { $0.pick(["dev", "ops", "nobody"]) },
            arguments: conditions(items)
        )
    }

    private mutating func items() -> PolicyRules.Items {
        PolicyRules.Items(
            tools: maybe { $0.patterns(RandomPolicy.names) },
            resources: maybe { $0.patterns(RandomPolicy.uris) },
            prompts: maybe { $0.patterns(RandomPolicy.names) }
        )
    }

    private mutating func patterns(_ names: [JSONText]) -> [Pattern] { many(1...2) { $0.pattern(names) } }

    private mutating func pattern(_ names: [JSONText]) -> Pattern {
        let name = pick(names)
        guard Bool.random(using: &random) else { return Pattern(exactly: name) }
        let stem = JSONText(utf8: name.utf8.prefix(Int.random(in: 0...name.utf8.count, using: &random)))
        return (try? Pattern(.string(JSONText(utf8: stem.utf8 + [UInt8(ascii: "*")])), at: "")) ?? .everything
    }

    mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[Int.random(in: 0..<elements.count, using: &random)]
    }

    private mutating func maybe<Element>(_ make: (inout RandomPolicy) -> Element) -> Element? {
        Bool.random(using: &random) ? make(&self) : nil
    }

    private mutating func many<Element>(
        _ counts: ClosedRange<Int>,
        _ make: (inout RandomPolicy) -> Element
    ) -> [Element] {
        (0..<Int.random(in: counts, using: &random)).map { _ in make(&self) }
    }
}
