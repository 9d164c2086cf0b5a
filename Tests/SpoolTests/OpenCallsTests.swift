import AuditLog
import Bytes
import Errors
import Foundation
import ServiceKit
import StrictJSON
import Testing
import TransparencyLog

@testable import Spool

@Suite("Open calls")
struct OpenCallsTests {
    /// The most memory that this process had since the mark was set, in bytes.
    private func peak(reset: Bool = false) -> Int {
        if reset, let file = FileHandle(forWritingAtPath: "/proc/self/clear_refs") {
            try? file.write(contentsOf: Data("5".utf8))
            try? file.close()
        }
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        return (line?.split(separator: " ").compactMap { Int($0) }.first ?? 0) << 10
    }

    @Test("However many calls are open, the next start ends all of them, in bounded memory")
    func many() async throws {
        let scratch = Scratch()
        let count = 200_000
        var configuration = SpoolConfiguration()
        configuration.mostOpenCalls = count
        configuration.reserveBytes = 1 << 20
        configuration.segmentBytes = 32 << 20
        let spool = try scratch.open(configuration)
        for number in 0..<count { try spool.layOut(begin(number)) }
        try spool.write()
        try await spool.wait(for: UInt64(count) - 1)
        spool.close()

        let before = peak(reset: true)
        let again = try scratch.open(configuration)
        #expect(again.found == Spool.Found(torn: 0, unknown: count))
        #expect(again.counts.recorded == UInt64(2 * count))
        #expect(again.problem == nil)
        #expect(again.openCalls == 0)
        again.close()
        // The calls themselves are in memory once, and a segment with its lines.
        #expect(peak() - before < 700 << 20)
    }

    @Test("From the bound on nothing begins, what is open can end, and then something can begin")
    func bound() throws {
        let scratch = Scratch()
        var configuration = Scratch.configuration
        configuration.mostOpenCalls = 10
        let spool = try scratch.open(configuration)
        for number in 0..<10 { try spool.record(begin(number)) }
        #expect(throws: SpoolError(.callsOpen, "")) { try spool.record(begin(10)) }
        #expect(throws: SpoolError(.callsOpen, "")) { try spool.layOut(begin(10)) }
        #expect(!spool.isFull)
        try spool.record(deny(11))
        spool.recordSoon(end(3))
        try spool.record(begin(12))
        #expect(spool.openCalls == 10)
        spool.close()
        #expect(try scratch.records().numbers == Array(0..<13))
        // The next start ends them, and has room for as many.
        let again = try scratch.open(configuration)
        #expect(again.found.unknown == 10)
        try again.record(begin(13))
        again.close()
    }

    @Test("The reserve has room for the end of every call that may be open")
    func reserve() {
        let configuration = SpoolConfiguration()
        var writer = RecordWriter(
            agent: "a-0123456789abcdef",
            instance: RandomID(),
            key: SigningKey().publicKey.fingerprint,
            boot: String(repeating: "b", count: 22),
            subject: "u-0123456789abcdef"
        )
        var line: [UInt8] = []
        writer.write(
            .callEnd(
                CallAttributes(
                    call: RandomID(),
                    trace: RandomID(),
                    client: JSONText(String(repeating: "c", count: 64)),
                    how: .claimed,
                    server: JSONText(String(repeating: "s", count: 32)),
                    method: "notifications/resources/list_changed",
                    item: .tool(JSONText(String(repeating: "t", count: 256)))
                ),
                Outcome(.unknown)
            ),
            seq: 1 << 52,
            at: RecordTime(wall: 0, mono: 1 << 52),
            to: &line
        )
        #expect(configuration.mostOpenCalls * (line.count + 1) <= configuration.reserveBytes)
    }

    @Test("What was open before the segments that are read is ended too, and a changed file is damage")
    func older() async throws {
        let scratch = Scratch()
        var configuration = Scratch.configuration
        configuration.maxBytes = 1 << 20
        let spool = try scratch.open(configuration)
        for number in 0..<100 { try spool.record(begin(number)) }
        for number in 50..<100 { try spool.record(end(number)) }
        try await spool.wait(for: 149)
        spool.close()
        let copy = try scratch.copy()
        var bytes = try copy.bytes("open")
        bytes[bytes.count / 2] ^= 1
        try copy.write(bytes, "open")
        #expect(throws: SpoolError(.damaged, "")) { try copy.open(configuration) }
        let again = try scratch.open(configuration)
        #expect(again.found == Spool.Found(torn: 0, unknown: 50))
        again.close()
        let ends = try scratch.records().filter { $0["out"]?["is"] == "unknown" }
        #expect(ends.compactMap { $0["call"]?.text } == (0..<50).map { facts($0).call.description })
    }

    @Test("Of a beginning the same is known however its names are written")
    func sameFacts() {
        var writer = RecordWriter(
            agent: "a-1",
            instance: RandomID(),
            key: SigningKey().publicKey.fingerprint,
            boot: "b",
            subject: "u"
        )
        let items: [CallItem] = [
            .tool("t"), .tool("a \"quoted\" \\ tool, \"id\":\""), .prompt("p"), .resource(.of([1])), .none,
        ]
        for item in items {
            for how in [ClientProof.token, .local, .claimed] {
                let facts = CallAttributes(
                    call: RandomID(),
                    trace: RandomID(),
                    client: "c-1",
                    how: how,
                    server: "s",
                    method: "tools/call",
                    item: item
                )
                var line: [UInt8] = []
                let decision = decision(isAllowed: true)
                writer.write(
                    .callBegin(facts, decision, credential: "x"),
                    seq: 7,
                    at: RecordTime(wall: 1, mono: 2),
                    to: &line
                )
                var lines: [[UInt8]] = [[], []]
                guard let known = RecordLine.facts(line) else {
                    Issue.record("nothing is known of \(item)")
                    continue
                }
                let time = RecordTime(wall: 1, mono: 2)
                var twin = writer
                writer.write(.callEnd(facts, Outcome(.unknown)), seq: 8, at: time, to: &lines[0])
                twin.write(.callEnd(known, Outcome(.unknown)), seq: 8, at: time, to: &lines[1])
                let members = lines.map { line in
                    (try? JSONValue(parsing: line))?.object?.members.filter { $0.name != "salt" }.map(\.value)
                }
                #expect(members[0] != nil)
                #expect(members[0] == members[1])
            }
        }
    }
}
