import AuditLog
import AuditSink
import Bytes
import Contract
import Foundation
import Kits
import StrictJSON
import Synchronization
import Testing
import TransparencyLog

@Suite("Calls on record, read again")
struct RecordedCallsTests {
    private static let all = RecordedCalls.Choice(from: 0, to: .max)

    private func facts(_ item: CallItem, server: JSONText = "github", client: JSONText = "claude-code")
        -> CallAttributes
    {
        CallAttributes(
            call: RandomID(),
            trace: RandomID(),
            client: client,
            how: .token,
            server: server,
            method: "tools/call",
            item: item
        )
    }

    private func read(_ sink: Sink, _ choice: RecordedCalls.Choice = Self.all) async throws -> [(String, RecordedCall)]
    {
        let seen = Mutex<[(String, RecordedCall)]>([])
        try await RecordedCalls(database: sink.database).begin(choice).each { sub, call in
            seen.withLock { $0.append((sub, call)) }
        }
        return seen.withLock { $0 }
    }

    @Test("What a record says of its call is read, whatever else it says")
    func members() async throws {
        let sink = try Sink()
        defer { sink.remove() }
        var agent = try await sink.enrol("ann")
        let allowed = EncodedDecision(
            isAllowed: true,
            reason: "granted",
            rules: ["roles/dev/grant/0", "bind/1"],
            policy: 3,
            digest: ""
        )
        let denied = EncodedDecision(isAllowed: false, reason: "no_grant", rules: [], policy: 4, digest: "")
        agent.record(.callBegin(facts(.tool("get_issue")), allowed, credential: "c-1"))
        agent.record(.callEnd(facts(.tool("get_issue")), Outcome(.ok)))
        agent.record(.callDeny(facts(.prompt("caf\u{E9}"), client: "caf\u{E9}"), denied))
        agent.record(.callBegin(facts(.resource(uri: Array("repo://x".utf8))), allowed, credential: nil))
        agent.record()
        agent.record(.callDeny(facts(.none), denied))
        try await sink.store(agent)

        let calls = try await read(sink)
        #expect(calls.map(\.0) == Array(repeating: agent.sub, count: 4))
        let first = try #require(calls.first?.1)
        #expect(first.client == "claude-code" && first.server == "github" && first.method == "tools/call")
        #expect(first.item == .tool("get_issue") && first.isAllowed && first.reason == "granted")
        #expect(first.rules == ["roles/dev/grant/0", "bind/1"] && first.policy == 3)
        let second = calls[1].1
        #expect(second.item == .prompt(RecordName.hash(of: "caf\u{E9}")) && !second.isAllowed && second.policy == 4)
        #expect(RecordedCall.isHash(second.client) && !RecordedCall.isHash(second.server))
        guard case .resource(let hash) = calls[2].1.item else {
            Issue.record("it was a resource")
            return
        }
        #expect(hash == JSONText(Hash.of(Array("repo://x".utf8)).base64URL))
        #expect(calls[3].1.item == .none)
    }

    @Test("Time, person and server choose; each person's calls come together, in the order of the logs")
    func choice() async throws {
        let sink = try Sink()
        defer { sink.remove() }
        var (ann, bob) = (try await sink.enrol("ann"), try await sink.enrol("bob"))
        for number in 0..<600 {
            let server = number.isMultiple(of: 3) ? "a" : "b"
            ann.deny(server: server, at: Sink.noon + Int64(number) * 1_000_000)
            bob.deny(server: server, at: Sink.noon + Int64(number) * 1_000_000)
        }
        for (from, to) in [(0, 256), (256, 300), (300, 600)] {
            try await sink.store(bob, from: from, to: to)
            try await sink.store(ann, from: from, to: to)
        }
        let calls = try await read(sink)
        #expect(calls.map(\.0) == Array(repeating: "u-ann", count: 600) + Array(repeating: "u-bob", count: 600))
        #expect(calls.prefix(600).map(\.1.server) == (0..<600).map { $0.isMultiple(of: 3) ? "a" : "b" })

        var choice = RecordedCalls.Choice(from: Sink.noon + 250_000_000, to: Sink.noon + 310_000_000)
        #expect(try await read(sink, choice).count == 120)
        choice.sub = "u-bob"
        #expect(try await read(sink, choice).map(\.0) == Array(repeating: "u-bob", count: 60))
        choice.server = "a"
        #expect(try await read(sink, choice).count == 20)
        choice.server = "c"
        #expect(try await read(sink, choice).isEmpty)
        #expect(try await read(sink, RecordedCalls.Choice(from: 5, to: 5)).isEmpty)
    }

    @Test("Two read at a time, no longer than they may, and not for a caller who has left")
    func bounds() async throws {
        let sink = try Sink()
        defer { sink.remove() }
        var agent = try await sink.enrol("ann")
        for _ in 0..<10 { agent.deny(server: "a") }
        try await sink.store(agent)

        let calls = RecordedCalls(database: sink.database)
        do {
            let (first, second) = (try calls.begin(Self.all), try calls.begin(Self.all))
            #expect(throws: Refused.self) { try calls.begin(Self.all) }
            _ = (first, second)
        }
        _ = try calls.begin(Self.all)

        let hurried = RecordedCalls(database: sink.database, patience: .zero)
        await #expect { try await hurried.begin(Self.all).each { _, _ in } } throws: { error in
            (error as? Refused)?.code == "replay_too_long"
        }
        let left = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            try await calls.begin(Self.all).each { _, _ in Issue.record("it was read") }
        }
        await #expect(throws: CancellationError.self) { try await left.value }
    }

    @Test("Memory does not grow with the log")
    func memory() async throws {
        let sink = try Sink()
        defer { sink.remove() }
        var agent = try await sink.enrol("ann")
        var stored = 0
        for number in 1...24_000 {
            agent.deny(server: "a")
            guard number.isMultiple(of: 4_000) else { continue }
            try await sink.store(agent, from: stored, to: number)
            stored = number
        }
        let bytes = agent.records.reduce(0) { $0 + $1.count }
        #expect(bytes > 10 << 20)
        let count = Mutex(0)
        let calls = RecordedCalls(database: sink.database)
        // Once before, so that what every reading needs is there.
        try await calls.begin(Self.all).each { _, _ in }
        let before = try Self.peak(reset: true)
        try await calls.begin(Self.all).each { _, _ in count.withLock { $0 += 1 } }
        let grown = try Self.peak(reset: false) - before
        #expect(count.withLock { $0 } == 24_000)
        // The whole log at once would be more than its records; the database keeps some pages, too.
        #expect(grown < bytes * 3 / 4, "\(grown >> 20) MiB for \(bytes >> 20) MiB of records")
    }

    /// The most memory that the process had since it was last reset, in bytes.
    private static func peak(reset: Bool) throws -> Int {
        // 5 sets the peak back to what is in use (proc(5), clear_refs).
        if reset { try Data("5".utf8).write(to: URL(fileURLWithPath: "/proc/self/clear_refs")) }
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
        return (Int(line.filter(\.isNumber)) ?? 0) << 10
    }
}
