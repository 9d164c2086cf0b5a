internal import Contract
internal import Policy
internal import PolicyFile
internal import StrictJSON
internal import StrictYAML

/// Puts a policy together that opens what people were seen to use, and nothing else.
struct SuggestedPolicy {
    /// A rule of the policy in force that stays: the name of its list, and the rule as it is written.
    private struct Kept {
        let list: JSONText
        let rule: JSONValue
        let place: String
    }

    /// The tests of a file cost time with each change of it.
    private static let mostTests = 600
    /// What the rules of the policy in force are called that stay; all other members are made anew.
    private static let made: Set<JSONText> = ["version", "roles", "bind", "tests", "mode"]

    private let roles: [SuggestedRole]
    private let use: [EmailAddress: [JSONText: ServerUse]]
    private let head: [String]
    private var kept: [Kept] = []
    private(set) var notes: [String] = []

    /// - Parameters:
    ///   - roles: what people are given.
    ///   - use: what they were seen to use.
    ///   - present: the file in force, whose other rules stay.
    ///   - head: what the file says of itself.
    init(
        roles: [SuggestedRole],
        use: [EmailAddress: [JSONText: ServerUse]],
        present: [UInt8],
        head: [String]
    ) {
        self.roles = roles
        self.use = use
        self.head = head
        let document = try? StrictYAML.parse(present, limits: JSONLimits(maxBytes: PolicyFile.largest, maxDepth: 12))
        for member in document?.object?.members ?? [] where !Self.made.contains(member.name) {
            for (index, rule) in (member.value.array ?? []).enumerated() {
                kept.append(Kept(list: member.name, rule: rule, place: "\(member.name)/\(index)"))
            }
        }
    }

    /// The file, which is good.
    ///
    /// - Throws: `Refused`, `suggestion_too_large`.
    mutating func file() throws -> [UInt8] {
        let bare = try good(tests: [])
        let closing = closing(bare)
        if !closing.isEmpty {
            for index in closing.sorted(by: >) {
                notes.append("\(kept[index].place) of the policy in force closes what was used, and is left out.")
                kept.remove(at: index)
            }
        }
        var tests = tests(under: closing.isEmpty ? bare : try good(tests: []))
        while !tests.isEmpty {
            // What tests may cost depends on the rules.
            if let file = try? good(tests: tests) { return file.bytes }
            tests = Array(tests.prefix(tests.count / 2))
        }
        return try good(tests: []).bytes
    }

    /// A file with these tests, without those rules of the policy in force that cannot stand in it.
    private mutating func good(tests: [String]) throws -> PolicyFile {
        while true {
            let text = Array(written(tests).text.utf8)
            guard text.count <= PolicyFile.largest else { throw Refused.suggestionTooLarge }
            let refusal: PolicyRefusal
            do {
                return try PolicyFile(parsing: text)
            } catch {
                refusal = error
            }
            let places = refusal.problems.map(\.place)
            let before = kept.count
            for (index, place) in keptPlaces.enumerated().reversed()
            where places.contains(where: { $0 == place || $0.hasPrefix("\(place)/") }) {
                notes.append(
                    "\(kept[index].place) of the policy in force cannot stand beside these roles, and is left out."
                )
                kept.remove(at: index)
            }
            // What is wrong otherwise is the size: everything else was made to be good.
            guard kept.count < before else { throw Refused.suggestionTooLarge }
        }
    }

    /// Where the kept rules stand in the file.
    private var keptPlaces: [String] {
        var counts: [JSONText: Int] = [:]
        return kept.map { rule in
            defer { counts[rule.list, default: 0] += 1 }
            return "\(rule.list)/\(counts[rule.list, default: 0])"
        }
    }

    /// The kept rules that close what was used, whatever its arguments were: those are not recorded.
    private func closing(_ file: PolicyFile) -> Set<Int> {
        let (world, places) = (People(file), keptPlaces)
        var closing: Set<Int> = []
        for (person, servers) in use {
            let snapshot = world.snapshot(of: person)
            for (server, use) in servers {
                for client in use.clients {
                    func note(_ name: JSONText, _ ask: (UnsafeBufferPointer<UInt8>) -> Ask) {
                        let decision = name.utf8.withUnsafeBufferPointer {
                            snapshot.explain(client: client, server: server, ask: ask($0), arguments: .any)
                        }
                        guard decision.reason == .forbidden else { return }
                        for rule in decision.rules {
                            if let index = places.firstIndex(of: rule.string) { closing.insert(index) }
                        }
                    }
                    for name in use.tools { note(name) { .tool($0) } }
                    for name in use.prompts { note(name) { .prompt($0) } }
                }
            }
        }
        return closing
    }

    /// Everybody under a file.
    private struct People {
        private let file: PolicyFile
        private let rules: PolicyRules

        init(_ file: PolicyFile) {
            self.file = file
            // As in a file's own tests an address serves as the pseudonym. A file that was read has rules that can be sent.
            let pseudonyms = Dictionary(uniqueKeysWithValues: file.people.map { ($0, $0.text) })
            rules = (try? file.rules(pseudonyms: pseudonyms)) ?? .empty
        }

        func snapshot(of person: EmailAddress) -> PolicySnapshot {
            let binding = Binding(
                sub: JSONText(person.text),
                user: person.text,
                groups: [],
                roles: file.memberships(of: person, groups: [])
            )
            return PolicySnapshot(rules: rules, binding: binding, version: 0, digest: "")
        }
    }

    // MARK: Text

    /// What the file is to keep, whatever becomes of it: what each role is for, and that it ends there.
    private func tests(under file: PolicyFile) -> [String] {
        let world = People(file)
        var tests: [String] = []
        for role in roles {
            guard let person = role.people.first else { continue }
            let snapshot = world.snapshot(of: person)
            let user = PolicyWriting.scalar(JSONText(person.text))
            func test(_ server: JSONText, _ tool: JSONText, _ expect: String) {
                let call = PolicyWriting.scalar(JSONText(utf8: server.utf8 + [UInt8(ascii: "/")] + tool.utf8))
                tests.append("  - { user: \(user), call: \(call), expect: \(expect) }")
            }
            for (server, use) in (use[person] ?? [:]).sorted(by: { $0.key < $1.key }) {
                for tool in use.tools.sorted() where tests.count < Self.mostTests {
                    // A rule that stays may look at arguments, which a test without any does not pass.
                    guard snapshot.decide(client: "local", server: server, tool: tool).isAllowed else { continue }
                    test(server, tool, "allow")
                }
            }
            guard let server = role.grants.first?.server, tests.count < Self.mostTests else { continue }
            let others = Set(roles.flatMap(\.grants).filter { $0.server == server }.flatMap(\.tools))
            let names =
                others.filter { !$0.isPrefix && $0 != SuggestedRole.Grant.nothing }.map { JSONText(utf8: $0.stem) }
                .sorted()
                + ["never_used"]
            let closed = names.first { !snapshot.decide(client: "local", server: server, tool: $0).isAllowed }
            if let closed { test(server, closed, "deny") }
        }
        return tests
    }

    private func written(_ tests: [String]) -> PolicyWriting {
        var writing = PolicyWriting()
        for line in head + notes { writing.comment(line) }
        writing.line("version: 1")
        writing.line(roles.isEmpty ? "roles: {}" : "roles:")
        for role in roles {
            writing.role(role, resourceNote: "URIs of resources are not recorded: narrow this where you know them")
        }
        if !roles.isEmpty { writing.line("bind:") }
        for role in roles {
            let name = PolicyWriting.scalar(JSONText(role.name))
            for person in role.people {
                writing.line("  - { user: \(PolicyWriting.scalar(JSONText(person.text))), role: \(name) }")
            }
        }
        for list in Set(kept.map(\.list)).sorted() {
            writing.line("\(list):")
            for kept in kept where kept.list == list { writing.line("  - \(kept.rule.json)") }
        }
        if !tests.isEmpty { writing.line("tests:") }
        for test in tests { writing.line(test) }
        return writing
    }
}

extension Refused {
    static let suggestionTooLarge = Refused(
        "suggestion_too_large",
        "What was used does not fit into one policy file.",
        next: "Ask for one user or one server, or for beginnings of names (--prefixes)."
    )
}
