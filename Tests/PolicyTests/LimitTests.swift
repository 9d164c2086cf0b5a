import Kits
import StrictJSON
import Testing

@testable import Policy

@Suite("Rates and slots")
struct LimitTests {
    private static let second: Int64 = 1_000_000_000

    private func table(_ texts: String...) throws -> LimitTable {
        LimitTable(rules: try Self.rules(texts))
    }

    private static func rules(_ texts: [String]) throws -> [LimitRule] {
        try texts.enumerated().map { index, text in
            try LimitRule(
                JSONValue(parsing: Array(text.utf8)),
                name: PolicyRules.limitName(index),
                at: "limits/\(index)"
            )
        }
    }

    /// Asks for one call; nil if it may pass (its permit is dropped or kept in `permits`), else the time to wait.
    private func wait(
        _ table: LimitTable,
        _ now: Int64,
        client: JSONText = "local",
        server: JSONText = "git",
        tool: JSONText = "get",
        keeping permits: UnsafeMutablePointer<[LimitPermit]>? = nil
    ) -> (rule: JSONText, milliseconds: Int)? {
        let admission = tool.utf8.withUnsafeBufferPointer {
            table.admit(client: client, server: server, tool: $0, now: now)
        }
        switch admission {
        case .admitted(let permit):
            permits?.pointee.append(permit)
            return nil
        case .limited(let rule, let milliseconds): return (rule, milliseconds)
        }
    }

    @Test("A burst passes at once from rest, then one a period, and the time to wait is exact")
    func burst() throws {
        let table = try table(#"{"per":"user","rate":"6/min","burst":3}"#)
        var now: Int64 = 5
        for _ in 0..<3 { #expect(wait(table, now) == nil) }
        let limited = try #require(wait(table, now))
        #expect(limited.rule == "limits/0")
        #expect(limited.milliseconds == 10_000)
        // Asking costs nothing, and waiting as long as was said is enough.
        #expect(wait(table, now + 4 * Self.second)?.milliseconds == 6_000)
        now += 10 * Self.second
        #expect(wait(table, now) == nil)
        #expect(wait(table, now) != nil)
    }

    @Test("In the long run no more passes than the rate and the burst", arguments: 0..<20)
    func longRun(seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed))
        let count = Int.random(in: 1...50, using: &random)
        let burst = Int.random(in: 1...10, using: &random)
        let table = try table(#"{"per":"user","rate":"\#(count)/s","burst":\#(burst)}"#)
        var now: Int64 = 0
        var passed = 0
        while now < 30 * Self.second {
            if wait(table, now) == nil { passed += 1 }
            now += Int64.random(in: 0...40_000_000, using: &random)
        }
        #expect(passed <= 30 * count + burst)
    }

    @Test("A call passes every limit that matches, or takes from none")
    func allOrNone() throws {
        let table = try table(
            #"{"per":"user","rate":"1/h","burst":5}"#,
            #"{"per":"user","tools":["delete_*"],"rate":"1/h"}"#
        )
        #expect(wait(table, 0, tool: "delete_a") == nil)
        for _ in 0..<10 { #expect(wait(table, 0, tool: "delete_a")?.rule == "limits/1") }
        // Of the first limit one is used and not eleven.
        for _ in 0..<4 { #expect(wait(table, 0) == nil) }
        #expect(wait(table, 0)?.rule == "limits/0")
    }

    @Test("A limit for each client is one bucket a client, one for the user is shared")
    func subjects() throws {
        let each = try table(#"{"per":"client","rate":"1/h"}"#)
        #expect(wait(each, 0, client: "a") == nil)
        #expect(wait(each, 0, client: "b") == nil)
        #expect(wait(each, 0, client: "a") != nil)
        let shared = try table(#"{"per":"user","rate":"1/h"}"#)
        #expect(wait(shared, 0, client: "a") == nil)
        #expect(wait(shared, 0, client: "b") != nil)
    }

    @Test("Servers and tools that a limit does not name are free")
    func scope() throws {
        let table = try table(#"{"per":"user","server":"git","tools":["get"],"rate":"1/h"}"#)
        #expect(wait(table, 0) == nil)
        #expect(wait(table, 0, server: "jira") == nil)
        #expect(wait(table, 0, tool: "get_") == nil)
        #expect(wait(table, 0) != nil)
    }

    @Test("Slots bound what runs at once, and come back once however often they are given back")
    func slots() throws {
        let table = try table(#"{"per":"user","concurrent":2}"#)
        var permits: [LimitPermit] = []
        for _ in 0..<2 { #expect(wait(table, 0, keeping: &permits) == nil) }
        #expect(wait(table, 0)?.milliseconds == 1_000)
        permits[0].release()
        permits[0].release()
        #expect(wait(table, 0, keeping: &permits) == nil)
        #expect(wait(table, 0) != nil)
    }

    @Test("Another policy with the same limit keeps what was used, wherever the limit is now")
    func replacement() throws {
        let limit = #"{"per":"user","server":"git","rate":"1/h"}"#
        let table = try table(limit)
        #expect(wait(table, 0) == nil)
        table.replace(rules: try Self.rules([#"{"per":"user","server":"jira","rate":"1/h"}"#, limit]))
        #expect(wait(table, 0)?.rule == "limits/1")
        table.replace(rules: try Self.rules([#"{"per":"user","server":"git","rate":"2/h"}"#]))
        #expect(wait(table, 0) == nil)
    }

    @Test("A slot that is in use while the policy changes is given back to the same limit")
    func replacementOfSlots() throws {
        let limit = #"{"per":"user","concurrent":1}"#
        let table = try table(limit)
        var permits: [LimitPermit] = []
        #expect(wait(table, 0, keeping: &permits) == nil)
        table.replace(rules: try Self.rules([limit]))
        #expect(wait(table, 0) != nil)
        permits[0].release()
        #expect(wait(table, 0) == nil)
    }

    @Test("A restart is no way to a full bucket, and time passes over it")
    func debts() throws {
        let limit = #"{"per":"client","rate":"1/min","burst":3}"#
        let before = try table(limit)
        for _ in 0..<3 { #expect(wait(before, 100 * Self.second) == nil) }
        let debts = before.debts(now: 100 * Self.second)
        #expect(try debts.map { try LimitDebt($0.json, at: "") } == debts)

        let after = try table(limit)
        after.restore(debts, now: 7)
        #expect(wait(after, 7)?.milliseconds == 60_000)
        let later = try table(limit)
        later.restore(debts, elapsed: 60 * Self.second, now: 7)
        #expect(wait(later, 7) == nil)
        #expect(wait(later, 7) != nil)
        // A debt that another program wrote into the file cannot lock the limit for longer than the limit itself would.
        let forged = debts.map { LimitDebt(rule: $0.rule, client: $0.client, nanoseconds: .max) }
        let bounded = try table(limit)
        bounded.restore(forged, now: 0)
        #expect(wait(bounded, 0).map { $0.milliseconds <= 180_000 } == true)
    }

    @Test("What is owed waits while the limit is gone, for its slots too, and no longer than the limit itself would")
    func absence() throws {
        let limit = #"{"per":"user","rate":"6/h","burst":6}"#
        let slots = #"{"per":"client","concurrent":1}"#
        let table = try table(limit, slots)
        var permits: [LimitPermit] = []
        #expect(wait(table, 0, client: "a", keeping: &permits) == nil)
        // A membership ends and begins again.
        table.replace(rules: [])
        #expect(wait(table, 1) == nil)
        let kept = table.debts(now: 2)
        #expect(kept.count == 1)
        table.replace(rules: try Self.rules([slots, limit]))
        #expect(wait(table, 3, client: "a")?.rule == "limits/0")
        permits[0].release()

        // The same over a restart at which no machine is enrolled: also what another program wrote into the file.
        let forged = kept.map { LimitDebt(rule: $0.rule, client: $0.client, nanoseconds: .max) }
        let later = LimitTable()
        later.restore(forged, now: 5)
        #expect(later.debts(now: 5).count == 1)
        later.replace(rules: try Self.rules([limit]))
        #expect(wait(later, 5)?.milliseconds == 600_000)
        #expect(wait(later, 5 + 600 * Self.second) == nil)
    }

    @Test("A call whose record has the hash of its name counts towards every limit that may have been meant")
    func hashedNames() throws {
        @Sendable func hash(_ name: JSONText) -> JSONText { JSONText("sha256:\(name.string.count)") }
        let odd: Set<JSONText> = ["a tool", "another tool"]
        let limits = ["a tool", "another tool", "get", "g*", "*"].map { name in
            #"{"per":"user","tools":["\#(name)"],"rate":"1/h"}"#
        }
        let cases: [(JSONText, [String])] = [("a tool", ["a tool", "g*", "*"]), ("get", ["get", "g*", "*"])]
        for (tool, charged) in cases {
            let recorded: @Sendable (JSONText) -> JSONText = { odd.contains($0) ? hash($0) : $0 }
            let call = OwedLimits.Call(client: "a", server: "git", tool: recorded(tool), age: 0)
            for (limit, name) in zip(limits, ["a tool", "another tool", "get", "g*", "*"]) {
                let table = try table(limit)
                table.restore(OwedLimits(debts: [], elapsed: 0, calls: [call], recorded: recorded), now: 0)
                #expect((table.debts(now: 0).count == 1) == charged.contains(name), "\(tool.string) and \(name)")
            }
        }
    }

    @Test("Calls that an earlier run let pass count from their own time, once each, and a refusal costs nothing")
    func earlierCalls() throws {
        let limit = #"{"per":"user","server":"git","rate":"1/min","burst":3}"#
        let table = try table(limit)
        let now = 1_000 * Self.second
        func call(_ seconds: Int64, server: JSONText = "git") -> OwedLimits.Call {
            OwedLimits.Call(client: "a", server: server, tool: "get", age: seconds * Self.second)
        }
        let calls = [call(90), call(30), call(30, server: "jira"), call(0)]
        table.restore(OwedLimits(debts: [], elapsed: 0, calls: calls), now: now)
        // Of the first nothing is owed any more, of the second half, of the last all.
        #expect(wait(table, now) == nil)
        #expect(wait(table, now)?.milliseconds == 30_000)
        // More than can be owed is not.
        table.restore(OwedLimits(debts: [], elapsed: 0, calls: (0..<100).map { _ in call(0) }), now: now)
        #expect(wait(table, now)?.milliseconds == 60_000)
    }
}
