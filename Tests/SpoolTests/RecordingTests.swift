import AuditLog
import Bytes
import Errors
import Foundation
import ServiceKit
import StrictJSON
import Synchronization
import Testing
import TransparencyLog

@testable import Spool

@Suite("Recording")
struct RecordingTests {
    @Test("A record is in the file when it is recorded, with everything before it in the same write")
    func order() async throws {
        let writes = Mutex<[Int]>([])
        var disk = SpoolDisk.system
        disk.write = { file, bytes in
            writes.withLock { $0.append(bytes.count) }
            return SpoolDisk.system.write(file, bytes)
        }
        let scratch = Scratch()
        let spool = try scratch.open(disk: disk)
        try spool.record(begin(1))
        let before = writes.withLock { $0.count }
        spool.recordSoon(end(1))
        spool.recordSoon(.agentHeartbeat(calls: 1, notifications: 0, pings: 0))
        try spool.record(begin(2))
        let after = writes.withLock { $0.count }
        // One write, unless the 20 ms ended just in between.
        #expect(after - before <= 2)
        let records = try scratch.records()
        #expect(records.kinds == ["call.begin", "call.end", "agent.heartbeat", "call.begin"])
        #expect(records.numbers == [0, 1, 2, 3])
        spool.close()
    }

    @Test("What is recorded soon is there after a moment, without anybody else recording")
    func soon() async throws {
        let scratch = Scratch()
        let spool = try scratch.open()
        spool.recordSoon(.agentStop(why: "test"))
        try await spool.wait(for: 0)
        #expect(try scratch.records().kinds == ["agent.stop"])
        spool.close()
        #expect(throws: SpoolError(.closed, "")) { try spool.record(begin(1)) }
    }

    @Test("Records of many threads are numbered without gaps, and each thread's own are in order")
    func threads() async throws {
        let scratch = Scratch()
        var configuration = Scratch.configuration
        configuration.maxBytes = 64 << 20
        let spool = try scratch.open(configuration)
        await withTaskGroup(of: Void.self) { group in
            for thread in 0..<8 {
                group.addTask {
                    for number in 0..<250 {
                        try? spool.record(begin(thread * 1000 + number))
                        spool.recordSoon(end(thread * 1000 + number))
                    }
                }
            }
        }
        spool.close()
        let records = try scratch.records()
        #expect(records.count == 8 * 250 * 2)
        #expect(records.numbers == Array(0..<4000))
        for thread in 0..<8 {
            let mine = records.calls("call.begin").compactMap { UInt64($0.suffix(16), radix: 16) }
                .filter { Int($0) / 1000 == thread }
            #expect(mine == mine.sorted())
            #expect(mine.count == 250)
        }
        #expect(try scratch.folder.names().filter { SegmentFile.first(name: $0) != nil }.count > 50)
        #expect(try scratch.open(configuration).found == Spool.Found(torn: 0, unknown: 0))
    }

    @Test("A denial is told of at once, everything else within a moment")
    func news() async throws {
        let scratch = Scratch()
        let spool = try scratch.open()
        let (stream, continuation) = AsyncStream.makeStream(of: SpoolEvent.self)
        let observation = spool.observe { continuation.yield($0) }
        var news = stream.makeAsyncIterator()
        try spool.record(begin(1))
        #expect(await news.next()?.isUrgent == false)
        let start = ContinuousClock.now
        try spool.record(deny(2))
        let urgent = try #require(await news.next())
        #expect(urgent.isUrgent)
        #expect(urgent.durable == 2)
        #expect(ContinuousClock.now - start < .seconds(2))
        observation.cancel()
        spool.close()
    }

    @Test("A second process is kept out, until the first has gone")
    func exclusion() throws {
        let scratch = Scratch()
        let spool = try scratch.open()
        #expect(throws: SpoolError(.inUse, "")) { try scratch.open() }
        spool.close()
        _ = try scratch.open()
    }

    @Test("A batch of records of an earlier run and of this one has the hashes of all")
    func earlierRun() async throws {
        let scratch = Scratch()
        for run in 0..<2 {
            let spool = try scratch.open()
            for number in run * 10..<run * 10 + 10 {
                try spool.record(begin(number))
                try spool.record(end(number))
            }
            try await spool.wait(for: UInt64(run * 20 + 19))
            let batch = try await spool.batch(from: 0, atMost: 100)
            #expect(batch.hashes == batch.records.map { Hash.leaf($0) })
            #expect(try batch.records.map { try JSONValue(canonical: $0) } == scratch.records())
            spool.close()
        }
        #expect(try scratch.records().count == 40)
    }

    @Test("Batches, the tail, one call's records and those that follow")
    func reading() async throws {
        let scratch = Scratch()
        let spool = try scratch.open()
        for number in 0..<60 {
            try spool.record(begin(number))
            try spool.record(end(number))
        }
        try await spool.wait(for: 119)
        var read: [[UInt8]] = []
        while read.count < 120 {
            let batch = try await spool.batch(from: UInt64(read.count), atMost: 7, bytes: 4096)
            #expect((1...7).contains(batch.records.count))
            #expect(batch.hashes == batch.records.map { Hash.leaf($0) })
            read += batch.records
        }
        #expect(try read.map { try JSONValue(canonical: $0) } == scratch.records())
        #expect(try await spool.batch(from: 120, atMost: 7).records.isEmpty)
        #expect(try await spool.records(from: 3, atMost: 1, bytes: 1) == [read[3]])
        #expect(try await spool.tail(20) == Array(read.suffix(20)))
        #expect(try await spool.tail(500) == read)
        #expect(try await spool.find(call: facts(31).call) == [read[62], read[63]])
        #expect(try await spool.find(call: RandomID()).isEmpty)

        var followed = spool.follow(from: 119).makeAsyncIterator()
        #expect(try await followed.next() == [read[119]])
        try spool.record(begin(60))
        #expect(try await followed.next()?.count == 1)
        spool.close()
        await #expect(throws: SpoolError.self) { try await followed.next() }
        #expect(Spool.lastCounts(folder: scratch.path) == (121, 0))
    }

    @Test("The tool calls of earlier runs are found again, with the time of each, and none of this run")
    func earlierCalls() async throws {
        let scratch = Scratch()
        let spool = try scratch.open()
        for number in 0..<20 { try spool.record(begin(number)) }
        try spool.record(deny(20))
        let list = CallAttributes(
            call: RandomID(),
            trace: RandomID(),
            client: "c",
            how: .token,
            server: "s",
            method: "tools/list",
            item: .none
        )
        try spool.record(.callBegin(list, decision(isAllowed: true), credential: nil))
        #expect(try await spool.begun(from: 0, atMost: 100).isEmpty)
        spool.close()
        let again = try scratch.open()
        try again.record(begin(100))
        #expect(again.began == 22)
        let calls = try await again.begun(from: 15, atMost: 100)
        #expect(calls.count == 5)
        #expect(calls.allSatisfy { $0.client == "c" && $0.server == "s" && $0.tool == "t" && $0.boot == "boot" })
        #expect(calls.map(\.mono) == calls.map(\.mono).sorted())
        #expect(try await again.begun(from: 0, atMost: 3).count == 3)
        #expect(try await again.begun(from: 1000, atMost: 3).isEmpty)
        again.close()
    }

    @Test("A record costs a few microseconds")
    func cost() throws {
        var configuration = Scratch.configuration
        configuration.maxBytes = 1 << 30
        configuration.segmentBytes = 8 << 20
        let scratch = Scratch()
        let spool = try scratch.open(configuration)
        let start = ContinuousClock.now
        for number in 0..<2000 { try spool.record(begin(number)) }
        // Without optimisation and beside other tests: a hundredfold of what it takes.
        #expect((ContinuousClock.now - start) / 2000 < .microseconds(1000))
        spool.close()
    }
}
