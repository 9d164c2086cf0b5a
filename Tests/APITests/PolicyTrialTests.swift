import AuditLog
import Bytes
import Contract
import Database
import Foundation
import HTTPTypes
import HummingbirdTesting
import Kits
import NIOCore
import Policy
import PolicyFile
import Rights
import ServiceKit
import StrictJSON
import Testing

@testable import API

/// Two machines with their logs, and calls that the policy in force decides as an agent does.
private struct Fleet {
    static let aliases: [JSONText] = ["github", "docs"]
    static let clients: [JSONText] = ["claude-code", "local", "caf\u{E9}"]
    static let tools: [JSONText] = ["get_issue", "get_log", "put", "sp\u{E4}ter"]

    struct Seat {
        let machine: Machine
        let email: String
        var agent: SinkAgent
    }

    let office: Office
    let client: any TestClientProtocol
    let owner: Machine
    var seats: [Seat] = []

    init(_ office: Office, _ client: any TestClientProtocol, seats roles: [Role] = [.member, .auditor]) async throws {
        self.office = office
        self.client = client
        owner = try await office.machine(.owner, client)
        for alias in Self.aliases {
            let entry = try RegistryEntry(
                alias: alias.string,
                url: "https://x.example/mcp",
                authorization: .init(kind: .none),
                allowsLoopback: false
            )
            #expect(try await owner.send(client, "POST", "/v1/servers", body: entry.json.bytes).status == .created)
        }
        for role in roles {
            let machine = try await office.machine(role, client)
            let agent = SinkAgent(
                id: machine.agentID,
                sub: machine.sub,
                names: LogNames(host: "office.example"),
                key: machine.key
            )
            seats.append(Seat(machine: machine, email: "\(role.rawValue)@office.example", agent: agent))
        }
    }

    /// What is decided of calls of a seat under a file.
    func snapshot(_ file: PolicyFile, _ seat: Seat) throws -> PolicySnapshot {
        let email = try #require(EmailAddress(seat.email))
        let subs = Dictionary(
            uniqueKeysWithValues: file.people.map { person in
                (person, seats.first { $0.email == person.text }?.machine.sub ?? "x-\(person.text)")
            }
        )
        return PolicySnapshot(
            rules: try file.rules(pseudonyms: subs),
            binding: Binding(
                sub: JSONText(seat.machine.sub),
                user: seat.email,
                groups: [],
                roles: file.memberships(of: email, groups: [])
            ),
            version: 1,
            digest: ""
        )
    }

    func put(_ file: [UInt8]) async throws {
        let answer = try await owner.send(client, "PUT", "/v1/policy", body: file, headers: [.ifMatch: "*"])
        try #require(answer.status == .ok, "\(String(buffer: answer.body))")
    }

    func upload() async throws {
        for seat in seats where seat.agent.size > 0 {
            let body = try seat.agent.upload(from: 0)
            let answer = try await seat.machine.send(client, "POST", "/v1/agent-log", body: body)
            try #require(answer.status == .ok, "\(String(buffer: answer.body))")
        }
    }

    /// What `/v1/policy/simulations` says to a draft.
    func simulate(_ file: [UInt8], _ more: JSONObject = ["since": "-1h"]) async throws -> JSONValue {
        var question = more
        question["file"] = .text(String(decoding: file, as: UTF8.self))
        let body = JSONValue.object(question).bytes
        let answer = try await owner.send(client, "POST", "/v1/policy/simulations", body: body)
        try #require(answer.status == .ok, "\(String(buffer: answer.body))")
        return try answer.json()
    }

    func suggest(_ more: JSONObject = ["since": "-1h"]) async throws -> JSONValue {
        let body = JSONValue.object(more).bytes
        let answer = try await owner.send(client, "POST", "/v1/policy/suggestions", body: body)
        try #require(answer.status == .ok, "\(String(buffer: answer.body))")
        return try answer.json()
    }
}

/// One call, before it is decided.
private struct Call {
    var client: JSONText = "claude-code"
    var server: JSONText = "github"
    var method: JSONText = "tools/call"
    var item = Item.tool("get_issue")
    var arguments: JSONValue?

    enum Item {
        case none
        case tool(JSONText), prompt(JSONText)
        case resource(String)
    }

    /// Whether all names of it are in its record.
    var isPlain: Bool {
        let isTold =
            switch item {
            case .none: method != "subscriptions/listen"
            case .tool(let name), .prompt(let name): RecordName.plain(name) == name
            case .resource: false
            }
        return isTold && RecordName.plain(client) == client
    }

    func decide(_ policy: PolicySnapshot) -> Decision {
        func ask(_ name: JSONText, _ kind: (UnsafeBufferPointer<UInt8>) -> Ask) -> Decision {
            name.utf8.withUnsafeBufferPointer { name in
                guard let arguments else { return policy.decide(client: client, server: server, ask: kind(name)) }
                return arguments.bytes.withUnsafeBufferPointer {
                    policy.decide(client: client, server: server, ask: kind(name), arguments: .json($0))
                }
            }
        }
        switch item {
        case .none: return policy.decide(client: client, server: server, ask: method == "tasks/list" ? .task : .method)
        case .tool(let name): return ask(name) { .tool($0) }
        case .prompt(let name): return ask(name) { .prompt($0) }
        case .resource(let uri): return ask(JSONText(uri)) { .resource($0) }
        }
    }

    /// Records it, as an agent does that has decided it so.
    func record(_ policy: PolicySnapshot, in agent: inout SinkAgent, reason: JSONText? = nil) {
        let decision = decide(policy)
        let isKnown = policy.knows(server: server)
        let facts = CallAttributes(
            call: RandomID(),
            trace: RandomID(),
            client: client,
            how: .token,
            server: isKnown ? server : RecordName.hash(of: server),
            method: method,
            item: recorded
        )
        let denial = isKnown ? JSONText(decision.reason.rawValue) : "unknown_server"
        let isAllowed = decision.isAllowed && reason == nil
        let encoded = EncodedDecision(
            isAllowed: isAllowed,
            reason: reason ?? (isAllowed ? JSONText(decision.reason.rawValue) : denial),
            rules: decision.rules,
            policy: policy.version,
            digest: "",
            conditions: decision.judged.map { judged in
                let results: [Truth: RecordedCondition.Result] = [
                    .holds: .holds, .fails: .fails, .unknown: .unknown,
                ]
                let name = RecordedCondition.name(of: judged.predicate.canonical)
                return RecordedCondition.word(name, results[judged.truth] ?? .unknown)
            }
        )
        let now = Int64(UTCTime.now.microseconds)
        agent.record(
            isAllowed ? .callBegin(facts, encoded, credential: nil) : .callDeny(facts, encoded),
            at: now
        )
        if isAllowed { agent.record(.callEnd(facts, Outcome(.ok)), at: now) }
    }

    private var recorded: CallItem {
        switch item {
        case .none: .none
        case .tool(let name): .tool(name)
        case .prompt(let name): .prompt(name)
        case .resource(let uri): .resource(uri: Array(uri.utf8))
        }
    }
}

extension UTCTime {
    fileprivate static var now: UTCTime { UTCTime(microseconds: Int(MachineClock.system.wall())) }
}

extension SeededRandom {
    fileprivate mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }

    fileprivate mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[Int.random(in: elements.indices, using: &self)]
    }

    fileprivate mutating func call() -> Call {
        let item: (JSONText, Call.Item) = pick([
            ("tools/call", .tool(pick(Fleet.tools))), ("tools/call", .tool(pick(Fleet.tools))),
            ("prompts/get", .prompt(pick(["review", "pr\u{FC}fe"]))),
            ("resources/read", .resource(pick(["repo://a", "repo://b/c", "file:///x"]))),
            (pick(["tools/list", "initialize", "subscriptions/listen", "tasks/list"]), .none),
        ])
        let arguments: JSONValue? = pick([
            nil, nil, ["owner": "acme"], ["owner": "evil", "n": 3], ["n": 30], ["owner": 1],
        ])
        return Call(
            client: pick(Fleet.clients),
            server: pick(Fleet.aliases),
            method: item.0,
            item: item.1,
            arguments: arguments
        )
    }

    private mutating func conditions(_ object: JSONObject) -> JSONObject {
        guard object["resources"] == nil, object["tools"] != nil || object["prompts"] != nil, chance(40) else {
            return object
        }
        var object = object
        object["args"] = pick([
            ["/owner": ["in": ["acme"]]], ["/n": ["int_range": [1, 9]]], ["/owner": ["present": true]],
            ["/owner": ["eq": "acme"], "/n": ["absent": true]],
        ])
        return object
    }

    private mutating func patterns(_ all: [String]) -> JSONValue {
        .array((0...Int.random(in: 0...1, using: &self)).map { _ in .text(pick(all)) })
    }

    private mutating func items(_ object: JSONObject) -> JSONObject {
        var object = object
        if chance(60) { object["tools"] = patterns(["get_*", "get_issue", "*", "put", "sp\u{E4}ter"]) }
        if chance(30) { object["resources"] = patterns(["repo://*", "*", "repo://a"]) }
        if chance(30) { object["prompts"] = patterns(["*", "review", "pr*"]) }
        return object
    }

    /// A policy about these servers, people and clients.
    fileprivate mutating func policy(_ people: [String]) -> [UInt8] {
        var roles = JSONObject()
        for name in ["dev", "ops"] as [JSONText] {
            let grants = (0..<Int.random(in: 0...2, using: &self)).map { _ in
                JSONValue.object(conditions(items(["server": .text(pick(["github", "docs", "*"]))])))
            }
            roles[name] = ["grant": .array(grants)]
        }
        let binds = (0...2).map { _ -> JSONValue in
            var bind: JSONObject = ["role": .text(pick(["dev", "ops"]))]
            if chance(60) { bind["user"] = .text(pick(people)) } else { bind["everyone"] = true }
            if chance(30) { bind["clients"] = .array([.text(pick(["claude-code", "*", "caf\u{E9}", "l*"]))]) }
            return .object(bind)
        }
        let forbids = (0..<Int.random(in: 0...2, using: &self)).map { _ -> JSONValue in
            var forbid = conditions(items([:]))
            if chance(40) { forbid["server"] = .text(pick(["github", "docs"])) }
            if chance(30) { forbid["user"] = .text(pick(people)) }
            if chance(30) { forbid["client"] = .text(pick(["local", "caf\u{E9}"])) }
            if forbid.isEmpty { forbid["server"] = "nothing" }
            return .object(forbid)
        }
        let file: JSONValue = [
            "version": 1, "roles": .object(roles), "bind": .array(binds), "forbid": .array(forbids),
        ]
        return file.bytes
    }
}

@Suite("Policies are tried on the calls on record")
struct PolicyTrialTests {
    /// How many worlds for each property; a long run sets `DOORWARD_SEEDS`.
    private static let seeds = ProcessInfo.processInfo.environment["DOORWARD_SEEDS"].flatMap(UInt64.init) ?? 8

    @Test("The policy in force would change nothing of what it has decided", arguments: 0..<seeds)
    func sameAgain(_ seed: UInt64) async throws {
        var random = SeededRandom(seed: seed)
        let office = try Office()
        let calls = (0..<120).map { _ in random.call() }
        let (text, other) = (
            random.policy(["member@office.example", "auditor@office.example"]),
            random.policy(["member@office.example", "nobody@office.example"])
        )
        let choices = calls.map { _ in random.chance(50) ? 0 : 1 }
        try await office.test { client in
            var fleet = try await Fleet(office, client)
            try await fleet.put(text)
            let (file, draft) = (try PolicyFile(parsing: text), try PolicyFile(parsing: other))
            var (deny, allow, least) = (0, 0, 0)
            for (call, choice) in zip(calls, choices) {
                call.record(try fleet.snapshot(file, fleet.seats[choice]), in: &fleet.seats[choice].agent)
                let would = call.decide(try fleet.snapshot(draft, fleet.seats[choice])).isAllowed
                // What the draft's conditions come to is told only where rules had them when the call was made.
                let isTold = try call.isPlain && call.decide(fleet.snapshot(draft, fleet.seats[choice])).judged.isEmpty
                if isTold { would ? (allow += 1) : (deny += 1) } else { least += 1 }
            }
            try await fleet.upload()

            let same = try await fleet.simulate(text)
            #expect(same["calls"]?.int == calls.count)
            #expect(same["changes"]?.array?.isEmpty == true, "\(same.json)")
            // The oracle: what is known in full is decided as the draft decides, and nothing else is told wrongly.
            let report = try await fleet.simulate(other)
            let counts = ["calls", "would_deny", "would_allow", "unknown"].map { report[JSONText($0)]?.int ?? -1 }
            #expect(counts[0] == calls.count && counts[1] + counts[2] + counts[3] == calls.count)
            #expect(counts[3] <= least)
            #expect((deny...(deny + least)).contains(counts[1]) && (allow...(allow + least)).contains(counts[2]))
        }
    }

    @Test("What is said of a call whose names are hashes holds for the name that it had", arguments: 0..<seeds)
    func neverWrong(_ seed: UInt64) async throws {
        var random = SeededRandom(seed: 1_000 + seed)
        let office = try Office()
        let calls = (0..<40).map { _ in random.call() }
        let drafts = (0..<3).map { _ in random.policy(["member@office.example"]) }
        try await office.test { client in
            var fleet = try await Fleet(office, client, seats: [.member])
            let open = Array(
                "{version: 1, roles: {all: {grant: [{server: '*'}]}}, bind: [{everyone: true, role: all}]}".utf8
            )
            let all = try fleet.snapshot(try PolicyFile(parsing: open), fleet.seats[0])
            for call in calls { call.record(all, in: &fleet.seats[0].agent) }
            try await fleet.upload()
            for text in drafts {
                let snapshot = try fleet.snapshot(try PolicyFile(parsing: text), fleet.seats[0])
                let denied = calls.count { !$0.decide(snapshot).isAllowed }
                let report = try await fleet.simulate(text)
                let (deny, unknown) = (report["would_deny"]?.int ?? -1, report["unknown"]?.int ?? -1)
                #expect(deny <= denied && denied <= deny + unknown, "\(String(decoding: text, as: UTF8.self))")
                let changes = (report["changes"]?.array ?? []).reduce(0) { $0 + ($1["count"]?.int ?? 0) }
                #expect(changes == deny)
            }
        }
    }

    private static let open =
        "version: 1\nroles: { all: { grant: [ { server: github } ] } }\nbind: [ { everyone: true, role: all } ]\n"

    /// What becomes of two calls that an open policy has let pass, under it with another rule.
    private func trial(
        _ rule: String,
        _ prepare: @Sendable (Office) async throws -> Void = { _ in }
    ) async throws -> JSONValue {
        let office = try Office()
        return try await office.test { client in
            var fleet = try await Fleet(office, client, seats: [.member])
            try await prepare(office)
            let snapshot = try fleet.snapshot(try PolicyFile(parsing: Array(Self.open.utf8)), fleet.seats[0])
            for tool in ["get_issue", "put"] as [JSONText] {
                Call(item: .tool(tool)).record(snapshot, in: &fleet.seats[0].agent)
            }
            try await fleet.upload()
            return try await fleet.simulate(Array((Self.open + rule).utf8))
        }
    }

    private func counts(_ report: JSONValue) -> [Int] {
        ["would_allow", "would_deny", "unknown"].map { report[$0]?.int ?? -1 }
    }

    @Test("Whether a call would meet what a rule demands is not told, but for what every machine can wait for")
    func demands() async throws {
        let login = try await trial("require: [ { tools: [put], recent_login: 1h } ]\n")
        #expect(counts(login) == [1, 0, 1])
        #expect(login["unknowns"]?.array?.first?["why"] == "obligation")
        #expect(counts(try await trial("require: [ { tools: [put], audit: strict } ]\n")) == [2, 0, 0])
        #expect(counts(try await trial("require: [ { server: docs, recent_login: 1h } ]\n")) == [2, 0, 0])
    }

    @Test(
        "A rule that goes by definitions is tried with those that are approved, where the server is trusted with them"
    )
    func definitions() async throws {
        let rule = "forbid: [ { annotation: destructive } ]\n"
        #expect(counts(try await trial(rule)) == [0, 2, 0])
        let trusted = try await trial(rule) { office in
            let bytes = try await office.database.read { view in
                try view.first("SELECT entry FROM server WHERE alias = 'github'")?.blob("entry") ?? []
            }
            var entry = try #require(try JSONValue(parsing: bytes).object)
            var meta = try #require(entry["_meta"]?.object)
            var own = try #require(meta["dev.doorward/entry"]?.object)
            own["annotations"] = "trusted"
            meta["dev.doorward/entry"] = .object(own)
            entry["_meta"] = .object(meta)
            let stored = JSONValue.object(entry).bytes
            try await office.database.write { transaction in
                try transaction.execute("UPDATE server SET entry = ? WHERE alias = 'github'", [.blob(stored)])
                for digest in [1, 2] as [UInt8] {
                    let text: String =
                        #"{"annotations":{"readOnlyHint":true},"description":"\#(digest)","name":"get_issue"}"#
                    try transaction.execute(
                        """
                        INSERT INTO tool_definition
                        (server, tool, digest, definition, reported_by, reported_at, approved_at)
                        SELECT 'github', 'get_issue', ?, ?, agent_id, 0, 0 FROM agent LIMIT 1
                        """,
                        [.blob(Array(repeating: digest, count: 32)), .blob(Array(text.utf8))]
                    )
                }
            }
        }
        #expect(counts(trusted) == [1, 1, 0], "\(trusted.json)")
    }

    @Test("What is suggested passes its tests, and denies nothing that passed", arguments: 0..<seeds)
    func suggestion(_ seed: UInt64) async throws {
        var random = SeededRandom(seed: 2_000 + seed)
        let office = try Office()
        let calls = (0..<80).map { _ in random.call() }
        let text = random.policy(["member@office.example", "auditor@office.example"])
        let choices = calls.map { _ in random.chance(50) ? 0 : 1 }
        let hasPrefixes = random.chance(50)
        try await office.test { client in
            var fleet = try await Fleet(office, client)
            try await fleet.put(text)
            let file = try PolicyFile(parsing: text)
            for (call, choice) in zip(calls, choices) {
                call.record(try fleet.snapshot(file, fleet.seats[choice]), in: &fleet.seats[choice].agent)
            }
            try await fleet.upload()
            let answer = try await fleet.suggest(["since": "-1h", "prefixes": .bool(hasPrefixes)])
            let suggested = Array(try #require(answer["file"]?.text).utf8)
            let policy = try PolicyFile(parsing: suggested)
            let report = try await fleet.simulate(suggested)
            let denied = (report["changes"]?.array ?? []).filter { $0["was"] == "allow" }
            #expect(denied.isEmpty, "\(report.json)\n\(String(decoding: suggested, as: UTF8.self))")
            // The least: a name that nobody used is closed, unless a beginning was asked for.
            if !hasPrefixes {
                for seat in fleet.seats {
                    let snapshot = try fleet.snapshot(policy, seat)
                    #expect(!snapshot.decide(client: "local", server: "github", tool: "get_other").isAllowed)
                }
            }
        }
    }
}
