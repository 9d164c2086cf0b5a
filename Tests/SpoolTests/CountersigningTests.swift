import AuditLog
import Bytes
import Errors
import Foundation
import ServiceKit
import StrictJSON
import Testing
import TransparencyLog

@testable import Spool

@Suite("Countersigning")
struct CountersigningTests {
    /// The right edge of the tree of the first `size` records.
    private func frontier(_ spool: Spool, _ size: UInt64) async throws -> MerkleFrontier {
        try await spool.wait(for: size - 1)
        var frontier = MerkleFrontier()
        for hash in try await spool.batch(from: 0, atMost: Int(size)).hashes { frontier.append(hash: hash) }
        return frontier
    }

    @Test("Who waits for a countersignature has the record shipped at once, durable or not, and waits no longer")
    func waiting() async throws {
        let scratch = Scratch()
        let spool = try scratch.open()
        let (urgent, tell) = AsyncStream.makeStream(of: UInt64.self)
        let observation = spool.observe { if $0.isUrgent { tell.yield($0.durable) } }
        defer { observation.cancel() }
        for isDurable in [false, true] {
            let number = try spool.layOut(begin(isDurable ? 1 : 0))
            try spool.write()
            if isDurable { try await spool.wait(for: number) }
            async let isCountersigned = spool.isCountersigned(number, within: .seconds(20))
            // The event behind which the record can be shipped.
            for await durable in urgent where durable > number { break }
            try await spool.countersigned(try await frontier(spool, number + 1))
            #expect(await isCountersigned)
        }
        let late = try spool.layOut(begin(2))
        try spool.write()
        #expect(await !spool.isCountersigned(late, within: .milliseconds(50)))
        spool.close()
    }

    @Test("How far it is countersigned, and the right edge there, survive a restart")
    func state() async throws {
        let scratch = Scratch()
        let spool = try scratch.open()
        for number in 0..<13 { try spool.record(begin(number)) }
        let edge = try await frontier(spool, 11)
        try await spool.countersigned(edge)
        #expect(spool.counts == (13, 11))
        await #expect(throws: SpoolError(.gone, "")) {
            try await spool.countersigned(try #require(MerkleFrontier(size: 16, peaks: [.empty])))
        }
        spool.close()
        #expect(Spool.lastCounts(folder: scratch.path) == (13, 11))
        let again = try scratch.open()
        #expect(again.frontier == edge)
        // The calls that never ended have their ends now.
        #expect(again.counts == (26, 11))
        again.close()
    }

    @Test("Files that are countersigned go, all but what is kept; calls that began in them still get their end")
    func removal() async throws {
        var configuration = Scratch.configuration
        configuration.keptBytes = 20 << 10
        configuration.maxBytes = 1 << 20
        let scratch = Scratch()
        let spool = try scratch.open(configuration)
        try spool.record(begin(5000))
        for number in 0..<40 {
            try spool.record(begin(number))
            try spool.record(end(number))
        }
        let all = try await frontier(spool, 81)
        let before = try scratch.folder.names().count
        try await spool.countersigned(all)
        let records = try scratch.records()
        #expect(try scratch.folder.names().count < before)
        #expect(records.count > 20 && records.count < 60)
        #expect(records.numbers == Array(81 - records.count..<81))
        await #expect(throws: SpoolError(.gone, "")) { try await spool.batch(from: 0, atMost: 1) }
        #expect(try await spool.tail(20).count == 20)
        spool.close()

        let again = try scratch.open(configuration)
        #expect(again.found.unknown == 1)
        again.close()
        let end = try #require(try scratch.records().last)
        #expect(end["kind"] == "call.end")
        #expect(end["call"]?.text == facts(5000).call.description)
        #expect(end["seq"] == 81)
    }

    @Test("What is countersigned and a week old goes too")
    func age() async throws {
        var configuration = Scratch.configuration
        configuration.keptAge = -10
        let scratch = Scratch()
        let spool = try scratch.open(configuration)
        for number in 0..<60 { try spool.record(begin(number)) }
        try await spool.countersigned(try await frontier(spool, 60))
        #expect(try scratch.folder.names().filter { SegmentFile.first(name: $0) != nil }.count == 1)
        spool.close()
    }

    @Test("A folder that went back in time goes on behind the larger log, and nothing recorded since is lost")
    func rollback() async throws {
        let scratch = Scratch()
        let spool = try scratch.open()
        for number in 0..<10 { try spool.record(begin(number)) }
        try await spool.countersigned(try await frontier(spool, 6))
        spool.recordSoon(end(3))
        var larger = MerkleFrontier()
        for number in 0..<40 { larger.append([UInt8(number)]) }
        try await spool.goOn(behind: larger)
        #expect(spool.counts == (46, 40))
        #expect(spool.frontier == larger)
        try spool.record(end(4))
        try await spool.wait(for: 46)
        let batch = try await spool.batch(from: 40, atMost: 100)
        #expect(batch.hashes == batch.records.map { Hash.leaf($0) })
        let records = try batch.records.map { try JSONValue(canonical: $0) }
        #expect(records.numbers == Array(40..<47))
        #expect(
            records.kinds == ["agent.rollback"] + Array(repeating: "call.begin", count: 4) + ["call.end", "call.end"]
        )
        #expect(records[0]["known"] == 11)
        #expect(records[0]["countersigned"] == 40)
        await #expect(throws: SpoolError(.gone, "")) { try await spool.goOn(behind: larger) }
        spool.close()

        let again = try scratch.open()
        #expect(again.found.torn == 0)
        #expect(again.counts.countersigned == 40)
        // Those of before, too: they began in files that are gone.
        #expect(again.found.unknown == 8)
        again.close()
        #expect(try scratch.records().numbers == Array(40..<55))
    }

    @Test("A rollback that a crash interrupts is finished by the next start")
    func interruptedRollback() async throws {
        let scratch = Scratch()
        let spool = try scratch.open()
        for number in 0..<3 { try spool.record(begin(number)) }
        spool.close()
        var larger = MerkleFrontier()
        for number in 0..<5 { larger.append([UInt8(number)]) }
        let line = try #require(
            RecordLine.renumbered(Array(try scratch.bytes("0000000000000000.records").split(separator: 0x0A)[0]), 5)
        )
        try SpoolState(countersigned: larger, isContinuing: true).save(scratch.folder)
        try scratch.write(line + [0x0A], "continued.part")
        for _ in 0..<2 {
            let recovery = try SpoolRecovery(scratch.folder)
            #expect(recovery.segments.map(\.first) == [5])
            #expect(recovery.segments.last?.end == 6)
            #expect(recovery.state == SpoolState(countersigned: larger))
        }
        // Before the state said so it has not begun, and what is left of it goes.
        let other = Scratch()
        try other.open().close()
        try other.write(line, "continued.part")
        _ = try SpoolRecovery(other.folder)
        #expect(try other.folder.size("continued.part") == nil)
    }
}
