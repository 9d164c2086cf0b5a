import Bytes
import Errors
import StrictJSON
import Testing

@testable import Contract

@Suite("Locks of machines")
struct LockTests {
    @Test(
        "A lock comes back as it was",
        arguments: [nil, "It was left on a train.", String(repeating: "é", count: 200)]
    )
    func again(why: String?) throws {
        let lock = MachineLock(since: UTCTime(seconds: 1_800_000_000), why: why)
        #expect(try MachineLock(lock.json, at: "locked") == lock)
        #expect(lock.code == "locked_by_administrator")
        // It is a part of what is signed, whose form has no null.
        #expect(throws: Never.self) { try lock.json.canonicalBytes() }
    }

    @Test(
        "A reason that could forge a line, or hide one, is refused",
        arguments: ["", "a\nb", "\u{1B}[2J", "\u{9B}0m"]
    )
    func forged(why: String) {
        #expect(!MachineLock.isLine(why))
        #expect(throws: ShapeError.self) {
            try MachineLock(["since": "2027-01-15T08:00:00.000000Z", "why": .text(why)], at: "locked")
        }
    }

    @Test("A reason has an end")
    func long() {
        #expect(MachineLock.isLine(String(repeating: "a", count: MachineLock.longestWhy)))
        #expect(!MachineLock.isLine(String(repeating: "a", count: MachineLock.longestWhy + 1)))
    }

    @Test("What a machine says of itself comes back as it was, and an earlier machine says less")
    func health() throws {
        let report = HealthReport(servers: [], pendingRecords: 7, clockAhead: -3, isEnding: true)
        #expect(try HealthReport(try JSONValue(parsing: report.json.bytes)) == report)
        let earlier = try HealthReport(["servers": []])
        #expect(earlier.pendingRecords == nil && earlier.clockAhead == nil && !earlier.isEnding)
    }
}
